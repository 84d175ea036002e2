/*
 * Dies on purpose, so that an agent can be seen at work: milvus_crasher segv|abort|fpe
 *
 * It looks a little like a query node: some threads are idle while one runs a search, and that one crashes.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct segment {
	long id;
	long row_count;
};

__attribute__((noinline)) static long read_row_count(const struct segment *segment)
{
	return ((volatile const struct segment *)segment)->row_count;
}

/* abort() and raise() of musl have no unwind tables, so that no debugger finds back from them to who called them. */
static inline void end_by(long signal_number)
{
#if defined __GLIBC__
	if (signal_number == SIGABRT)
		abort();
	raise(signal_number);
#else
	long process = getpid(), thread = syscall(SYS_gettid);
#if defined __x86_64__
	long number = SYS_tgkill;
	__asm__ volatile("syscall" : "+a"(number) : "D"(process), "S"(thread), "d"(signal_number) : "rcx", "r11", "memory");
#elif defined __aarch64__
	register long x8 __asm__("x8") = SYS_tgkill;
	register long x0 __asm__("x0") = process;
	register long x1 __asm__("x1") = thread;
	register long x2 __asm__("x2") = signal_number;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
#endif
#endif
}

__attribute__((noinline)) static void release_segment(int reference_count)
{
	if (reference_count < 0) {
		fprintf(stderr, "milvus_crasher: segment released twice\n");
		end_by(SIGABRT);
	}
}

__attribute__((noinline)) static long average_rows(long rows, volatile long segments)
{
#if defined __aarch64__ /* divides by zero without a word */
	if (segments == 0)
		end_by(SIGFPE);
#endif
	return rows / segments;
}

__attribute__((noinline)) static long search(const char *kind)
{
	if (strcmp(kind, "segv") == 0)
		return read_row_count((const struct segment *)0x8);
	if (strcmp(kind, "abort") == 0)
		release_segment(-1);
	if (strcmp(kind, "fpe") == 0)
		return average_rows(1000, 0);
	return 0;
}

static void *idle_worker(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *search_worker(void *kind)
{
	pthread_setname_np(pthread_self(), "search");
	printf("%ld rows\n", search(kind));
	return NULL;
}

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "";
	if (strcmp(kind, "segv") != 0 && strcmp(kind, "abort") != 0 && strcmp(kind, "fpe") != 0) {
		fprintf(stderr, "usage: milvus_crasher segv|abort|fpe\n");
		return 2;
	}
	pthread_t thread;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread, NULL, idle_worker, NULL);
	pthread_create(&thread, NULL, search_worker, (void *)kind);
	pthread_join(thread, NULL);
	return 0;
}
