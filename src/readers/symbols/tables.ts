import type { ByteSource } from '../bytes/bytes.ts';
import {
	type ElfHeader,
	ET_DYN,
	ET_EXEC,
	programHeaders,
	readElfHeader,
	type SectionHeader,
	SHT_DYNSYM,
	SHT_NOBITS,
	SHT_STRTAB,
	SHT_SYMTAB,
	sectionHeaders,
	sections,
} from '../elf/elf.ts';
import { type Areas, areasOf } from './areas.ts';
import { debugdata, type UnpackXz } from './debugdata.ts';
import { dynamicSymbols } from './dynamic.ts';
import { SymbolsError } from './error.ts';
import { mostStringBytes, mostSymbols, type SymbolTable, symbolSize } from './table.ts';

/** The symbol tables of a file, the most telling first. */
export type Tables = {
	/** `e_machine`. */
	readonly machine: number;
	readonly tables: readonly SymbolTable[];
	/** A table that could not be had, and why. */
	readonly leftOut: string | undefined;
};

/**
 * `.symtab`, that of `.gnu_debugdata` where there is none, and `.dynsym`.
 *
 * @returns undefined for what is no linked ELF64 file, little-endian
 * @throws {SymbolsError} one is there, and can't be read
 */
export async function tablesOf(source: ByteSource, unpackXz: UnpackXz | undefined): Promise<Tables | undefined> {
	const header = await readElfHeader(source);
	if (!header) return undefined;
	// The symbols of others have no addresses yet.
	if (header.e_type !== ET_EXEC && header.e_type !== ET_DYN) return undefined;
	const segments = await programHeaders(source, header);
	const present = await sectionHeaders(source, header);
	const isCutOff = header.e_shoff > 0n && present.length < header.e_shnum;
	const all = isCutOff ? [] : present;
	const areas = areasOf(all, segments);
	const byType = (name: string, type: number) => {
		const section = all.find(({ sh_type }) => sh_type === type);
		return section && tableIn(source, name, section, all, areas);
	};
	const symtab = byType('.symtab', SHT_SYMTAB);
	// In a file of debug information the sections say that their content is elsewhere, the segments do not.
	const dynsym = all.length > 0 ? byType('.dynsym', SHT_DYNSYM) : await dynamicSymbols(source, segments, areas);
	const packed = symtab || isCutOff ? undefined : (await sections(source, header)).get('.gnu_debugdata');
	const unpacked = packed && packed.sh_type !== SHT_NOBITS ? await debugdata(source, packed, unpackXz) : undefined;
	const mini =
		typeof unpacked === 'object' ? ((await tablesOf(unpacked, undefined))?.tables.at(0) ?? 'no symbols in .gnu_debugdata') : unpacked;
	return {
		machine: header.e_machine,
		tables: [symtab, mini, dynsym].filter((table) => typeof table === 'object'),
		leftOut: isCutOff ? cutOff(header, present.length) : typeof mini === 'string' ? mini : undefined,
	};
}

const cutOff = ({ e_shoff, e_shnum }: ElfHeader, count: number) =>
	`the file is cut off: expected ${e_shnum} section headers at byte ${e_shoff}, found ${count}`;

function tableIn(
	source: ByteSource,
	name: string,
	{ sh_offset, sh_size, sh_entsize, sh_link }: SectionHeader,
	all: readonly SectionHeader[],
	areas: Areas,
): SymbolTable {
	const offset = Number(sh_offset);
	if (sh_entsize !== BigInt(symbolSize))
		throw new SymbolsError(`${name} has entries of ${sh_entsize} bytes; expected ${symbolSize}`, offset);
	if (sh_size > mostSymbols * symbolSize)
		throw new SymbolsError(`${name} has ${sh_size} bytes; expected at most ${mostSymbols * symbolSize}`, offset);
	const strings = all[sh_link];
	if (strings?.sh_type !== SHT_STRTAB)
		throw new SymbolsError(`${name} has its names in section ${sh_link}; expected a string table (SHT_STRTAB) there`, offset);
	if (strings.sh_size > mostStringBytes)
		throw new SymbolsError(
			`the names of ${name} have ${strings.sh_size} bytes; expected at most ${mostStringBytes}`,
			Number(strings.sh_offset),
		);
	return {
		name,
		source,
		offset,
		count: Math.floor(Number(sh_size) / symbolSize),
		strings: { offset: Number(strings.sh_offset), size: Number(strings.sh_size) },
		areas,
	};
}
