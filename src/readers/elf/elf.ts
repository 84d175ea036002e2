import type { FileHandle } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import { NotRegularError, openRegular } from '../../base/regular-file.ts';
import { type ByteSource, fileBytes } from '../bytes/bytes.ts';

/** Structures of ELF64, little-endian, under the names of elf(5) and include/uapi/linux/elf.h. Each is read from a buffer that holds it whole. */

export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
/** In a core: what was mapped there was left out when it was made slim. */
export const PT_NULL = 0;
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_GNU_EH_FRAME = 0x6474e550;
export const PF_X = 1;
export const PF_W = 2;
/** In `e_phnum`: the true number stands in `sh_info` of section header 0. */
export const PN_XNUM = 0xffff;
/** In `e_shstrndx`: the true index stands in `sh_link` of section header 0. */
const SHN_XINDEX = 0xffff;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;
export const SHT_DYNSYM = 11;
export const SHF_EXECINSTR = 4n;
const NT_GNU_BUILD_ID = 3;

export const elfHeaderSize = 64;
export const programHeaderSize = 56;
export const sectionHeaderSize = 64;
export const noteHeaderSize = 12;

export type ElfHeader = {
	readonly e_type: number;
	readonly e_machine: number;
	readonly e_phoff: bigint;
	readonly e_shoff: bigint;
	readonly e_phentsize: number;
	readonly e_phnum: number;
	readonly e_shentsize: number;
	readonly e_shnum: number;
	readonly e_shstrndx: number;
};

export type ProgramHeader = {
	readonly p_type: number;
	readonly p_flags: number;
	readonly p_offset: bigint;
	readonly p_vaddr: bigint;
	readonly p_filesz: bigint;
	readonly p_memsz: bigint;
};

export type SectionHeader = {
	readonly sh_name: number;
	readonly sh_type: number;
	readonly sh_flags: bigint;
	readonly sh_addr: bigint;
	readonly sh_offset: bigint;
	readonly sh_size: bigint;
	readonly sh_link: number;
	readonly sh_info: number;
	readonly sh_entsize: bigint;
};

export type Note = {
	readonly name: string;
	readonly type: number;
	/** Where the description starts, from the start of the source. */
	readonly offset: number;
	readonly size: number;
};

export const isElf = (bytes: Buffer) => bytes.length >= 4 && bytes.readUInt32BE(0) === 0x7f454c46;
/** EI_CLASS and EI_DATA. */
export const isElf64LittleEndian = (bytes: Buffer) => bytes[4] === 2 && bytes[5] === 1;

export function elfHeader(bytes: Buffer): ElfHeader {
	return {
		e_type: bytes.readUInt16LE(16),
		e_machine: bytes.readUInt16LE(18),
		e_phoff: bytes.readBigUInt64LE(32),
		e_shoff: bytes.readBigUInt64LE(40),
		e_phentsize: bytes.readUInt16LE(54),
		e_phnum: bytes.readUInt16LE(56),
		e_shentsize: bytes.readUInt16LE(58),
		e_shnum: bytes.readUInt16LE(60),
		e_shstrndx: bytes.readUInt16LE(62),
	};
}

export function programHeader(bytes: Buffer, at: number): ProgramHeader {
	return {
		p_type: bytes.readUInt32LE(at),
		p_flags: bytes.readUInt32LE(at + 4),
		p_offset: bytes.readBigUInt64LE(at + 8),
		p_vaddr: bytes.readBigUInt64LE(at + 16),
		p_filesz: bytes.readBigUInt64LE(at + 32),
		p_memsz: bytes.readBigUInt64LE(at + 40),
	};
}

export function sectionHeader(bytes: Buffer, at = 0): SectionHeader {
	return {
		sh_name: bytes.readUInt32LE(at),
		sh_type: bytes.readUInt32LE(at + 4),
		sh_flags: bytes.readBigUInt64LE(at + 8),
		sh_addr: bytes.readBigUInt64LE(at + 16),
		sh_offset: bytes.readBigUInt64LE(at + 24),
		sh_size: bytes.readBigUInt64LE(at + 32),
		sh_link: bytes.readUInt32LE(at + 40),
		sh_info: bytes.readUInt32LE(at + 44),
		sh_entsize: bytes.readBigUInt64LE(at + 56),
	};
}

/**
 * The notes from `start` to `end`, one after the other; a description is left to the caller to read.
 * Ends where the bytes end or a note would reach past `end`: its size is then cut to what is there.
 */
export async function* notes(source: ByteSource, start: number, end: number): AsyncGenerator<Note> {
	for (let at = start; at + noteHeaderSize <= end; ) {
		const header = await source.read(at, noteHeaderSize);
		if (header.length < noteHeaderSize) return;
		const [n_namesz, n_descsz, type] = [header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8)];
		const offset = at + noteHeaderSize + align4(n_namesz);
		if (offset > end) return;
		// Names are short (CORE, LINUX, GNU); of a longer one the start is enough to tell it from these.
		const name = await source.read(at + noteHeaderSize, Math.min(n_namesz, 32));
		yield { name: name.toString('latin1').replace(/\0.*$/s, ''), type, offset, size: Math.min(n_descsz, end - offset) };
		at = offset + align4(n_descsz);
	}
}

const align4 = (size: number) => Math.ceil(size / 4) * 4;

/** A file has three or four. */
const mostNotes = 64;

/** The GNU build-id among notes, in hex. It is looked for among the first of them. */
export async function buildIdIn(source: ByteSource, start: number, end: number): Promise<string | undefined> {
	let count = 0;
	for await (const { name, type, offset, size } of notes(source, start, Math.min(end, start + 65_536))) {
		if (++count > mostNotes) return undefined;
		if (name === 'GNU' && type === NT_GNU_BUILD_ID && size > 0 && size <= 64) return (await source.read(offset, size)).toString('hex');
	}
	return undefined;
}

/** Undefined for what is not an ELF64 file, little-endian. */
export async function readElfHeader(source: ByteSource): Promise<ElfHeader | undefined> {
	const head = await source.read(0, elfHeaderSize);
	return head.length === elfHeaderSize && isElf(head) && isElf64LittleEndian(head) ? elfHeader(head) : undefined;
}

/** What an executable or library on disk says of itself. */
export type ElfFile = {
	/** `e_machine`. */
	readonly machine: number;
	readonly buildId?: string;
	/** The address for which the file's first byte was linked: 0 but for executables that are not position-independent. */
	readonly linkedAt: bigint;
	readonly hasDebugInfo: boolean;
	readonly hasSymbols: boolean;
	readonly modifiedMs: number;
};

/** Reads headers only. Answers undefined for what is not an ELF64 file, or is not there, or not ours to read. */
export async function elfFile(path: string): Promise<ElfFile | undefined> {
	const file = await openRegular(path).catch((error) => {
		if (error instanceof NotRegularError || absent.includes(error.code)) return undefined;
		throw error;
	});
	if (!file) return undefined;
	await using _closed = file;
	return await readElf(file); // before it is closed
}

/** The same of an open regular file. */
export async function readElf(file: FileHandle): Promise<ElfFile | undefined> {
	const source = fileBytes(file);
	const header = await readElfHeader(source);
	if (!header) return undefined;
	const segments = await programHeaders(source, header);
	const named = await sections(source, header);
	return {
		machine: header.e_machine,
		...defined({ buildId: await buildIdAmong(source, segments) }),
		linkedAt: linkedAt(segments),
		hasDebugInfo: named.has('.debug_info') || named.has('.zdebug_info'),
		hasSymbols: named.has('.symtab') || named.has('.dynsym') || named.has('.gnu_debugdata'),
		modifiedMs: (await file.stat()).mtimeMs,
	};
}

/** Any other code (too many open files, a disk that fails) says nothing about the file. */
const absent = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'];

/** As many as the file holds. */
export async function programHeaders(source: ByteSource, { e_phoff, e_phnum }: ElfHeader): Promise<ProgramHeader[]> {
	const table = Buffer.from(await source.read(Number(e_phoff), e_phnum * programHeaderSize));
	return Array.from({ length: Math.floor(table.length / programHeaderSize) }, (_, index) =>
		programHeader(table, index * programHeaderSize),
	);
}

async function buildIdAmong(source: ByteSource, segments: readonly ProgramHeader[]): Promise<string | undefined> {
	for (const { p_type, p_offset, p_filesz } of segments) {
		const buildId = p_type === PT_NOTE ? await buildIdIn(source, Number(p_offset), Number(p_offset + p_filesz)) : undefined;
		if (buildId !== undefined) return buildId;
	}
	return undefined;
}

function linkedAt(segments: readonly ProgramHeader[]): bigint {
	const first = segments.find(({ p_type }) => p_type === PT_LOAD);
	return first ? first.p_vaddr - first.p_offset : 0n;
}

/** More than any linked file has. */
const mostSections = 1 << 16;

/** As many as the file holds, by their index. Where they are too many for `e_shnum`, `sh_size` of the first says how many (elf(5)). */
export async function sectionHeaders(source: ByteSource, { e_shoff, e_shnum }: ElfHeader): Promise<SectionHeader[]> {
	if (e_shoff === 0n) return [];
	const read = async (count: number) => {
		const table = Buffer.from(await source.read(Number(e_shoff), count * sectionHeaderSize));
		return Array.from({ length: Math.floor(table.length / sectionHeaderSize) }, (_, index) =>
			sectionHeader(table, index * sectionHeaderSize),
		);
	};
	if (e_shnum > 0) return read(e_shnum);
	const [first] = await read(1);
	return first ? read(Math.min(Number(first.sh_size), mostSections)) : [];
}

/** Names of sections are short; of a longer one the start is enough to tell it from these. */
const mostNameBytes = 64;

/** By name; of several with the same, the last. Empty where the names are out of reach. */
export async function sections(source: ByteSource, header: ElfHeader): Promise<ReadonlyMap<string, SectionHeader>> {
	const headers = await sectionHeaders(source, header);
	const names = headers[header.e_shstrndx === SHN_XINDEX ? (headers[0]?.sh_link ?? 0) : header.e_shstrndx];
	if (!names || names.sh_size > 1 << 20) return new Map();
	const text = Buffer.from(await source.read(Number(names.sh_offset), Number(names.sh_size)));
	return new Map(headers.map((header) => [nameAt(text, header.sh_name), header]));
}

function nameAt(names: Buffer, start: number): string {
	const name = names.subarray(start, start + mostNameBytes);
	const end = name.indexOf(0);
	return name.toString('latin1', 0, end < 0 ? name.length : end);
}
