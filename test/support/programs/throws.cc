// throws KIND: one real C++ crash of each kind, in a function named after it.
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace engine {

template <typename T>
class Index {
public:
	explicit Index(T *data) : data_(data) {}
	[[gnu::noinline]] T Deserialize(int at) const { return static_cast<volatile const T *>(data_)[at]; }

private:
	T *data_;
};

[[gnu::noinline]] void ThrowUncaught() { throw std::runtime_error("segment 42 is not loaded"); }
[[gnu::noinline]] void ThrowThroughNoexcept() noexcept { ThrowUncaught(); }
[[gnu::noinline]] void Terminate() { std::terminate(); }
[[gnu::noinline]] void ReadPastVector(std::size_t at) { std::vector<int> rows(3); std::printf("%d\n", rows.at(at)); }

struct Base {
	Base() { Call(); }
	virtual ~Base() = default;
	[[gnu::noinline]] void Call() { Run(); }
	virtual void Run() = 0;
};
struct Derived : Base {
	void Run() override {}
};

} // namespace engine

int main(int argc, char **argv) {
	const std::string kind = argc > 1 ? argv[1] : "";
	if (kind == "member") return engine::Index<float>(reinterpret_cast<float *>(0x8)).Deserialize(2) > 0;
	if (kind == "throw") engine::ThrowUncaught();
	if (kind == "noexcept") engine::ThrowThroughNoexcept();
	if (kind == "terminate") engine::Terminate();
	if (kind == "at") engine::ReadPastVector(7);
	if (kind == "thread") std::thread([] { engine::ThrowUncaught(); }).join();
	if (kind == "purecall") engine::Derived();
	std::fprintf(stderr, "unknown kind: %s\n", kind.c_str());
	return 2;
}
