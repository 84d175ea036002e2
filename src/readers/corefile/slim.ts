import {
	ET_CORE,
	elfHeaderSize,
	PN_XNUM,
	type ProgramHeader,
	PT_LOAD,
	PT_NOTE,
	PT_NULL,
	programHeaderSize,
	sectionHeaderSize,
} from '../elf/elf.ts';
import type { Segments } from './segments.ts';
import { type Slim, slimNote } from './slim-note.ts';

/** A stretch of a file, in bytes. */
export type Range = { readonly start: number; readonly end: number };

/** What a slim core is written from, one part after the other; the bytes are valid until the next is asked for. */
export type SlimPart = { readonly is: 'bytes'; readonly bytes: Buffer } | ({ readonly is: 'copy' } & Range);

export type SlimPlan = { readonly sizeBytes: number; parts(): Generator<SlimPart> };

type Original = { readonly machine: number; readonly segments: Segments } & Slim;

const pageBytes = 4096;
const pieceHeaders = 4096;

/**
 * How a core is written with only some of its memory, as a dense ELF core that other tools read too: its notes as they are behind one of our own, and of
 * each PT_LOAD the stretches that are kept. What is left out of one becomes PT_NULL, which says to us what was mapped there, and to others nothing: what
 * a PT_LOAD has no bytes for (p_filesz) gdb reads as zeros.
 *
 * @param memory what is kept of the original file's memory, in order, none reaching into another
 * @param notes the same of its notes
 */
export function slimPlan(original: Original, memory: readonly Range[], notes: readonly Range[]): SlimPlan {
	const { segments } = original;
	const own = slimNote(original);
	const noteParts = segments.noteSegments.map((segment) => within(segment, notes));
	let count = Math.max(1, noteParts.length);
	for (const segment of segments.loads()) for (const _ of piecesOf(segment, memory)) count++;

	const notesAt = elfHeaderSize + count * programHeaderSize;
	const noteBytes = noteParts.map((parts, index) => sum(parts) + (index === 0 ? own.length : 0));
	if (noteParts.length === 0) noteBytes.push(own.length);
	const notesEnd = notesAt + noteBytes.reduce((total, bytes) => total + align(bytes, 4), 0);
	const memoryAt = align(notesEnd, pageBytes);
	const memoryEnd = memoryAt + sum(memory);
	const placeOf = placing(memory, memoryAt);
	const isLong = count >= PN_XNUM;

	function* headers(): Generator<ProgramHeader> {
		let at = notesAt;
		for (const bytes of noteBytes) {
			yield { p_type: PT_NOTE, p_flags: 0, p_offset: BigInt(at), p_vaddr: 0n, p_filesz: BigInt(bytes), p_memsz: 0n };
			at += align(bytes, 4);
		}
		// The kernel lets what has no bytes begin where those of the one before end, and elfutils relies on it.
		at = memoryAt;
		for (const segment of segments.loads())
			for (const piece of piecesOf(segment, memory)) {
				if (piece.p_filesz > 0n) at = placeOf(Number(piece.p_offset));
				yield { ...piece, p_offset: BigInt(at) };
				at += Number(piece.p_filesz);
			}
	}

	return {
		sizeBytes: memoryEnd + (isLong ? sectionHeaderSize : 0),
		*parts() {
			yield { is: 'bytes', bytes: header(original.machine, count, isLong ? memoryEnd : undefined) };
			yield* tables(headers());
			yield { is: 'bytes', bytes: own };
			for (const parts of noteParts) {
				for (const part of parts) yield { is: 'copy', ...part };
				yield { is: 'bytes', bytes: Buffer.alloc(align(sum(parts), 4) - sum(parts)) };
			}
			yield { is: 'bytes', bytes: Buffer.alloc(memoryAt - notesEnd) };
			for (const range of memory) yield { is: 'copy', ...range };
			if (isLong) yield { is: 'bytes', bytes: sectionHeaderOf(count) };
		},
	};
}

/** What becomes of a segment. Offsets are those in the original. */
function* piecesOf(segment: ProgramHeader, memory: readonly Range[]): Generator<ProgramHeader> {
	if (segment.p_filesz === 0n) {
		yield segment;
		return;
	}
	const piece = (start: number, end: number, isKept: boolean): ProgramHeader => ({
		...segment,
		p_type: isKept ? PT_LOAD : PT_NULL,
		p_offset: BigInt(start),
		p_vaddr: segment.p_vaddr + BigInt(start) - segment.p_offset,
		p_filesz: isKept ? BigInt(end - start) : 0n,
		p_memsz: BigInt(end - start),
	});
	/** What the original had no bytes for. */
	const rest = segment.p_memsz > segment.p_filesz ? segment.p_memsz - segment.p_filesz : 0n;
	const end = Number(segment.p_offset + segment.p_filesz);
	let at = Number(segment.p_offset);
	for (const part of within(segment, memory)) {
		if (part.start > at) yield piece(at, part.start, false);
		const kept = piece(part.start, part.end, true);
		at = part.end;
		yield at === end ? { ...kept, p_memsz: kept.p_memsz + rest } : kept;
	}
	if (at === end) return;
	yield piece(at, end, false);
	if (rest > 0n) yield { ...segment, p_offset: 0n, p_vaddr: segment.p_vaddr + segment.p_filesz, p_filesz: 0n, p_memsz: rest };
}

/** The parts of ranges that lie in a segment. */
function within({ p_offset, p_filesz }: ProgramHeader, ranges: readonly Range[]): Range[] {
	const [start, end] = [Number(p_offset), Number(p_offset + p_filesz)];
	const parts: Range[] = [];
	for (let index = firstBehind(ranges, start); index < ranges.length; index++) {
		const range = ranges[index] as Range;
		if (range.start >= end) break;
		parts.push({ start: Math.max(start, range.start), end: Math.min(end, range.end) });
	}
	return parts;
}

/** The first range that ends behind an offset. */
function firstBehind(ranges: readonly Range[], offset: number): number {
	let [low, high] = [0, ranges.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((ranges[middle] as Range).end <= offset) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Where in the new file an offset of the original comes to lie. */
function placing(memory: readonly Range[], memoryAt: number): (offset: number) => number {
	const starts: number[] = [];
	let at = memoryAt;
	for (const { start, end } of memory) {
		starts.push(at);
		at += end - start;
	}
	return (offset) => {
		const index = firstBehind(memory, offset);
		return (starts[index] as number) + offset - (memory[index] as Range).start;
	};
}

function header(machine: number, count: number, sectionsAt: number | undefined): Buffer {
	const bytes = Buffer.alloc(elfHeaderSize);
	bytes.write('\x7fELF\x02\x01\x01', 'latin1');
	bytes.writeUInt16LE(ET_CORE, 16);
	bytes.writeUInt16LE(machine, 18);
	bytes.writeUInt32LE(1, 20); // e_version
	bytes.writeBigUInt64LE(BigInt(elfHeaderSize), 32); // e_phoff
	bytes.writeUInt16LE(elfHeaderSize, 52); // e_ehsize
	bytes.writeUInt16LE(programHeaderSize, 54);
	bytes.writeUInt16LE(Math.min(count, PN_XNUM), 56);
	if (sectionsAt === undefined) return bytes;
	bytes.writeBigUInt64LE(BigInt(sectionsAt), 40); // e_shoff
	bytes.writeUInt16LE(sectionHeaderSize, 58);
	bytes.writeUInt16LE(1, 60); // e_shnum
	return bytes;
}

/** The table in pieces. */
function* tables(headers: Generator<ProgramHeader>): Generator<SlimPart> {
	const bytes = Buffer.alloc(pieceHeaders * programHeaderSize);
	let at = 0;
	for (const { p_type, p_flags, p_offset, p_vaddr, p_filesz, p_memsz } of headers) {
		bytes.writeUInt32LE(p_type, at);
		bytes.writeUInt32LE(p_flags, at + 4);
		for (const [index, value] of [p_offset, p_vaddr, 0n, p_filesz, p_memsz, BigInt(p_type === PT_NOTE ? 4 : pageBytes)].entries())
			bytes.writeBigUInt64LE(value, at + 8 + 8 * index);
		at += programHeaderSize;
		if (at < bytes.length) continue;
		yield { is: 'bytes', bytes };
		at = 0;
	}
	yield { is: 'bytes', bytes: bytes.subarray(0, at) };
}

/** Section header 0, for PN_XNUM. */
function sectionHeaderOf(count: number): Buffer {
	const bytes = Buffer.alloc(sectionHeaderSize);
	bytes.writeUInt32LE(count, 44); // sh_info
	return bytes;
}

const sum = (ranges: readonly Range[]) => ranges.reduce((total, { start, end }) => total + end - start, 0);
const align = (size: number, to: number) => Math.ceil(size / to) * to;
