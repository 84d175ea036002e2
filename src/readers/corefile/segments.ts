import type { ByteSource } from '../bytes/bytes.ts';
import {
	type ElfHeader,
	PN_XNUM,
	type ProgramHeader,
	PT_LOAD,
	PT_NOTE,
	PT_NULL,
	programHeader,
	programHeaderSize,
	sectionHeader,
	sectionHeaderSize,
} from '../elf/elf.ts';
import { CorefileError } from './error.ts';

/** A core with a million mappings has 56 MB of program headers; more than this is nonsense. */
const mostTableBytes = 64 << 20;
const pieceBytes = 1 << 20;
const mostFileBytes = 2n ** 50n;

/** The program headers of a core, kept as the bytes they are: there may be hundreds of thousands. */
export type Segments = {
	readonly count: number;
	/** The file's size as far as the headers announce it. */
	readonly expectedBytes: number;
	/** False when the file ends within the table. */
	readonly isWhole: boolean;
	at(index: number): ProgramHeader;
	readonly noteSegments: readonly ProgramHeader[];
	/** The PT_LOAD at this address, if there is one; in a slim core also what was left out of one. */
	containing(address: bigint): ProgramHeader | undefined;
	loads(): Generator<ProgramHeader>;
	/** What was left out, in words. */
	readonly problem?: string;
};

/** Reads the table, also one of more than 65,534 headers (PN_XNUM, elf(5)). */
export async function readSegments(source: ByteSource, header: ElfHeader, fileBytes: number | undefined): Promise<Segments> {
	const tableOffset = inFile(header.e_phoff, fileBytes, 'program headers', 32);
	if (header.e_phentsize !== programHeaderSize)
		throw new CorefileError(`a program header has ${header.e_phentsize} bytes; expected ${programHeaderSize}`, 54);
	if (header.e_phnum === 0) throw new CorefileError('has no program headers', 56);
	const first = Buffer.from(await source.read(tableOffset, programHeaderSize));
	if (first.length < programHeaderSize) throw new CorefileError('ends before its first program header', tableOffset);
	const announced = header.e_phnum === PN_XNUM ? await manySegments(source, header, tableOffset, programHeader(first, 0)) : header.e_phnum;
	if (announced * programHeaderSize > mostTableBytes)
		throw new CorefileError(
			`announces ${announced} program headers; at most ${Math.floor(mostTableBytes / programHeaderSize)} are read`,
			56,
		);
	return segments(await wholeTable(source, tableOffset, announced, first), tableOffset, announced);
}

/** The table as far as the file holds it, read in pieces so that it is in memory only once. */
async function wholeTable(source: ByteSource, tableOffset: number, announced: number, first: Buffer): Promise<Buffer> {
	const table = Buffer.alloc(announced * programHeaderSize);
	let length = first.copy(table);
	while (length < table.length) {
		const piece = await source.read(tableOffset + length, Math.min(pieceBytes, table.length - length));
		if (piece.length === 0) break;
		length += piece.copy(table, length);
	}
	return table.subarray(0, length - (length % programHeaderSize));
}

/**
 * The true number behind PN_XNUM. It is in section header 0, which the kernel writes at the end of the file; a stream, and a file
 * that was cut off, must do with where the notes start: right behind the table.
 */
async function manySegments(source: ByteSource, { e_shoff }: ElfHeader, tableOffset: number, first: ProgramHeader): Promise<number> {
	if (!source.isForwardOnly && e_shoff !== 0n) {
		const section = await source.read(Number(e_shoff), sectionHeaderSize);
		if (section.length === sectionHeaderSize) return sectionHeader(section).sh_info;
	}
	const count = (Number(first.p_offset) - tableOffset) / programHeaderSize;
	if (first.p_type === PT_NOTE && Number.isInteger(count) && count >= PN_XNUM) return count;
	throw new CorefileError('does not say how many program headers it has: section header 0 (PN_XNUM) is out of reach', 40);
}

function segments(table: Buffer, tableOffset: number, announced: number): Segments {
	const count = table.length / programHeaderSize;
	const at = (index: number) => programHeader(table, index * programHeaderSize);
	const noteSegments: ProgramHeader[] = [];
	const loadIndexes: number[] = [];
	const outside: number[] = [];
	let expectedBytes = BigInt(tableOffset + announced * programHeaderSize);
	for (let index = 0; index < count; index++) {
		const segment = at(index);
		const isLeftOut = segment.p_type === PT_NULL && segment.p_memsz > 0n && segment.p_filesz === 0n;
		if (segment.p_type !== PT_LOAD && segment.p_type !== PT_NOTE && !isLeftOut) continue;
		const end = segment.p_offset + segment.p_filesz;
		if (end > mostFileBytes) {
			outside.push(index);
			continue;
		}
		if (segment.p_filesz > 0n && end > expectedBytes) expectedBytes = end;
		if (segment.p_type !== PT_NOTE) loadIndexes.push(index);
		else if (noteSegments.length < 16) noteSegments.push(segment);
	}
	const problem = describeOutside(outside, at);
	if (problem !== undefined && loadIndexes.length + noteSegments.length === 0)
		throw new CorefileError(problem, tableOffset + (outside[0] as number) * programHeaderSize);
	const byAddress = sortedByAddress(loadIndexes, table);
	return {
		count,
		expectedBytes: Number(expectedBytes),
		isWhole: count === announced,
		at,
		noteSegments,
		containing: (address) => {
			let [low, high] = [0, byAddress.length];
			while (low < high) {
				const middle = (low + high) >> 1;
				if (addressIn(table, byAddress[middle] as number) <= address) low = middle + 1;
				else high = middle;
			}
			const segment = low === 0 ? undefined : at(byAddress[low - 1] as number);
			return segment && address < segment.p_vaddr + segment.p_memsz ? segment : undefined;
		},
		*loads() {
			for (const index of loadIndexes) yield at(index);
		},
		...(problem === undefined ? {} : { problem }),
	};
}

function describeOutside([first, ...others]: readonly number[], at: Segments['at']): string | undefined {
	if (first === undefined) return undefined;
	const { p_offset, p_filesz } = at(first);
	const more = others.length === 0 ? '' : `, as do ${others.length} more`;
	return `segment ${first} points outside any file: offset 0x${p_offset.toString(16)}, size 0x${p_filesz.toString(16)}${more}`;
}

/** `p_vaddr` alone. */
const addressIn = (table: Buffer, index: number) => table.readBigUInt64LE(index * programHeaderSize + 16);

/** The kernel writes them in order of address, so that sorting is seldom needed. */
function sortedByAddress(indexes: readonly number[], table: Buffer): readonly number[] {
	const address = (index: number) => addressIn(table, index);
	const isSorted = indexes.every((index, position) => position === 0 || address(indexes[position - 1] as number) <= address(index));
	return isSorted ? indexes : indexes.toSorted((a, b) => (address(a) < address(b) ? -1 : address(a) > address(b) ? 1 : 0));
}

function inFile(offset: bigint, fileBytes: number | undefined, what: string, at: number): number {
	if (offset > 0n && offset < (fileBytes ?? mostFileBytes)) return Number(offset);
	throw new CorefileError(`${what} at 0x${offset.toString(16)} lie outside the file`, at);
}
