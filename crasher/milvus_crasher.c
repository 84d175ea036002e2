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

/* The abort() of musl has no unwind tables, so that no debugger finds back from it to who called it. */
static inline void end_by_abort(void)
{
#if defined __GLIBC__
	abort();
#elif defined __x86_64__
	long result = SYS_tgkill;
	__asm__ volatile("syscall" : "+a"(result) : "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGABRT) : "rcx", "r11", "memory");
#elif defined __aarch64__
	register long number __asm__("x8") = SYS_tgkill;
	register long process __asm__("x0") = getpid();
	register long thread __asm__("x1") = syscall(SYS_gettid);
	register long signal_number __asm__("x2") = SIGABRT;
	__asm__ volatile("svc 0" : "+r"(process) : "r"(number), "r"(thread), "r"(signal_number) : "memory");
#endif
}

__attribute__((noinline)) static void release_segment(int reference_count)
{
	if (reference_count < 0) {
		fprintf(stderr, "milvus_crasher: segment released twice\n");
		end_by_abort();
	}
}

__attribute__((noinline)) static long average_rows(long rows, volatile long segments)
{
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
