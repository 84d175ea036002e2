import { PclntabError } from './error.ts';
import { type Tables, within } from './functab.ts';
import type { Table } from './header.ts';

const usual = 256;
/** Names of functions of generic types and of closures in them are the longest, with some thousand bytes. */
const mostBytes = 64 * 1024;

/**
 * The text at a place in `funcnametab` or `filetab`, up to its zero.
 *
 * @throws {PclntabError} it begins outside of the table, or has no end in 64 KiB
 */
export async function text({ image }: Tables, table: Table, start: number, saidAt: number): Promise<string> {
	const offset = within(table, start, 1, saidAt);
	for (const length of [usual, mostBytes]) {
		const bytes = await image.bytes(offset, Math.min(length, table.size - start));
		const end = bytes.indexOf(0);
		if (end >= 0) return bytes.toString('utf8', 0, end);
	}
	throw new PclntabError('a name has no end', offset);
}

/** Whether a text begins there: each follows the zero of the one before. */
export async function isStart({ image }: Tables, table: Table, start: number): Promise<boolean> {
	if (start < 0 || start >= table.size) return false;
	return start === 0 || (await image.bytes(table.offset + start - 1, 1))[0] === 0;
}
