import { PclntabError } from './error.ts';
import type { Func } from './func.ts';
import { type Tables, within } from './functab.ts';

const chunkSize = 512;
/** Two varints of 32 bits. */
const longestStep = 10;
/** Tables of the largest functions, which programs make, have some 100 KiB. */
const mostBytes = 1 << 20;

/**
 * What a table in `pctab` says of a program counter: steps of value and program counter, both from the one before, as varints; the value
 * is zigzag-coded and begins with -1. A step of the value by 0 ends the table, unless it is the first.
 *
 * @param start in `pctab`; 0: there is no table
 * @returns undefined where the table does not reach the program counter, or there is none
 * @throws {PclntabError} the table is no such thing, or reaches past `pctab`
 * @see https://github.com/golang/go/blob/master/src/runtime/symtab.go pcvalue, step
 */
export async function pcValue({ image, header }: Tables, func: Func, start: number, pc: bigint): Promise<number | undefined> {
	if (start === 0) return undefined;
	const { pctab, minLC } = header;
	let offset = within(pctab, start, 1, func.offset);
	const end = Math.min(pctab.offset + pctab.size, offset + mostBytes);
	const wanted = Number(pc - func.entry);
	let [value, reached] = [-1, 0];
	while (offset < end) {
		const chunk = await image.bytes(offset, Math.min(chunkSize, end - offset));
		const isLast = offset + chunk.length === end;
		let at = 0;
		while (at < chunk.length && (isLast || at + longestStep <= chunk.length)) {
			const step = varint(chunk, at, offset);
			if (step.value === 0 && reached > 0) return undefined;
			const advance = varint(chunk, step.next, offset);
			value = (value + (-(step.value & 1) ^ (step.value >>> 1))) | 0;
			reached += advance.value * minLC;
			if (wanted < reached) return value;
			at = advance.next;
		}
		offset += at;
	}
	throw new PclntabError('a table of values by program counter has no end', offset);
}

function varint(bytes: Buffer, start: number, offset: number): { readonly value: number; readonly next: number } {
	let value = 0;
	for (let index = 0; index < 5; index++) {
		const byte = bytes[start + index];
		if (byte === undefined) break;
		value = (value | ((byte & 0x7f) << (7 * index))) >>> 0;
		if ((byte & 0x80) === 0) return { value, next: start + index + 1 };
	}
	throw new PclntabError('expected a number of variable length, of 32 bits at most', offset + start);
}
