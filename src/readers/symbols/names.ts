import { SymbolsError } from './error.ts';
import type { SymbolTable } from './table.ts';

const usualBytes = 256;
/** The longest that can be made readable again; what is longer is cut. */
const mostBytes = 16 * 1024;

/** A place in the strings of a table. */
export type NamePlace = { readonly table: SymbolTable; readonly st_name: number };

/**
 * Without the version that may stand behind it (`memcpy@GLIBC_2.2.5`, `memcpy@@GLIBC_2.14`).
 *
 * @throws {SymbolsError} it is not in the strings, or the file ends before
 */
export async function nameAt({ table, st_name }: NamePlace): Promise<string> {
	const { source, strings, name } = table;
	const offset = strings.offset + st_name;
	const rest = strings.size - st_name;
	if (rest <= 0)
		throw new SymbolsError(`a name of ${name} is at ${st_name}; expected below ${strings.size}, the size of its strings`, strings.offset);
	for (const most of [usualBytes, mostBytes]) {
		const length = Math.min(most, rest);
		const bytes = await source.read(offset, length);
		const end = bytes.indexOf(0);
		if (end >= 0 || (most === mostBytes && bytes.length === most))
			return bytes.toString('utf8', 0, end < 0 ? most : end).replace(version, '');
		if (bytes.length < length || length === rest) throw new SymbolsError(`a name of ${name} has no end in its strings`, offset);
	}
	throw new Error('unreachable: the last of the lengths is the longest');
}

const version = /(?<=.)@.*$/s;

/**
 * The best of several names of one function: without the version and the leading underscores of those that are a library's own
 * (`malloc`, not `__libc_malloc`); of equally good ones the first. Empty where all are.
 */
export async function bestName(places: readonly NamePlace[]): Promise<string> {
	const names: string[] = [];
	for (const place of places) names.push(await nameAt(place));
	return names.reduce((best, name) => (privacy(name) < privacy(best) ? name : best));
}

/**
 * Mangled names all begin with one underscore. glibc gives its functions second names of its own (`__GI_strtol`). Mapping symbols
 * (`$x`, `$d`) are no names of functions.
 */
const privacy = (name: string) => {
	if (name === '' || name.startsWith('$')) return 1000;
	return name.startsWith('__GI_') ? 100 : (/^(?!_[ZR])_*/.exec(name)?.[0].length ?? 0);
};
