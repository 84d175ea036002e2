// The C++ side: what Go calls, and a signal handler that stands before Go's own as Milvus' symboliser does.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <pthread.h>
#include <stdexcept>
#include <unistd.h>

#define KEPT __attribute__((noinline))

static volatile int sink;

namespace milvus {
KEPT int Read(volatile int *from) { sink = from[4]; return sink + 1; }
KEPT int Give() { abort(); }
KEPT int Throw() { throw std::runtime_error("segment 42 is not loaded"); }
} // namespace milvus

static void *read_there(void *) { sink = milvus::Read(nullptr); return nullptr; }
static void *abort_there(void *) { sink = milvus::Give(); return nullptr; }

static int on_a_thread(void *(*run)(void *)) {
	pthread_t thread;
	pthread_create(&thread, nullptr, run, nullptr);
	return pthread_join(thread, nullptr);
}

extern "C" {
#include "native.h"
int native_fault(int *from) { return milvus::Read(from) + 1; }
int native_abort(void) { return milvus::Give() + 1; }
int native_throw(void) { return milvus::Throw() + 1; }
int native_thread(void) { return on_a_thread(read_there); }
int native_thread_abort(void) { return on_a_thread(abort_there); }

static struct sigaction next[65];

static void wrapHandler(int number, siginfo_t *info, void *context) {
	char banner[300];
	const int size = snprintf(banner, sizeof banner,
		"SIGNAL CATCH BY NON-GO SIGNAL HANDLER\nSIGNO: %d; SIGNAME: Segmentation fault; SI_CODE: %d; SI_ADDR: %p\nBACKTRACE:\n",
		number, info->si_code, info->si_addr);
	sink = int(write(1, banner, size));
	next[number].sa_sigaction(number, info, context);
}

// Go installs its handlers by this function.
int sigaction(int number, const struct sigaction *wanted, struct sigaction *before) noexcept {
	using Sigaction = int (*)(int, const struct sigaction *, struct sigaction *);
	static const Sigaction real = reinterpret_cast<Sigaction>(dlsym(RTLD_NEXT, "sigaction"));
	if (number != SIGSEGV || !wanted || wanted->sa_handler == SIG_DFL || !getenv("WRAP_HANDLER")) return real(number, wanted, before);
	struct sigaction wrapped = next[number] = *wanted;
	wrapped.sa_sigaction = wrapHandler;
	wrapped.sa_flags |= SA_SIGINFO;
	return real(number, &wrapped, before);
}
}
