/* fills GIGABYTES: takes that much memory, and each page of it for real, then dies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

__attribute__((noinline)) static void write_null(void) { *(volatile int *)0x10 = 1; }

int main(int count, char **args)
{
	size_t size = (size_t)(count == 2 ? atoi(args[1]) : 0) << 30;
	char *memory = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) return 2;
	for (size_t at = 0; at < size; at += 4096) memcpy(memory + at, &at, sizeof at);
	write_null();
	return 0;
}
