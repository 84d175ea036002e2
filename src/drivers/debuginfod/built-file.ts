import type { FileHandle } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';
import { NotRegularError, openRegular } from '../../base/regular-file.ts';
import { type ByteSource, fileBytes } from '../../readers/bytes/bytes.ts';
import {
	buildIdIn,
	type ElfFile,
	type ElfHeader,
	elfHeader,
	elfHeaderSize,
	programHeaders,
	readElf,
	type SectionHeader,
	sectionHeaderSize,
	sections,
} from '../../readers/elf/elf.ts';

/** An executable, a library, or the debug information that was split from one. */
export type BuiltFile = ElfFile & {
	/** All that its headers tell of is there. */
	readonly isWhole: boolean;
};

const SHT_NOTE = 7;
const SHT_NOBITS = 8;

/** Answers undefined for what is not an ELF64 file, or is not there, or not ours to read. */
export async function builtFile(path: string): Promise<BuiltFile | undefined> {
	const file = await openRegular(path).catch((error) => {
		if (error instanceof NotRegularError || absent.includes(codeOf(error) ?? '')) return undefined;
		throw error;
	});
	if (!file) return undefined;
	await using _closed = file;
	return await readBuilt(file); // before it is closed
}

/**
 * The same of an open regular file. The build-id is read by the section headers first: where `eu-strip` has split debug information off, as Fedora's
 * packages have it, the program headers in it are those of the file that it was split from, and lead to anything.
 */
export async function readBuilt(file: FileHandle): Promise<BuiltFile | undefined> {
	const elf = await readElf(file);
	if (!elf) return undefined;
	const source = fileBytes(file);
	const header = elfHeader(Buffer.from(await source.read(0, elfHeaderSize)));
	const named = await sections(source, header);
	const note = named.get('.note.gnu.build-id');
	const { buildId: byProgramHeaders, ...rest } = elf;
	const buildId = note?.sh_type === SHT_NOTE ? await buildIdIn(source, Number(note.sh_offset), endOf(note)) : byProgramHeaders;
	const isWhole = (await endIn(source, header, named)) <= (await file.stat()).size;
	return { ...rest, ...(buildId !== undefined && { buildId }), isWhole };
}

const absent = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'];

const endOf = ({ sh_offset, sh_size }: SectionHeader) => Number(sh_offset + sh_size);

/** Where the last of what the headers tell of ends. */
async function endIn(source: ByteSource, header: ElfHeader, named: ReadonlyMap<string, SectionHeader>): Promise<number> {
	if (header.e_shoff === 0n)
		return (await programHeaders(source, header)).reduce((end, { p_offset, p_filesz }) => Math.max(end, Number(p_offset + p_filesz)), 0);
	const table = Number(header.e_shoff) + header.e_shnum * sectionHeaderSize;
	return named.values().reduce((end, section) => (section.sh_type === SHT_NOBITS ? end : Math.max(end, endOf(section))), table);
}
