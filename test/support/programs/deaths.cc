// deaths KIND: ends as engines end, by a handler's or a library's hand; in a function named after it.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#define KEPT [[gnu::noinline]]

static volatile int sink;

namespace engine {

KEPT int Load(volatile int *from) { sink = from[4]; return sink + 1; }
KEPT int LoadElsewhere(volatile int *from) { sink = from[4]; return sink + 2; }
KEPT int Search(volatile int *from) { return Load(from) + 1; }
KEPT int SearchElsewhere(volatile int *from) { return LoadElsewhere(from) + 1; }

static void RaiseAgain(int number) { signal(number, SIG_DFL); raise(number); }
static void Return(int number) { signal(number, SIG_DFL); }
static void Abort(int) { abort(); }
static void Fault(int) { sink = *reinterpret_cast<volatile int *>(0x20); }
static void Handle(std::initializer_list<int> numbers, void (*handler)(int)) {
	for (int number : numbers) signal(number, handler);
}

struct SegmentError : std::runtime_error {
	using std::runtime_error::runtime_error;
};
struct CodedError : std::exception {
	explicit CodedError(std::string text) : text(std::move(text)) {}
	const char *what() const noexcept override { return text.c_str(); }
	std::string text;
};

KEPT void ThrowOwn() { throw SegmentError("segment 42 is not loaded"); }
KEPT void ThrowOwnShort() { throw CodedError("no index"); }
KEPT void ThrowOwnLong() { throw CodedError("there is no index on field 101 of collection 4711"); }
KEPT void ThrowNumber() { throw 42; }
KEPT void ThrowText() { throw "segment 42 is not loaded"; }
KEPT void ThrowThroughNoexcept() noexcept { ThrowOwn(); }
KEPT void ThrowAgain() { try { ThrowOwn(); } catch (const std::exception &) { sink = 1; throw; } }
KEPT void ThrowKept() {
	std::exception_ptr kept;
	try { ThrowOwn(); } catch (...) { kept = std::current_exception(); }
	std::rethrow_exception(kept);
}
KEPT void ThrowNothing() { throw; }
KEPT void Terminate() { std::terminate(); }
KEPT void ThrowFromLibrary(std::size_t at) { std::string text(3, 'x'); sink = text.at(at); }
KEPT void LeaveThread() { std::thread thread([] { pause(); }); }

KEPT void DeleteTwice() { int *volatile rows = new int[10]; delete[] rows; delete[] rows; sink = 1; }
KEPT void FreeDamaged() {
	volatile std::size_t *volatile first = static_cast<std::size_t *>(malloc(40000));
	void *volatile second = malloc(40000);
	for (int at = 0; at < 4; at++) first[5000 + at] = 0x4141414141414141;
	free(second);
	sink = 1;
}
KEPT void SmashStack(std::size_t size) {
	volatile char row[16];
	for (std::size_t at = 0; at < size; at++) row[at] = 'x';
	sink = row[3];
}
KEPT void CopyTooMuch(std::size_t size) { char row[16]; memcpy(row, "a line that is longer than its row", size); sink = row[3]; }
KEPT void ReadPastEnd(std::size_t at) { std::vector<int> rows(3); sink = rows[at]; }

struct Base {
	Base() { Call(); }
	virtual ~Base() = default;
	KEPT void Call() { Run(); sink = 1; }
	virtual void Run() = 0;
};
struct Derived : Base {
	void Run() override {}
};

KEPT void CallNull() { void (*volatile function)() = nullptr; function(); sink = 1; }

struct Registry {
	KEPT ~Registry() { if (isArmed) Load(nullptr); }
	bool isArmed = false;
} registry;

KEPT int Visit(int rows) {
	struct Local {
		KEPT int Read(int at) { return *reinterpret_cast<volatile int *>(at + 0x10) + 1; }
	};
	return Local().Read(rows) + 1;
}
KEPT int Each(int rows) {
	auto read = [&](int at) __attribute__((noinline)) { return *reinterpret_cast<volatile int *>(at + rows + 0x10) + 1; };
	return read(0) + 1;
}

template <typename T> struct Index {
	KEPT int Find(volatile int *from, T value) { sink = int(value); return Load(from) + 1; }
};

} // namespace engine

int main(int argc, char **argv) {
	using namespace engine;
	const std::string kind = argc > 1 ? argv[1] : "";
	const std::size_t thirty = 29 + argc - 1;
	if (kind == "fault") return Search(nullptr);
	if (kind == "fault elsewhere") return SearchElsewhere(nullptr);
	if (kind == "raised again") { Handle({SIGSEGV}, RaiseAgain); return Search(nullptr); }
	if (kind == "returned") { Handle({SIGSEGV}, Return); return Search(nullptr); }
	if (kind == "aborted in a handler") { Handle({SIGSEGV}, Abort); return Search(nullptr); }
	if (kind == "nested handlers") { Handle({SIGSEGV}, Abort); Handle({SIGABRT}, RaiseAgain); return Search(nullptr); }
	if (kind == "fault in a handler") { Handle({SIGSEGV}, Fault); return Search(nullptr); }
	if (kind == "own type") ThrowOwn();
	if (kind == "own type, short text") ThrowOwnShort();
	if (kind == "own type, long text") ThrowOwnLong();
	if (kind == "number") ThrowNumber();
	if (kind == "text") ThrowText();
	if (kind == "noexcept") ThrowThroughNoexcept();
	if (kind == "thrown again") ThrowAgain();
	if (kind == "kept and thrown again") ThrowKept();
	if (kind == "nothing thrown") ThrowNothing();
	if (kind == "terminate") Terminate();
	if (kind == "library throws") ThrowFromLibrary(thirty);
	if (kind == "joinable thread") LeaveThread();
	if (kind == "double free") DeleteTwice();
	if (kind == "damaged heap") FreeDamaged();
	if (kind == "smashed stack") SmashStack(thirty);
	if (kind == "fortify") CopyTooMuch(thirty);
	if (kind == "assertions") ReadPastEnd(thirty);
	if (kind == "pure virtual") Derived();
	if (kind == "null call") CallNull();
	if (kind == "at exit") { registry.isArmed = true; return 0; }
	if (kind == "local type") return Visit(argc - 2);
	if (kind == "lambda") return Each(argc - 2);
	if (kind == "template int") return Index<int>().Find(nullptr, 1);
	if (kind == "template float") return Index<float>().Find(nullptr, 1);
	std::fprintf(stderr, "unknown kind: %s\n", kind.c_str());
	return 2;
}
