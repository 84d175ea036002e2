// smashed KIND: jumps to where no code is, by a call, or as by a return address that was overwritten.
#include <string.h>

#define KEPT __attribute__((noinline))

static volatile int sink;

KEPT static void *where(void) { return __builtin_return_address(0); }

KEPT static void *elsewhere(void) {
	void *here = where();
	sink++;
	return here;
}

KEPT static void returns(void *stale) {
	// A return leaves the stack pointer at a multiple of 16; what lies there was left by a call that has long returned.
	__asm__ volatile("and $-16, %%rsp\n\tsub $8, %%rsp\n\tpush %0\n\tpush $0x4141\n\tret" : : "r"(stale) : "memory");
}

KEPT static int calls(void) {
	int (*volatile nowhere)(void) = (int (*)(void))0x4141;
	return nowhere() + 1;
}

int main(int count, char **arguments) {
	void *stale = elsewhere();
	if (!strcmp(arguments[count - 1], "returns")) returns(stale);
	return calls() + 1;
}
