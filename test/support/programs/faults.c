/* faults KIND: one real fault of each kind, in a function named after it. */
#define _GNU_SOURCE
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int sink;

__attribute__((noinline)) static void write_null(void) { *(volatile int *)0x10 = 1; }
__attribute__((noinline)) static void write_wild(void) { *(volatile int *)0x5eadbeef000 = 1; }
__attribute__((noinline)) static void write_noncanonical(void) { *(volatile int *)0xdeadbeefdeadbeef = 1; }
__attribute__((noinline)) static void write_readonly(void) { char *page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); *(volatile char *)page = 1; }
__attribute__((noinline)) static void call_null(void) { void (*volatile function)(void) = 0; function(); sink = 1; }
__attribute__((noinline)) static void do_abort(void) { abort(); }
__attribute__((noinline)) static void fail_assert(int rows) { assert(rows == 7); }
__attribute__((noinline)) static void free_twice(void) { void *volatile block = malloc(40); free(block); free(block); }
__attribute__((noinline)) static void divide(volatile int by) { sink = 7 / by; }
__attribute__((noinline)) static void read_past_file(void) { char *page = mmap(0, 4096, PROT_READ, MAP_SHARED, open(".", O_TMPFILE | O_RDWR, 0600), 0); sink = *(volatile char *)page; }
__attribute__((noinline)) static void trap(void) { __builtin_trap(); }
__attribute__((noinline)) static int recurse(int depth) { volatile char frame[4096]; frame[0] = (char)depth; return recurse(depth + 1) + frame[0]; }
/* A piece of a library mapped as data, below the library itself. */
__attribute__((noinline)) static void read_own_library(void) { mmap(0, 4096, PROT_READ, MAP_PRIVATE, open("/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY), 8192); write_null(); }
__attribute__((noinline)) static void kill_self(void) { kill(getpid(), SIGSEGV); pause(); }

static void *idle(void *unused) { (void)unused; for (;;) pause(); return unused; }
static void *crash_in_thread(void *unused) { pthread_setname_np(pthread_self(), "worker-7"); write_null(); return unused; }

__attribute__((noinline)) static void crash_among_fifty(void)
{
	pthread_t thread;
	const char *threads = getenv("THREADS");
	for (int i = 0; i < (threads ? atoi(threads) - 2 : 48); i++) pthread_create(&thread, 0, idle, 0);
	pthread_create(&thread, 0, crash_in_thread, 0);
	pthread_join(thread, 0);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	if (getenv("FILL_MB")) {
		size_t size = strtoul(getenv("FILL_MB"), 0, 10) << 20;
		unsigned seed = 1;
		unsigned char *block = malloc(size);
		for (size_t i = 0; i < size; i++) block[i] = (seed = seed * 1103515245 + 12345) >> 16;
	}
	if (getenv("MAPPINGS")) {
		for (long i = 0; i < atol(getenv("MAPPINGS")); i++) mmap(0, 4096, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (!strcmp(kind, "null")) write_null();
	if (!strcmp(kind, "wild")) write_wild();
	if (!strcmp(kind, "noncanonical")) write_noncanonical();
	if (!strcmp(kind, "readonly")) write_readonly();
	if (!strcmp(kind, "callnull")) call_null();
	if (!strcmp(kind, "abort")) do_abort();
	if (!strcmp(kind, "assert")) fail_assert(argc);
	if (!strcmp(kind, "doublefree")) free_twice();
	if (!strcmp(kind, "fpe")) divide(0);
	if (!strcmp(kind, "bus")) read_past_file();
	if (!strcmp(kind, "ill")) trap();
	if (!strcmp(kind, "overflow")) recurse(0);
	if (!strcmp(kind, "fifty")) crash_among_fifty();
	if (!strcmp(kind, "mapped")) read_own_library();
	if (!strcmp(kind, "kill")) kill_self();
	if (!strcmp(kind, "wait")) { puts("waiting"); fflush(stdout); pause(); }
	fprintf(stderr, "unknown kind: %s\n", kind);
	return 2;
}
