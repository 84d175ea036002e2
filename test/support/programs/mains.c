// mains KIND: has a function main of its own, and as a library another one, which the program calls.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define KEPT __attribute__((noinline))

static volatile int sink;

KEPT int read_null(volatile int *from) {
	sink = from[4];
	return sink + 1;
}

#ifdef LIBRARY
int main(void) { return read_null(0) + 1; }
#else
KEPT int call_library(const char *path) {
	int (*library_main)(void) = (int (*)(void))dlsym(dlopen(path, RTLD_NOW), "main");
	return library_main() + 1;
}

KEPT int call_again(int (*again)(int, char **)) {
	char *arguments[] = {"mains", "null"};
	return again(2, arguments) + 1;
}

int main(int count, char **arguments) {
	if (!strcmp(arguments[1], "null")) return read_null(0) + 1;
	if (!strcmp(arguments[1], "again")) return call_again(main) + 1;
	return call_library(arguments[1]) + 1;
}
#endif
