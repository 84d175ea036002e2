import type { ByteSource } from '../bytes/bytes.ts';
import type { UnpackXz } from './debugdata.ts';
import { addressesIn } from './named.ts';
import { bestName } from './names.ts';
import { type Candidate, searchFor } from './search.ts';
import { eachSymbol } from './table.ts';
import { type Tables, tablesOf } from './tables.ts';

export type { UnpackXz } from './debugdata.ts';
export { SymbolsError } from './error.ts';

export type FunctionSymbol = {
	/** Mangled, as the table has it, without a version behind it; cut after 16 KiB. */
	readonly name: string;
	readonly start: bigint;
	/** 0 where the table does not say it: that an address behind the start belongs to it is then a guess. */
	readonly size: bigint;
};

/**
 * Who is where, by the symbol tables of a file: `.symtab` or that of `.gnu_debugdata`, and `.dynsym`, also without section headers.
 * Addresses are those for which the file was linked: less the one at which it is loaded, where it is position-independent. That of a
 * caller is its return address less one, since the call may be the last instruction of its function.
 *
 * Each question is one pass over the tables, in blocks of 64 KiB (256 KiB of names), for all that it asks.
 *
 * All throw {@link SymbolsError} where the tables say what can't be.
 */
export type Symbols = {
	/**
	 * For each address, in the same order, the function there, undefined where there is none. Of several the one that starts nearest, as a
	 * debugger has it, then a global before a weak before a local one; of one with several names that with the fewest leading underscores.
	 */
	functionsAt(addresses: readonly bigint[]): Promise<readonly (FunctionSymbol | undefined)[]>;
	/** Addresses of functions and objects by their exact names, as far as they are there. Not of those that each thread has its own of. */
	addressesOf(names: readonly string[]): Promise<ReadonlyMap<string, bigint>>;
	/** A table that is there but could not be used, and why, in words: some functions may not be found. */
	readonly leftOut: string | undefined;
};

export type SymbolsOptions = {
	/** For `.gnu_debugdata`, whose content (64 MiB at most) is kept as long as the answer of {@link openSymbols} is. */
	readonly unpackXz?: UnpackXz | undefined;
};

/**
 * Reads headers only, and unpacks `.gnu_debugdata`.
 *
 * @param source an executable or library, or a separate file of its debug information
 * @returns undefined for what is no linked ELF64 file, little-endian, or has no symbol table
 * @throws {SymbolsError} one is there, and can't be read
 */
export async function openSymbols(source: ByteSource, { unpackXz }: SymbolsOptions = {}): Promise<Symbols | undefined> {
	const found = await tablesOf(source, unpackXz);
	if (!found || (found.tables.length === 0 && found.leftOut === undefined)) return undefined;
	return {
		leftOut: found.leftOut,
		functionsAt: (addresses) => functionsAt(found, addresses),
		async addressesOf(names) {
			const known = new Map<string, bigint>();
			for (const table of found.tables) {
				const rest = names.filter((name) => !known.has(name));
				for (const [name, address] of await addressesIn(table, rest)) known.set(name, address);
			}
			return known;
		},
	};
}

async function functionsAt({ machine, tables }: Tables, addresses: readonly bigint[]): Promise<readonly (FunctionSymbol | undefined)[]> {
	const search = searchFor(addresses.filter(isNumber).map(Number), machine);
	for (const table of tables) {
		if (search.isDone()) break;
		await eachSymbol(table, (symbol) => search.offer(table, symbol));
	}
	const found = search.found();
	const symbols = new Map<Candidate, FunctionSymbol>();
	// By where their names are: those near each other cost one read of the file.
	const candidates = [...new Set(found.values())].sort((one, other) => namedAt(one) - namedAt(other));
	for (const candidate of candidates) {
		const { start, size, names } = candidate;
		const name = await bestName(names);
		if (name !== '') symbols.set(candidate, { name, start: BigInt(start), size: BigInt(size) });
	}
	return addresses.map((address) => {
		const candidate = isNumber(address) ? found.get(Number(address)) : undefined;
		return candidate && symbols.get(candidate);
	});
}

const namedAt = ({ names: [first] }: Candidate) => first?.st_name ?? 0;

/** No file is linked for addresses beyond. */
const isNumber = (address: bigint) => 0n <= address && address <= BigInt(Number.MAX_SAFE_INTEGER);
