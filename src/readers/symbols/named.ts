import { SymbolsError } from './error.ts';
import { eachSymbol, type SymbolTable, strength } from './table.ts';

/**
 * The addresses of what is defined under some names: of several under one that which is no old version, and of those the one with the
 * strongest binding. First the names are looked for among the strings, in blocks, then the symbols that use them: one pass each, so that
 * symbols that are not asked for cost no look at their names. A hash table would be quicker to search, but only `.dynsym` has one, and
 * is small.
 *
 * @throws {SymbolsError} the file ends before the table does
 */
export async function addressesIn(table: SymbolTable, names: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
	const places = await placesOf(table, names);
	const best = new Map<string, Place & { readonly start: number; readonly strength: number }>();
	if (places.size > 0)
		await eachSymbol(table, ({ st_name, type, binding, start }) => {
			const place = places.get(st_name);
			if (!place || !hasAddress.includes(type)) return;
			const { name, isOld } = place;
			const found = { name, isOld, start, strength: strength(binding) };
			const known = best.get(name);
			if (!known || (Number(known.isOld) - Number(isOld) || found.strength - known.strength) > 0) best.set(name, found);
		});
	return new Map([...best].map(([name, { start }]) => [name, BigInt(start)]));
}

/** STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_COMMON, STT_GNU_IFUNC; not STT_TLS, which has an offset. */
const hasAddress = [0, 1, 2, 5, 10];

const blockSize = 256 * 1024;
/** What stands behind a name in front of its version; of one that is there for old programs only, it is one `@`. */
const versionMark = '@@';
/** A string may also be the end of another. */
const mostPlaces = 1 << 16;

type Place = { readonly name: string; readonly isOld: boolean };

/** Where the strings have the names, whole or up to a version (`stdout@@GLIBC_2.2.5`). */
async function placesOf({ name: tableName, source, strings }: SymbolTable, names: readonly string[]): Promise<ReadonlyMap<number, Place>> {
	const wanted = [...new Set(names)].filter((name) => name !== '').map((name) => ({ name, bytes: Buffer.from(name) }));
	const overlap = Math.max(0, ...wanted.map(({ bytes }) => bytes.length)) + versionMark.length;
	const places = new Map<number, Place>();
	for (let at = 0; wanted.length > 0 && at < strings.size; at += blockSize) {
		const length = Math.min(blockSize + overlap, strings.size - at);
		const block = await source.read(strings.offset + at, length);
		if (block.length < length)
			throw new SymbolsError(
				`the file ends within the names of ${tableName}; expected ${length - block.length} more bytes`,
				strings.offset + at + block.length,
			);
		for (const { name, bytes } of wanted) {
			for (let hit = block.indexOf(bytes); hit >= 0 && hit < blockSize; hit = block.indexOf(bytes, hit + 1)) {
				const behind = block.toString('latin1', hit + bytes.length, hit + bytes.length + versionMark.length);
				if (!behind.startsWith('\0') && !behind.startsWith('@')) continue;
				places.set(at + hit, { name, isOld: behind.startsWith('@') && behind !== versionMark });
				if (places.size > mostPlaces)
					throw new SymbolsError(`the names of ${tableName} have one more than ${mostPlaces} times`, strings.offset + at + hit);
			}
		}
	}
	return places;
}
