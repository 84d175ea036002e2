import { PF_X, PT_LOAD, type SectionHeader, sectionHeader, sectionHeaderSize } from '../elf/elf.ts';
import { PclntabError } from './error.ts';
import { magics, type PcHeader, pcHeader } from './header.ts';
import type { Image } from './image.ts';
import { occurrences } from './scan.ts';

/**
 * Where Go's tables are in a file: in the section that is named for them, of which `strip` leaves name and content. Linkers other than
 * Go's may merge it into the section of what is read-only after relocation. Without section headers they are looked for in all that is loaded.
 *
 * @returns undefined where there are none, so the file is not Go's
 * @throws {PclntabError} the section is there, and what is in it can't be read
 * @see https://github.com/golang/go/blob/master/src/cmd/internal/objfile/elf.go pcln
 */
export async function findPcHeader(image: Image): Promise<PcHeader | undefined> {
	const sections = await namedSections(image);
	if (sections.size === 0) return await scanned(image, loadedRanges(image));
	const own = sections.get('.gopclntab') ?? sections.get('.data.rel.ro.gopclntab');
	if (own && own.sh_type !== SHT_NOBITS) return await pcHeader(image, Number(own.sh_offset), Number(own.sh_size));
	const merged = sections.get('.data.rel.ro');
	return merged && (await scanned(image, [{ start: Number(merged.sh_offset), size: Number(merged.sh_size) }]));
}

const SHT_NOBITS = 8;
/** Of all ranges together, which is more than the largest programs have. */
const mostBytes = 1 << 30;
const mostSections = 4096;
const mostNameBytes = 1 << 20;

type Range = { readonly start: number; readonly size: number };

/** Code last: there they are only in files of linkers that do not keep code and data apart. */
function loadedRanges({ segments }: Image): Range[] {
	const loaded = segments.filter(({ p_type }) => p_type === PT_LOAD);
	return [...loaded.filter(({ p_flags }) => (p_flags & PF_X) === 0), ...loaded.filter(({ p_flags }) => (p_flags & PF_X) !== 0)].map(
		({ p_offset, p_filesz }) => ({ start: Number(p_offset), size: Number(p_filesz) }),
	);
}

async function scanned(image: Image, ranges: readonly Range[]): Promise<PcHeader | undefined> {
	let left = mostBytes;
	for (const { start, size } of ranges) {
		const end = start + Math.min(size, left);
		for await (const hit of occurrences(image, start, end, magics)) {
			const header = hit % 8 === 0 ? await headerAt(image, hit, start + size - hit) : undefined;
			if (header) return header;
		}
		left -= end - start;
	}
	return undefined;
}

/** The same bytes may stand elsewhere, as in a program that reads such tables. */
async function headerAt(image: Image, offset: number, size: number): Promise<PcHeader | undefined> {
	try {
		return await pcHeader(image, offset, size);
	} catch (error) {
		if (error instanceof PclntabError) return undefined;
		throw error;
	}
}

/** Empty where the file has no section headers, or none that can be read. */
async function namedSections({ source, header }: Image): Promise<ReadonlyMap<string, SectionHeader>> {
	const { e_shoff, e_shnum, e_shstrndx } = header;
	if (e_shoff === 0n) return new Map();
	const table = await source.read(Number(e_shoff), Math.min(e_shnum, mostSections) * sectionHeaderSize);
	const sections = Array.from({ length: Math.floor(table.length / sectionHeaderSize) }, (_, index) =>
		sectionHeader(table, index * sectionHeaderSize),
	);
	const names = sections[e_shstrndx];
	if (!names) return new Map();
	const text = await source.read(Number(names.sh_offset), Math.min(Number(names.sh_size), mostNameBytes));
	if (text.length === 0) return new Map();
	// Longer ones are none of those that are asked for.
	const nameAt = (at: number) => text.toString('latin1', at, at + 64).replace(/\0.*$/s, '');
	return new Map(sections.map((section) => [nameAt(section.sh_name), section]));
}
