import type { ByteSource } from '../bytes/bytes.ts';
import { type ElfHeader, type ProgramHeader, PT_LOAD, programHeader, programHeaderSize, readElfHeader } from '../elf/elf.ts';
import { PclntabError } from './error.ts';

/** An executable or library on disk, by the addresses for which it was linked. */
export type Image = {
	readonly source: ByteSource;
	readonly header: ElfHeader;
	readonly segments: readonly ProgramHeader[];
	/**
	 * Exactly these bytes of the file, valid until the next read.
	 *
	 * @throws {PclntabError} the file ends before
	 */
	bytes(offset: number, length: number): Promise<Buffer>;
	/** Where an address is in the file, and how many bytes of its segment the file has from there; undefined where the file has none. */
	locate(address: bigint): { readonly offset: number; readonly size: number } | undefined;
	addressOf(offset: number): bigint | undefined;
};

/** A program has some ten. */
const mostSegments = 1024;

/** Answers undefined for what is not an ELF64 file, little-endian. */
export async function openImage(source: ByteSource): Promise<Image | undefined> {
	const header = await readElfHeader(source);
	if (!header) return undefined;
	const table = await source.read(Number(header.e_phoff), Math.min(header.e_phnum, mostSegments) * programHeaderSize);
	const segments = Array.from({ length: Math.floor(table.length / programHeaderSize) }, (_, index) =>
		programHeader(table, index * programHeaderSize),
	);
	const loaded = segments.filter(({ p_type, p_offset, p_filesz }) => p_type === PT_LOAD && isSize(p_offset + p_filesz));
	return {
		source,
		header,
		segments,
		async bytes(offset, length) {
			const bytes = await source.read(offset, length);
			if (bytes.length < length) throw new PclntabError(`the file ends before the ${length} bytes that should be here`, offset);
			return bytes;
		},
		locate(address) {
			const segment = loaded.find(({ p_vaddr, p_filesz }) => p_vaddr <= address && address < p_vaddr + p_filesz);
			if (!segment) return undefined;
			const within = address - segment.p_vaddr;
			return { offset: Number(segment.p_offset + within), size: Number(segment.p_filesz - within) };
		},
		addressOf(offset) {
			const at = BigInt(offset);
			const segment = loaded.find(({ p_offset, p_filesz }) => p_offset <= at && at < p_offset + p_filesz);
			return segment && segment.p_vaddr + (at - segment.p_offset);
		},
	};
}

const isSize = (value: bigint) => value <= BigInt(Number.MAX_SAFE_INTEGER);
