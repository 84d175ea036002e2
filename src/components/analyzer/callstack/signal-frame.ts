import { type Hex, hex } from '../../../base/hex.ts';
import type { Frame, Machine, Memory } from '../../../readers/unwind/unwind.ts';
import type { Fault } from '../death.ts';

/** Where the kernel keeps a thread's registers while a handler runs: `struct rt_sigframe`. Offsets in bytes from the stack pointer with which the handler returns. */
type Layout = {
	/** The code that handlers return to: it asks the kernel to go back. */
	readonly trampolines: readonly Buffer[];
	readonly siginfo: number;
	/** By DWARF number. */
	readonly registers: readonly number[];
	/** What the processor told of its trap; absent where only siginfo does. */
	readonly trap?: { readonly error: number; readonly trapno: number; readonly cr2: number };
	readonly systemCall: Buffer;
};

const ucontextRegisters = 40;

/** arch/x86/include/asm/sigframe.h, and `struct sigcontext_64` of arch/x86/include/uapi/asm/sigcontext.h, from r8 on. */
const x8664: Layout = {
	trampolines: [Buffer.of(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05), Buffer.of(0xb8, 15, 0, 0, 0, 0x0f, 0x05)],
	siginfo: 304,
	registers: 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip'
		.split(' ')
		.map((name) => ucontextRegisters + 8 * 'r8 r9 r10 r11 r12 r13 r14 r15 rdi rsi rbp rbx rdx rax rcx rsp rip'.split(' ').indexOf(name)),
	trap: { error: ucontextRegisters + 19 * 8, trapno: ucontextRegisters + 20 * 8, cr2: ucontextRegisters + 22 * 8 },
	systemCall: Buffer.of(0x0f, 0x05),
};

/** arch/arm64/kernel/signal.c, and `struct sigcontext` of arch/arm64/include/uapi/asm/sigcontext.h: x0 to x30, sp, pc. */
const aarch64: Layout = {
	trampolines: [Buffer.of(0x68, 0x11, 0x80, 0xd2, 1, 0, 0, 0xd4)],
	siginfo: 0,
	registers: Array.from({ length: 33 }, (_, number) => 128 + 176 + 8 + 8 * number),
	systemCall: Buffer.of(1, 0, 0, 0xd4),
};

const layouts: ReadonlyMap<string, Layout> = new Map([
	['x86-64', x8664],
	['aarch64', aarch64],
]);

/** Whether this is the code to which the handlers of signals return. */
export async function isTrampoline(pc: bigint, { name }: Machine, memory: Memory): Promise<boolean> {
	for (const code of layouts.get(name)?.trampolines ?? []) if ((await memory(pc, code.length))?.equals(code)) return true;
	return false;
}

/** What a handler interrupted: where the thread was, and what struck it there, if that is known. */
export type Interrupted = { readonly frame: Frame; readonly fault?: Fault };

/**
 * @param stackPointer with which the handler returns to the trampoline
 * @returns undefined where its frame is not in the core
 */
export async function interruptedAt(stackPointer: bigint, machine: Machine, memory: Memory): Promise<Interrupted | undefined> {
	const layout = layouts.get(machine.name) as Layout;
	const length = Math.max(layout.siginfo + siginfoBytes, ...layout.registers.map((offset) => offset + 8));
	const found = await memory(stackPointer, length);
	if (!found) return undefined;
	const bytes = Buffer.from(found);
	const registers = new Map(layout.registers.map((offset, number) => [number, bytes.readBigUInt64LE(offset)]));
	const pc = registers.get(machine.programCounter) as bigint;
	const isInSystemCall =
		(await memory(pc - BigInt(layout.systemCall.length), layout.systemCall.length))?.equals(layout.systemCall) ?? false;
	const fault = faultIn(bytes, layout, isInSystemCall);
	const place = {
		pc: hex(pc),
		stackPointer: hex(registers.get(machine.stackPointer) as bigint),
		registers: Object.fromEntries(machine.registers.map((name, number) => [name, hex(registers.get(number) ?? 0n)])),
	};
	return { frame: { pc, registers, isExact: true }, ...(fault && { fault: { ...fault, ...place } }) };
}

const siginfoBytes = 128;

/** How far below its stack pointer a thread's last handler may have left its frame. */
const mostBelow = 16_384;

/**
 * What a handler dealt with that raised its signal anew: that waits until the handler has returned, and comes then as if from where the thread
 * was interrupted. The handler's frame still lies below the stack pointer.
 */
export async function returnedFrom({ pc, registers }: Frame, machine: Machine, memory: Memory): Promise<Fault | undefined> {
	const layout = layouts.get(machine.name) as Layout;
	const stackPointer = registers.get(machine.stackPointer);
	if (stackPointer === undefined || stackPointer < mostBelow) return undefined;
	const low = stackPointer - BigInt(mostBelow);
	const found = await memory(low, mostBelow);
	if (!found) return undefined;
	const below = Buffer.from(found);
	const saved = (number: number) => layout.registers[number] as number;
	const wanted = Buffer.alloc(8);
	wanted.writeBigUInt64LE(pc);
	for (let at = below.lastIndexOf(wanted); at >= 0; at = at === 0 ? -1 : below.lastIndexOf(wanted, at - 1)) {
		const start = at - saved(machine.programCounter);
		const spAt = start + saved(machine.stackPointer);
		if (at % 8 !== 0 || start < 0 || below.readBigUInt64LE(spAt) !== stackPointer) continue;
		const interrupted = await interruptedAt(low + BigInt(start), machine, memory);
		if (interrupted?.fault && !(await memory(pc - BigInt(layout.systemCall.length), layout.systemCall.length))?.equals(layout.systemCall))
			return interrupted.fault;
	}
	return undefined;
}

const pageFault = 14n;
const [SEGV_MAPERR, SEGV_ACCERR] = [1, 2];
/** Signal and code of what the processor traps: invalid instruction, general protection, page fault. */
const trapped: ReadonlyMap<bigint, { readonly signal: number; readonly code: number }> = new Map([
	[6n, { signal: 4, code: 2 }],
	[13n, { signal: 11, code: 128 }],
	[pageFault, { signal: 11, code: SEGV_MAPERR }],
]);

/**
 * The kernel writes siginfo only for handlers that want it (SA_SIGINFO), its end filled with zeros; what the processor told, always. That may be
 * of a trap before, and says nothing of a signal that was sent.
 */
function faultIn(
	bytes: Buffer,
	{ siginfo, trap }: Layout,
	isInSystemCall: boolean,
): { signal: number; code: number; address: Hex } | undefined {
	const [signal, errno, code] = [bytes.readInt32LE(siginfo), bytes.readInt32LE(siginfo + 4), bytes.readInt32LE(siginfo + 8)];
	const isSiginfo = signal >= 1 && signal <= 64 && code >= -64 && code <= 128 && errno === 0;
	const isItsEndZero = bytes.subarray(siginfo + 48, siginfo + siginfoBytes).every((byte) => byte === 0);
	if (isSiginfo && isItsEndZero) return { signal, code, address: hex(bytes.readBigUInt64LE(siginfo + 16)) };
	if (!trap || isInSystemCall) return undefined;
	const trapno = bytes.readBigUInt64LE(trap.trapno);
	const told = trapped.get(trapno);
	if (!told) return undefined;
	const isForbidden = trapno === pageFault && (bytes.readBigUInt64LE(trap.error) & 1n) !== 0n;
	return { ...told, ...(isForbidden ? { code: SEGV_ACCERR } : {}), address: hex(bytes.readBigUInt64LE(trap.cr2)) };
}
