// Functions of all kinds that symbol tables know: several names for one, inside of each other, without a size, without a type, in parts.
#include <cstdio>
#include <stdexcept>
#include <string>

struct Base {
	Base(int);
	virtual ~Base();
	int value;
};
__attribute__((noinline)) Base::Base(int value) : value(value) {}
__attribute__((noinline)) Base::~Base() { value = 0; }
struct Derived : Base {
	using Base::Base;
	~Derived() override;
};
__attribute__((noinline)) Derived::~Derived() { std::puts("gone"); }

// Has a part of its own for what seldom happens.
__attribute__((noinline)) int seldom(int count) {
	if (count > 1000) throw std::runtime_error("more than " + std::to_string(count));
	return count * 2;
}

namespace {
	__attribute__((noinline)) int hidden(int value) {
		return seldom(value) + 1;
	}
}

extern "C" {
__attribute__((noinline, used)) int __own_name(int value) { return hidden(value) + 2; }
int public_name(int) __attribute__((alias("__own_name")));
int weak_name(int) __attribute__((weak, alias("__own_name")));
static int local_name(int) __attribute__((alias("__own_name"), used));

typedef int (*Chosen)(int);
__attribute__((used)) static Chosen choose() { return public_name; }
int chosen(int) __attribute__((ifunc("choose")));
}

asm(R"(
	.text
	.balign 16
	.globl outer
	.type outer, @function
outer:
	nop; nop; nop; nop
	.type inner, @function
inner:
	nop; nop; nop; nop
	.size inner, . - inner
	nop; nop; nop
	ret
	.size outer, . - outer

	nop; nop; nop; nop
	.globl no_size
	.type no_size, @function
no_size:
	nop; nop; nop
a_label_in_it:
	nop; nop; nop
	ret
	.balign 16
	.globl no_size_either
	.type no_size_either, @function
no_size_either:
	nop; nop
	ret
	.balign 16
	.type no_type, @notype
no_type:
	nop; nop; nop
	ret
	.size no_type, . - no_type
	nop; nop; nop; nop
	.globl ends_it
	.type ends_it, @function
ends_it:
	nop
	ret
	.size ends_it, . - ends_it
	nop; nop; nop; nop
only_a_label:
	nop; nop
	ret

	.section .text.last, "ax", @progbits
	nop; nop; nop; nop
	.globl alone_in_its_section
	.type alone_in_its_section, @function
alone_in_its_section:
	nop; nop
	ret

	.globl an_absolute
	.type an_absolute, @function
	.set an_absolute, 0x1234
)");

int main(int count, char **) {
	Derived derived(count);
	return public_name(count) + chosen(count) + derived.value;
}
