import type { Frame } from '../../../readers/unwind/unwind.ts';
import type { CrashedProcess } from './process.ts';

/** DWARF numbers of what the ABIs use for it, and of the link register where there is one. */
const roles: Readonly<
	Record<
		string,
		{ readonly framePointer: number; readonly link?: number /** Of the stack pointer, by 16. */; readonly restOnEntry?: bigint }
	>
> = {
	'x86-64': { framePointer: 6, restOnEntry: 8n },
	aarch64: { framePointer: 29, link: 30 },
};

/** How far a frame may reach. */
const mostFrameBytes = 1n << 24n;

/**
 * The caller by the pair that code which keeps a frame pointer has on the stack: the caller's frame pointer, and the return address. Undefined
 * where there is no such pair: it must lie further up, and the address behind a call.
 */
export async function callerByFramePointer({ registers }: Frame, process: CrashedProcess): Promise<Frame | undefined> {
	const { machine, memory } = process;
	const framePointer = registers.get(roles[machine.name]?.framePointer ?? -1);
	const stackPointer = registers.get(machine.stackPointer);
	if (framePointer === undefined || stackPointer === undefined || framePointer % 8n !== 0n) return undefined;
	if (framePointer < stackPointer || framePointer - stackPointer > mostFrameBytes) return undefined;
	const pair = await memory(framePointer, 16);
	if (!pair) return undefined;
	const [callers, pc] = [pair.readBigUInt64LE(0), pair.readBigUInt64LE(8)];
	if (!(await isReturnAddress(pc, process))) return undefined;
	return callerFrame(pc, framePointer + 16n, callers, process);
}

/**
 * The caller of code that has done nothing with the stack yet: it finds the return address where the call has left it. So does who looks where
 * a jump led to no code at all, and in what is written by hand. A call leaves the stack pointer as the ABI says (psABI x86-64, section 3.2.2); a return
 * to an address that was overwritten does not, nor does who has made room for one value: what lies there then is any.
 */
export async function callerByCall({ registers }: Frame, process: CrashedProcess): Promise<Frame | undefined> {
	const { machine, memory } = process;
	const stackPointer = registers.get(machine.stackPointer);
	if (stackPointer === undefined) return undefined;
	const { link, restOnEntry } = roles[machine.name] ?? {};
	if (restOnEntry !== undefined && stackPointer % 16n !== restOnEntry) return undefined;
	const pc = link === undefined ? (await memory(stackPointer, 8))?.readBigUInt64LE(0) : registers.get(link);
	if (pc === undefined || !(await isReturnAddress(pc, process))) return undefined;
	const above = link === undefined ? stackPointer + 8n : stackPointer;
	return { pc, registers: new Map([...registers, [machine.stackPointer, above], [machine.programCounter, pc]]), isExact: false };
}

/** A frame of which only these are known. */
export function callerFrame(pc: bigint, stackPointer: bigint, framePointer: bigint | undefined, { machine }: CrashedProcess): Frame {
	const registers = new Map([
		[machine.stackPointer, stackPointer],
		[machine.programCounter, pc],
	]);
	if (framePointer !== undefined) registers.set(roles[machine.name]?.framePointer ?? -1, framePointer);
	return { pc, registers, isExact: false };
}

export const framePointerOf = ({ registers }: Frame, { machine }: CrashedProcess) => registers.get(roles[machine.name]?.framePointer ?? -1);

/** Whether the instruction before an address is a call. */
export async function isReturnAddress(address: bigint, { machine, memory, moduleAt, isCode }: CrashedProcess): Promise<boolean> {
	if (!(await isCode(address - 1n)) || !(await moduleAt(address - 1n))) return false;
	const before = await memory(address - 7n, 7);
	return before !== undefined && (machine.name === 'aarch64' ? isBranchWithLink(before) : endsInCall(before));
}

/** `call rel32`, or `call r/m64` (FF /2) with what of ModRM, SIB and displacement its form takes. */
function endsInCall(bytes: Buffer): boolean {
	const at = (back: number) => bytes[bytes.length - back] as number;
	if (at(5) === 0xe8) return true;
	return [2, 3, 4, 6, 7].some((length) => {
		if (at(length) !== 0xff) return false;
		const [modrm, sib] = [at(length - 1), length > 2 ? at(length - 2) : 0];
		if (((modrm >> 3) & 7) !== 2) return false;
		const [mod, rm] = [modrm >> 6, modrm & 7];
		if (mod === 3) return length === 2;
		const hasSib = rm === 4;
		const displacement = mod === 1 ? 1 : mod === 2 || (mod === 0 && (rm === 5 || (hasSib && (sib & 7) === 5))) ? 4 : 0;
		return length === 2 + (hasSib ? 1 : 0) + displacement;
	});
}

/** BL, or BLR and its forms with pointer authentication. */
function isBranchWithLink(bytes: Buffer): boolean {
	const word = bytes.readUInt32LE(bytes.length - 4);
	return word >>> 26 === 0b100101 || (word & 0xfe_ff_f0_00) >>> 0 === 0xd6_3f_00_00;
}
