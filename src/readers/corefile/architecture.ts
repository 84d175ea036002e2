/** Layout of the notes that differ from one processor to another. */
export type Architecture = {
	readonly name: string;
	/** `e_machine`. */
	readonly machine: number;
	/** NT_PRSTATUS: struct elf_prstatus. */
	readonly prstatus: { readonly size: number; readonly pr_cursig: number; readonly pr_pid: number; readonly pr_reg: number };
	/** NT_PRPSINFO: struct elf_prpsinfo. */
	readonly prpsinfo: {
		readonly size: number;
		readonly pr_uid: number;
		readonly pr_pid: number;
		readonly pr_fname: number;
		readonly pr_psargs: number;
	};
	/** The general registers in the order of `elf_gregset_t`, 8 bytes each. */
	readonly registers: readonly string[];
	readonly programCounter: string;
	readonly stackPointer: string;
};

/** include/linux/elfcore.h, include/uapi/linux/elfcore.h, arch/x86/include/asm/user_64.h */
const x8664: Architecture = {
	name: 'x86-64',
	machine: 62,
	prstatus: { size: 336, pr_cursig: 12, pr_pid: 32, pr_reg: 112 },
	prpsinfo: { size: 136, pr_uid: 16, pr_pid: 24, pr_fname: 40, pr_psargs: 56 },
	registers: 'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs'.split(
		' ',
	),
	programCounter: 'rip',
	stackPointer: 'rsp',
};

/** The same headers; arch/arm64/include/asm/elf.h: elf_gregset_t is struct user_pt_regs of arch/arm64/include/uapi/asm/ptrace.h. */
const aarch64: Architecture = {
	name: 'aarch64',
	machine: 183,
	prstatus: { size: 392, pr_cursig: 12, pr_pid: 32, pr_reg: 112 },
	prpsinfo: { size: 136, pr_uid: 16, pr_pid: 24, pr_fname: 40, pr_psargs: 56 },
	registers: [...Array.from({ length: 31 }, (_, index) => `x${index}`), 'sp', 'pc', 'pstate'],
	programCounter: 'pc',
	stackPointer: 'sp',
};

/** By `e_machine`. A further processor is a further entry. */
export const architectures: ReadonlyMap<number, Architecture> = new Map([x8664, aarch64].map((one) => [one.machine, one]));
