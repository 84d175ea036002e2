import { defined } from '../../base/defined.ts';
import type { ByteSource, ForwardSource } from '../bytes/bytes.ts';
import { PF_W, type ProgramHeader } from '../elf/elf.ts';
import { AT_EXECFN, initialStackBytes } from './initial-stack.ts';
import { type ModuleHead, moduleHead } from './modules.ts';
import type { Segments } from './segments.ts';

/** A stretch of the crashed process's memory that is worth reading: where a module may begin, or the top of the first thread's stack. */
export type Region = { readonly is: 'module head' | 'stack'; readonly address: bigint; readonly length: number };

/** A region's bytes as far as the core holds them; valid until the next one is read. */
export type ReadRegion = { readonly is: Region['is']; readonly address: bigint; readonly bytes: Buffer };

/** What was read of the memory. */
export type Memory = {
	/** What looks like the start of a module, by its address. */
	readonly heads: ReadonlyMap<bigint, ModuleHead>;
	readonly stack?: { readonly start: bigint; readonly bytes: Buffer };
};

/** A stretch of the file's bytes, unpacked. */
export type Extent = { readonly offset: number; readonly length: number };

export const noMemory: Memory = { heads: new Map() };

/** How much of a module's start holds its headers and build-id. */
export const moduleHeadBytes = 16 * 1024;
/** Without notes each segment may be the start of a module: its first page is looked at. */
const likelyHeadBytes = 4096;
/** So many are kept. */
const mostHeads = 4096;

export const startOf = (base: bigint): Region => ({ is: 'module head', address: base, length: moduleHeadBytes });

export function extentAt(segments: Segments, address: bigint): Extent | undefined {
	const segment = segments.containing(address);
	if (!segment) return undefined;
	const within = address - segment.p_vaddr;
	if (within >= segment.p_filesz) return undefined;
	return { offset: Number(segment.p_offset + within), length: Number(segment.p_filesz - within) };
}

/** The top of the first thread's stack. */
export function stackTop(segments: Segments, auxv: ReadonlyMap<number, bigint>): Region | undefined {
	const segment = segments.containing(auxv.get(AT_EXECFN) ?? 0n);
	return segment && top(segment);
}

function top({ p_vaddr, p_filesz }: ProgramHeader): Region {
	const start = p_filesz > initialStackBytes ? p_filesz - BigInt(initialStackBytes) : 0n;
	return { is: 'stack', address: p_vaddr + start, length: Number(p_filesz - start) };
}

/** Keeps of each region no more than will be asked for. */
export async function memoryOf(regions: AsyncIterable<ReadRegion>): Promise<Memory> {
	const heads = new Map<bigint, ModuleHead>();
	let stack: Memory['stack'];
	for await (const { is, address, bytes } of regions) {
		if (is === 'stack') {
			stack = { start: address, bytes: Buffer.from(bytes) };
			continue;
		}
		const head = heads.size < mostHeads ? await moduleHead(bytes) : undefined;
		if (head) heads.set(address, head);
	}
	return { heads, ...defined({ stack }) };
}

/** Notes that a damaged core has among its memory lead past it. */
const passed = (source: ByteSource | ForwardSource) => (source.isForwardOnly && 'position' in source ? source.position : 0);

/**
 * Reads regions in the order in which they stand in the file; one that the core does not hold, or only in part, is left out or cut.
 *
 * @param limit regions that stand further on in the file are left out
 */
export async function* readRegions(
	source: ByteSource,
	segments: Segments,
	regions: readonly Region[],
	limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<ReadRegion> {
	const ranges = regions
		.map(({ is, address, length }) => ({ is, address, length, extent: extentAt(segments, address) }))
		.filter((range) => range.extent !== undefined)
		.map(({ is, address, length, extent }) => {
			const { offset, length: held } = extent as Extent;
			return { is, address, offset, length: Math.min(length, held) };
		})
		.sort((a, b) => a.offset - b.offset);
	let reached = passed(source);
	for (const { is, address, offset, length } of ranges) {
		if (length === 0 || offset + length > limit || (source.isForwardOnly && offset < reached)) continue;
		yield { is, address, bytes: await source.read(offset, length) };
		reached = offset + length;
	}
}

/** What notes that are still to come may ask for: the start of each segment, and the top of the highest writable one, which is the stack. Whoever writes a core writes them in the order of the table. */
export async function* readLikelyRegions(source: ByteSource, segments: Segments): AsyncGenerator<ReadRegion> {
	let stack: ProgramHeader | undefined;
	for (const segment of segments.loads()) if ((segment.p_flags & PF_W) !== 0 && segment.p_filesz > 0n) stack = segment;
	let reached = 0;
	for (const { p_vaddr, p_offset, p_filesz } of segments.loads()) {
		const offset = Number(p_offset);
		if (p_filesz === 0n || offset < reached) continue;
		if (stack?.p_vaddr === p_vaddr) {
			const { is, address, length } = top(stack);
			yield { is, address, bytes: await source.read(offset + Number(address - p_vaddr), length) };
			reached = offset + Number(p_filesz);
			continue;
		}
		const bytes = await source.read(offset, Math.min(likelyHeadBytes, Number(p_filesz)));
		yield { is: 'module head', address: p_vaddr, bytes };
		reached = offset + bytes.length;
	}
}
