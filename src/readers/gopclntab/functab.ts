import { PclntabError } from './error.ts';
import type { PcHeader, Table } from './header.ts';
import type { Image } from './image.ts';
import type { Pointers } from './pointers.ts';

/** What is fixed for one file. */
export type Tables = {
	readonly image: Image;
	readonly pointers: Pointers;
	readonly header: PcHeader;
	/** From which addresses count since 1.18. */
	readonly textStart: bigint;
};

/** Which function has a program counter: up to where, and where its `_func` is in the file. */
export type Found = { readonly entry: bigint; readonly end: bigint; readonly offset: number };

/**
 * Binary search in `functab` where it lies: nfunc pairs of entry and distance to `_func`, sorted, and behind them the end of the last.
 *
 * @returns undefined for what is not in Go's code
 * @throws {PclntabError} what the table says is not within the tables
 */
export async function findFunction(tables: Tables, pc: bigint): Promise<Found | undefined> {
	const { header } = tables;
	if (pc < (await entryAt(tables, 0)) || pc >= (await entryAt(tables, header.nfunc))) return undefined;
	let [low, high] = [0, header.nfunc];
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if ((await entryAt(tables, middle)) <= pc) low = middle;
		else high = middle;
	}
	const [entry, end] = [await entryAt(tables, low), await entryAt(tables, low + 1)];
	return { entry, end, offset: await funcAt(tables, low) };
}

const fieldAt = ({ layout, pclntable }: PcHeader, index: number, field: 0 | 1) =>
	pclntable.offset + (2 * index + field) * layout.functabFieldSize;

async function entryAt({ image, pointers, header, textStart }: Tables, index: number): Promise<bigint> {
	const at = fieldAt(header, index, 0);
	if (header.layout.functabFieldSize === 4) return textStart + BigInt((await image.bytes(at, 4)).readUInt32LE(0));
	const address = image.addressOf(at);
	const entry = address === undefined ? undefined : await pointers.at(address);
	if (entry === undefined) throw new PclntabError('the address of a function is not in the file', at);
	return entry;
}

async function funcAt({ image, header }: Tables, index: number): Promise<number> {
	const at = fieldAt(header, index, 1);
	const size = header.layout.functabFieldSize;
	const bytes = await image.bytes(at, size);
	const funcoff = size === 4 ? bytes.readUInt32LE(0) : Number(bytes.readBigUInt64LE(0));
	return within(header.pclntable, funcoff, header.layout._func.size, at);
}

/**
 * @param saidAt where in the file it says so
 * @returns the offset in the file of so many bytes of a table
 * @throws {PclntabError} they are not within the table
 */
export function within(table: Table, distance: number, size: number, saidAt: number): number {
	if (distance + size <= table.size) return table.offset + distance;
	throw new PclntabError(`what it points to (${size} bytes at ${distance}) is outside of its table of ${table.size} bytes`, saidAt);
}
