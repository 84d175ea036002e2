import type { ByteSource } from '../bytes/bytes.ts';
import type { Areas } from './areas.ts';
import { SymbolsError } from './error.ts';

/** A symbol table with the strings that it names its symbols by: ELF64's `Elf64_Sym`, elf(5). */
export type SymbolTable = {
	/** `.symtab`, for messages. */
	readonly name: string;
	readonly source: ByteSource;
	readonly offset: number;
	readonly count: number;
	readonly strings: { readonly offset: number; readonly size: number };
	readonly areas: Areas;
};

export type ElfSymbol = {
	/** Where its name is in the strings. */
	readonly st_name: number;
	/** One of `STT_…`. */
	readonly type: number;
	/** One of `STB_…`. */
	readonly binding: number;
	readonly st_shndx: number;
	readonly start: number;
	readonly size: number;
};

export const symbolSize = 24;
/** Some ten times as many as the largest programs known have. */
export const mostSymbols = 1 << 24;
/** Of a table's names. */
export const mostStringBytes = 1 << 30;

const [SHN_UNDEF, SHN_LORESERVE, SHN_XINDEX] = [0, 0xff00, 0xffff];
/** Just below 64 KiB, which are read of a file at once anyway. */
const blockSymbols = 2730;

/**
 * Hands over each symbol of a table that has a name and is defined in one of the file's sections, in their order; the table is read in
 * blocks. Those at addresses from 2^53 on are left out: no program has code or data there.
 *
 * @throws {SymbolsError} the file ends before the table does
 */
export async function eachSymbol({ name, source, offset, count }: SymbolTable, take: (symbol: ElfSymbol) => void): Promise<void> {
	for (let first = 0; first < count; first += blockSymbols) {
		const at = offset + first * symbolSize;
		const length = Math.min(blockSymbols, count - first) * symbolSize;
		const block = await source.read(at, length);
		if (block.length < length)
			throw new SymbolsError(`the file ends within ${name}; expected ${length - block.length} more bytes`, at + block.length);
		const view = new DataView(block.buffer, block.byteOffset, block.length);
		for (let entry = 0; entry < length; entry += symbolSize) {
			const symbol = symbolAt(view, entry);
			if (symbol) take(symbol);
		}
	}
}

function symbolAt(view: DataView, at: number): ElfSymbol | undefined {
	const st_name = view.getUint32(at, true);
	const st_shndx = view.getUint16(at + 6, true);
	if (st_name === 0 || st_shndx === SHN_UNDEF || (st_shndx >= SHN_LORESERVE && st_shndx !== SHN_XINDEX)) return undefined;
	const start = numberAt(view, at + 8);
	const size = numberAt(view, at + 16);
	if (start + size > Number.MAX_SAFE_INTEGER) return undefined;
	const st_info = view.getUint8(at + 4);
	return { st_name, type: st_info & 0xf, binding: st_info >> 4, st_shndx, start, size };
}

/** Exact below 2^53, and above that never below it. Much faster than by `bigint`. */
const numberAt = (view: DataView, at: number) => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

/** From weakest to strongest: local, weak, global and unique. */
export const strength = (binding: number) => strengths[binding] ?? 0;
const strengths: Readonly<Record<number, number>> = { 0: 1, 2: 2, 1: 3, 10: 3 };
