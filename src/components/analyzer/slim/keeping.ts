import type { FileHandle } from 'node:fs/promises';
import type { Corefile } from '../../../readers/corefile/corefile.ts';
import { type Range, type Ranges, ranges } from './ranges.ts';

/** What of a core is kept, by whoever asks for it. Sizes are in bytes. */
export type Keeping = {
	/** Whoever reads the process's memory by its extents has what was read kept, and gets no more than is at hand. */
	readonly corefile: Corefile;
	/** What lies there is kept, in whole pages, as far as the core has it. */
	keep(address: bigint, length: number): void;
	/** What lies there, without keeping it. Undefined where it is not at hand, or not yet. */
	peek(address: bigint, length: number): Promise<Buffer | undefined>;
	/** Keeps it. Undefined where it is not at hand, or not yet. */
	read(address: bigint, length: number): Promise<Buffer | undefined>;
};

/** Where the bytes are that are at hand, at their offsets in the unpacked core. */
export type Held = {
	readonly file: FileHandle;
	/** How far from an offset on they go without a gap. */
	endFrom(offset: number): number | undefined;
	/** What there is of a stretch. */
	within(start: number, end: number): Range[];
};

/** What has been asked for so far. */
export type Wanted = {
	readonly kept: Ranges;
	/** What is only looked at. */
	readonly peeked: Ranges;
	/** Something was left out, as it was too much. */
	isCut: boolean;
};

export const nothingWanted = (): Wanted => ({ kept: ranges(), peeked: ranges(), isCut: false });

export const pageBytes = 4096;
const page = BigInt(pageBytes);
/** What one look at memory takes with it at most. */
const mostTouched = 64 * 1024;
/** A stretch may lie in several segments, and have gaps. */
const mostSegments = 64;

/**
 * @param original all of whose memory is known by its extents
 * @param mostBytes how much is kept at most
 */
export function keepingOf(original: Corefile, held: Held, wanted: Wanted, mostBytes: number): Keeping {
	const { kept, peeked } = wanted;

	function keep(address: bigint, length: number): void {
		for (const { start, end } of inFile(address, length)) {
			const more = kept.without(start, end).reduce((total, range) => total + range.end - range.start, 0);
			if (kept.size + more > mostBytes) wanted.isCut = true;
			else kept.add(start, end);
		}
	}

	/** The pages of a stretch of memory, as the file has them. */
	function* inFile(address: bigint, length: number): Generator<Range> {
		let at = address < 0n ? 0n : address - (address % page);
		const end = BigInt.asUintN(64, (address + BigInt(length) + page - 1n) & ~(page - 1n));
		for (let segments = 0; at < end && segments < mostSegments; segments++) {
			// The first page of a segment may begin in its middle.
			const segment = original.segments.containing(at) ?? original.segments.containing(at < address ? address : at);
			if (!segment) {
				at += page;
				continue;
			}
			const [first, last] = [segment.p_vaddr, segment.p_vaddr + segment.p_filesz];
			const [from, to] = [at < first ? first : at, end < last ? end : last];
			const start = Number(segment.p_offset + from - first);
			if (from < to) yield { start, end: start + Number(to - from) };
			at = segment.p_vaddr + segment.p_memsz;
		}
	}

	/** As far as it is at hand. */
	function heldAt(address: bigint) {
		const extent = original.extentAt(address);
		const end = extent && held.endFrom(extent.offset);
		return extent && end !== undefined ? { offset: extent.offset, length: Math.min(extent.length, end - extent.offset) } : undefined;
	}

	function extentAt(address: bigint, length = pageBytes) {
		keep(address, Math.min(length, mostTouched));
		return heldAt(address);
	}

	async function read(address: bigint, length: number): Promise<Buffer | undefined> {
		const bytes = Buffer.alloc(length);
		for (let filled = 0; filled < length; ) {
			const extent = heldAt(address + BigInt(filled));
			if (!extent) return undefined;
			const { bytesRead } = await held.file.read(bytes, filled, Math.min(length - filled, extent.length), extent.offset);
			if (bytesRead === 0) return undefined;
			filled += bytesRead;
		}
		return bytes;
	}

	return {
		corefile: { ...original, extentAt },
		keep,
		peek(address, length) {
			for (const { start, end } of inFile(address, length)) peeked.add(start, end);
			return read(address, length);
		},
		read(address, length) {
			keep(address, length);
			return read(address, length);
		},
	};
}
