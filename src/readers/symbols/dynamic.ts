import type { ByteSource } from '../bytes/bytes.ts';
import { type ProgramHeader, PT_DYNAMIC, PT_LOAD } from '../elf/elf.ts';
import type { Areas } from './areas.ts';
import { SymbolsError } from './error.ts';
import { mostStringBytes, mostSymbols, type SymbolTable, symbolSize } from './table.ts';

const [DT_NULL, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT] = [0n, 4n, 5n, 6n, 10n, 11n];
const DT_GNU_HASH = 0x6ffffef5n;
const entrySize = 16;
/** It has some 30 entries. */
const mostDynamicBytes = 64 * 1024;

type Extent = { readonly offset: number; readonly size: number };

/**
 * The symbols that the dynamic linker uses, as it finds them, by `PT_DYNAMIC`: for files without section headers. Undefined where there
 * are none.
 *
 * @throws {SymbolsError} what leads to them can't be
 */
export async function dynamicSymbols(
	source: ByteSource,
	segments: readonly ProgramHeader[],
	areas: Areas,
): Promise<SymbolTable | undefined> {
	const values = await dynamicValues(source, segments);
	/** The bytes of the file from an address to the end of its segment. */
	function locate(tag: bigint): Extent | undefined {
		const address = values.get(tag);
		const segment =
			address === undefined
				? undefined
				: segments.find(({ p_type, p_vaddr, p_filesz }) => p_type === PT_LOAD && p_vaddr <= address && address < p_vaddr + p_filesz);
		if (address === undefined || !segment) return undefined;
		return { offset: Number(segment.p_offset + address - segment.p_vaddr), size: Number(segment.p_vaddr + segment.p_filesz - address) };
	}
	const [symbols, strings] = [locate(DT_SYMTAB), locate(DT_STRTAB)];
	if (!symbols || !strings) return undefined;
	const symbolBytes = values.get(DT_SYMENT) ?? BigInt(symbolSize);
	if (symbolBytes !== BigInt(symbolSize))
		throw new SymbolsError(`DT_SYMENT is ${symbolBytes}; expected ${symbolSize}, the size of a symbol`, symbols.offset);
	const [gnu, old] = [locate(DT_GNU_HASH), locate(DT_HASH)];
	const count = old ? await countByHash(source, old) : gnu ? await countByGnuHash(source, gnu) : 0;
	const most = Math.min(mostSymbols, Math.floor(symbols.size / symbolSize));
	if (count > most) throw new SymbolsError(`the hash table has ${count} symbols; expected at most ${most}`, symbols.offset);
	const size = Number(values.get(DT_STRSZ) ?? BigInt(strings.size));
	if (size > Math.min(strings.size, mostStringBytes))
		throw new SymbolsError(`DT_STRSZ is ${size}; expected at most ${Math.min(strings.size, mostStringBytes)}`, strings.offset);
	return { name: 'the dynamic symbols', source, offset: symbols.offset, count, strings: { offset: strings.offset, size }, areas };
}

/** The first of each tag. */
async function dynamicValues(source: ByteSource, segments: readonly ProgramHeader[]): Promise<ReadonlyMap<bigint, bigint>> {
	const values = new Map<bigint, bigint>();
	const dynamic = segments.find(({ p_type }) => p_type === PT_DYNAMIC);
	if (!dynamic) return values;
	const table = await source.read(Number(dynamic.p_offset), Math.min(Number(dynamic.p_filesz), mostDynamicBytes));
	for (let at = 0; at + entrySize <= table.length; at += entrySize) {
		const tag = table.readBigUInt64LE(at);
		if (tag === DT_NULL) break;
		if (!values.has(tag)) values.set(tag, table.readBigUInt64LE(at + 8));
	}
	return values;
}

/** `DT_HASH` has a chain link for each symbol. */
async function countByHash(source: ByteSource, { offset }: Extent): Promise<number> {
	return (await words(source, offset, 2)).readUInt32LE(4);
}

const blockWords = 16 * 1024;

/**
 * `DT_GNU_HASH` does not say how many there are: the last is where the chain ends that begins last.
 *
 * @see https://sourceware.org/gnu-gabi/program-loading-and-dynamic-linking.txt
 */
async function countByGnuHash(source: ByteSource, { offset, size }: Extent): Promise<number> {
	const header = await words(source, offset, 4);
	const [nbuckets, symoffset, bloomSize] = [header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8)];
	const buckets = offset + 16 + bloomSize * 8;
	const chains = buckets + nbuckets * 4;
	if (chains > offset + size)
		throw new SymbolsError(`.gnu.hash has ${nbuckets} buckets behind ${bloomSize} words; its segment has ${size} bytes`, offset);
	let last = 0;
	for (let first = 0; first < nbuckets; first += blockWords) {
		const block = await words(source, buckets + first * 4, Math.min(blockWords, nbuckets - first));
		for (let at = 0; at < block.length; at += 4) last = Math.max(last, block.readUInt32LE(at));
	}
	if (last < symoffset) return symoffset; // no bucket leads to a symbol
	for (let index = last; index < mostSymbols; index += blockWords) {
		const at = chains + (index - symoffset) * 4;
		const block = await words(source, at, Math.min(blockWords, Math.floor((offset + size - at) / 4)));
		for (let within = 0; within < block.length; within += 4) if ((block.readUInt32LE(within) & 1) === 1) return index + within / 4 + 1;
	}
	throw new SymbolsError(`a chain of .gnu.hash has no end among ${mostSymbols} symbols`, chains);
}

async function words(source: ByteSource, offset: number, count: number): Promise<Buffer> {
	const bytes = await source.read(offset, Math.max(count, 0) * 4);
	if (bytes.length === 0 || bytes.length < count * 4) throw new SymbolsError(`a hash table ends; expected ${count} more words`, offset);
	return bytes;
}
