import { PclntabError } from './error.ts';
import type { Image } from './image.ts';
import { type Layout, layouts, olderMagics } from './layout.ts';

/** `pcHeader`, with which the tables begin, and where they are in the file. */
export type PcHeader = {
	readonly layout: Layout;
	/** Of the header in the file, and up to which the tables may reach. */
	readonly offset: number;
	readonly end: number;
	/** Smallest size of an instruction: the unit of steps between program counters. */
	readonly minLC: number;
	readonly nfunc: number;
	readonly funcnametab: Table;
	readonly cutab: Table;
	readonly filetab: Table;
	readonly pctab: Table;
	/** `functab`, and behind it in the same table each function's `_func`. */
	readonly pclntable: Table;
};

export type Table = { readonly offset: number; readonly size: number };

export const pcHeaderStart = 8;
/** `magic`, two zeros, `minLC` and `ptrSize` as they stand in the file; 4 is AArch64's. */
export const magics: readonly Buffer[] = layouts.flatMap(({ magic }) => [1, 4].map((minLC) => startOf(magic, minLC)));

function startOf(magic: number, minLC: number): Buffer {
	const bytes = Buffer.from([0, 0, 0, 0, 0, 0, minLC, 8]);
	bytes.writeUInt32LE(magic);
	return bytes;
}

/**
 * @param size of the section, or what is left of the segment
 * @throws {PclntabError} it is none, is of a Go before 1.16, or its tables are not one behind the other in this size
 * @see https://github.com/golang/go/blob/master/src/cmd/link/internal/ld/pcln.go generatePCHeader
 */
export async function pcHeader(image: Image, offset: number, size: number): Promise<PcHeader> {
	const start = await image.bytes(offset, pcHeaderStart);
	const magic = start.readUInt32LE(0);
	const layout = layouts.find((one) => one.magic === magic);
	if (olderMagics.includes(magic)) throw new PclntabError('it is that of a Go before 1.16, which is not read here', offset);
	if (!layout || !magics.some((one) => one.equals(start)))
		throw new PclntabError(`expected its magic (…f1ffffff, f0ffffff or faffffff), and there is ${start.toString('hex')}`, offset);
	const fields = await image.bytes(offset + pcHeaderStart, layout.funcnameOffset + 5 * 8 - pcHeaderStart);
	const field = (at: number) => Number(fields.readBigUInt64LE(at - pcHeaderStart));
	const starts = [0, 1, 2, 3, 4].map((index) => field(layout.funcnameOffset + index * 8));
	const ends = [...starts.slice(1), size];
	const isInOrder = starts.every((at, index) => at >= layout.funcnameOffset + 5 * 8 && at <= (ends[index] ?? 0));
	if (!isInOrder) throw new PclntabError(`its tables are not in order within its ${size} bytes: ${starts.join(', ')}`, offset);
	const nfunc = field(8);
	const [funcnametab, cutab, filetab, pctab, pclntable] = starts.map((at, index) => ({
		offset: offset + at,
		size: (ends[index] ?? at) - at,
	})) as [Table, Table, Table, Table, Table];
	if (nfunc === 0 || (2 * nfunc + 1) * layout.functabFieldSize > pclntable.size)
		throw new PclntabError(`there is no room for its ${nfunc} functions`, offset);
	return { layout, offset, end: offset + size, minLC: start[6] ?? 1, nfunc, funcnametab, cutab, filetab, pctab, pclntable };
}
