// The C side: each function calls Go, but for the last, which crashes.
#include "_cgo_export.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

__attribute__((noinline)) int outer(int kind) { return goFirst(kind) + 1; }
__attribute__((noinline)) int middle(int kind) { return goSecond(kind) + 1; }

__attribute__((noinline)) int inner(int kind) {
	volatile int *nowhere = 0;
	if (kind == 0) return nowhere[4] + 1;
	abort();
}

static void *begin(void *kind) { return (void *)(intptr_t)(outer((int)(intptr_t)kind) + 1); }

int on_a_thread(int kind) {
	pthread_t thread;
	pthread_create(&thread, 0, begin, (void *)(intptr_t)kind);
	return pthread_join(thread, 0);
}
