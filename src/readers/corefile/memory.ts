import type { ByteSource } from '../bytes/bytes.ts';
import { isElf, PF_W, type ProgramHeader } from '../elf/elf.ts';
import { AT_EXECFN, initialStackBytes } from './initial-stack.ts';
import type { Segments } from './segments.ts';

/** A stretch of the crashed process's memory. */
export type Region = { readonly address: bigint; readonly length: number };

/** Regions that were read, by their address. */
export type Memory = ReadonlyMap<bigint, Buffer>;

/** How much of a module's start holds its headers and build-id. */
const moduleHeadBytes = 16 * 1024;
/** Without notes each segment may be the start of a module: its first page is looked at, and so many are kept. */
const likelyHeadBytes = 4096;
const mostLikelyHeads = 4096;

export const moduleHead = (base: bigint): Region => ({ address: base, length: moduleHeadBytes });

/** The top of the first thread's stack. */
export function stackTop(segments: Segments, auxv: ReadonlyMap<number, bigint>): Region | undefined {
	const segment = segments.containing(auxv.get(AT_EXECFN) ?? 0n);
	return segment && top(segment);
}

function top({ p_vaddr, p_filesz }: ProgramHeader): Region {
	const start = p_filesz > initialStackBytes ? p_filesz - BigInt(initialStackBytes) : 0n;
	return { address: p_vaddr + start, length: Number(p_filesz - start) };
}

/**
 * Reads regions in the order in which they stand in the file; one that the core does not hold, or only in part, is left out or cut.
 *
 * @param limit regions that stand further on in the file are left out
 */
export async function readMemory(
	source: ByteSource,
	segments: Segments,
	regions: readonly Region[],
	limit = Number.POSITIVE_INFINITY,
): Promise<Memory> {
	const memory = new Map<bigint, Buffer>();
	const ranges = regions
		.map(({ address, length }) => ({ address, length, segment: segments.containing(address) }))
		.filter((range) => range.segment !== undefined)
		.map(({ address, length, segment }) => {
			const { p_offset, p_vaddr, p_filesz } = segment as ProgramHeader;
			const skip = address - p_vaddr;
			return { address, offset: Number(p_offset + skip), length: Math.min(length, Math.max(0, Number(p_filesz - skip))) };
		})
		.sort((a, b) => a.offset - b.offset);
	let reached = 0;
	for (const { address, offset, length } of ranges) {
		if (length === 0 || offset + length > limit || (source.isForwardOnly && offset < reached)) continue;
		memory.set(address, Buffer.from(await source.read(offset, length)));
		reached = offset + length;
	}
	return memory;
}

/** What notes that are still to come may ask for: whatever looks like the start of a module, and the top of the highest writable segment, which is the stack. */
export async function readLikelyMemory(source: ByteSource, segments: Segments): Promise<Memory> {
	const memory = new Map<bigint, Buffer>();
	const stack = [...segments.loads()].filter(({ p_flags, p_filesz }) => (p_flags & PF_W) !== 0 && p_filesz > 0n).at(-1);
	const inFileOrder = [...segments.loads()].sort((a, b) => Number(a.p_offset - b.p_offset));
	let reached = 0;
	for (const { p_vaddr, p_offset, p_filesz } of inFileOrder) {
		const offset = Number(p_offset);
		if (p_filesz === 0n || offset < reached) continue;
		if (stack?.p_vaddr === p_vaddr) {
			const { address, length } = top(stack);
			memory.set(address, Buffer.from(await source.read(offset + Number(address - p_vaddr), length)));
			reached = offset + Number(p_filesz);
			continue;
		}
		const head = await source.read(offset, Math.min(likelyHeadBytes, Number(p_filesz)));
		reached = offset + head.length;
		if (isElf(head) && memory.size < mostLikelyHeads) memory.set(p_vaddr, Buffer.from(head));
	}
	return memory;
}

/** The region that holds an address. */
export function holding(memory: Memory, address: bigint): { readonly start: bigint; readonly bytes: Buffer } | undefined {
	for (const [start, bytes] of memory) if (address >= start && address < start + BigInt(bytes.length)) return { start, bytes };
	return undefined;
}
