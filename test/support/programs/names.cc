// Functions of every kind whose names compilers, demanglers and debuggers spell differently.
#include <functional>
#include <map>
#include <string>
#include <vector>

#define KEPT __attribute__((noinline, used))

namespace sample {

enum class Kind { plain, packed };

struct Base {
	virtual ~Base();
	virtual long read(const std::string &name) const;
};
struct Other {
	virtual ~Other();
	virtual int write(int);
};
struct Both : Base, Other {
	KEPT Both(std::map<std::string, int> values);
	KEPT ~Both() override;
	long read(const std::string &name) const override;
	int write(int) override;
	KEPT explicit operator bool() const;
	KEPT operator std::string() const;
	KEPT bool operator<(const Both &) const;
	KEPT Both &operator<<(int);
	KEPT long operator[](int) const;
	KEPT long operator()(int, long) const;
	KEPT Both *operator->();
	std::map<std::string, int> values;
};

Base::~Base() {}
long Base::read(const std::string &name) const { return long(name.size()); }
Other::~Other() {}
int Other::write(int value) { return value; }
Both::Both(std::map<std::string, int> values) : values(std::move(values)) {}
Both::~Both() {}
long Both::read(const std::string &name) const { return long(name.size() + values.size()); }
int Both::write(int value) { return value + 1; }
Both::operator bool() const { return !values.empty(); }
Both::operator std::string() const { return values.begin()->first; }
bool Both::operator<(const Both &other) const { return values.size() < other.values.size(); }
Both &Both::operator<<(int value) { values[std::to_string(value)] = value; return *this; }
long Both::operator[](int value) const { return value + long(values.size()); }
long Both::operator()(int one, long two) const { return one + two; }
Both *Both::operator->() { return this; }

template <typename T, int size = 4> struct Buffer {
	KEPT bool operator<(const Buffer &) const { return size > 3; }
	template <typename U> KEPT U as(std::function<U(T)> change) { return change(content[0]); }
	T content[size] = {};
};

template <typename T, Kind kind> KEPT std::vector<T> filled(T value) { return std::vector<T>(kind == Kind::plain ? 1 : 2, value); }

KEPT void (*handler(int value))(int) {
	return value > 1 ? reinterpret_cast<void (*)(int)>(&filled<int, Kind::plain>) : nullptr;
}

namespace {
KEPT int hidden(std::string text) { return int(text.size()); }
struct Inside {
	KEPT int run(int value) { return hidden(std::to_string(value)); }
};
} // namespace

KEPT int lambdas(int count) {
	struct Local {
		KEPT int twice(int value) { return 2 * value; }
	};
	auto first = [&](int value) KEPT { return value + count; };
	auto second = [&](const std::string &text) KEPT { return first(int(text.size())); };
	return second(std::to_string(Local().twice(count))) + first(count);
}

inline namespace __v1 {
KEPT int versioned(long value) { return int(value); }
} // namespace __v1

KEPT float distance_avx512(const float *one, unsigned long count) { return one[count - 1]; }

} // namespace sample

KEPT int main(int count, char **) {
	sample::Both both({{"a", 1}});
	both << count;
	sample::Buffer<std::string> buffer;
	float one[] = {1};
	return int(both.read("x") + both.write(count) + bool(both) + std::string(both).size() + (both < both) + both[1] + both(1, 2) +
			   both->write(1) + buffer.as<int>([](std::string text) { return int(text.size()); }) + (buffer < buffer) +
			   long(sample::filled<long, sample::Kind::packed>(1).size()) + sample::Inside().run(1) + sample::lambdas(count) +
			   sample::versioned(1) + (sample::handler(1) != nullptr) + int(sample::distance_avx512(one, 1)));
}
