/** What call frame information leaves to the processor's ABI. */
export type Machine = {
	readonly name: string;
	/** `e_machine`. */
	readonly machine: number;
	/** General registers, under the kernel's names, by DWARF number. */
	readonly registers: readonly string[];
	readonly stackPointer: number;
	readonly programCounter: number;
	/** Those that a function gives back as they were, where nothing says how. */
	readonly preserved: ReadonlySet<number>;
	/** Return addresses may be signed (pointer authentication): the bits that are the address. */
	readonly signedAddressBits?: number;
};

/** psABI x86-64, figure 3.36 (numbers) and figure 3.4 (usage). Number 16 is the return address, which is the caller's rip. */
const x8664: Machine = {
	name: 'x86-64',
	machine: 62,
	registers: 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip'.split(' '),
	stackPointer: 7,
	programCounter: 16,
	preserved: new Set([3, 6, 12, 13, 14, 15]),
};

/**
 * AADWARF64, section 4.1 (numbers) and AAPCS64, section 6.1.1 (usage). The link register is not among those preserved: a call is what overwrites it.
 * Programs get addresses of 48 bits unless they ask for more (Documentation/arch/arm64/memory.rst), and a signature stands in the bits above.
 */
const aarch64: Machine = {
	name: 'aarch64',
	machine: 183,
	registers: [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc'],
	stackPointer: 31,
	programCounter: 32,
	preserved: new Set([19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29]),
	signedAddressBits: 48,
};

/** By `e_machine`. */
export const machines: ReadonlyMap<number, Machine> = new Map([x8664, aarch64].map((one) => [one.machine, one]));
