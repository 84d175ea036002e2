import { fileNameText } from '../../base/filename.ts';
import { type Hex, hex } from '../../base/hex.ts';

/** A part of a file as it was mapped. */
export type Mapping = {
	readonly start: bigint;
	readonly end: bigint;
	/** Where in the file it begins, in bytes. */
	readonly fileOffset: bigint;
	/** Where the file's first byte is, or would be if all of it were mapped as this part is. */
	readonly base: bigint;
	/** The file's first byte is mapped there. */
	readonly hasFirstByte: boolean;
	/** The same for all parts of a file; from 0. */
	readonly file: number;
};

export type MappedName = {
	readonly path: string;
	/** The file had been deleted, or replaced by another, when the process died. */
	readonly isDeleted: boolean;
};

/** All mappings in order of address, kept as the bytes they are: there may be hundreds of thousands. */
export type Mappings = {
	readonly count: number;
	readonly fileCount: number;
	at(index: number): Mapping;
	nameOf(index: number): MappedName;
	/** A path that no kernel writes. */
	readonly forgedPath?: string;
	/** What was left out, in words. */
	readonly problem?: string;
};

/** A place in a mapped file. */
export type Location = { readonly module: string /** From the lowest address of the module. */; readonly offset: Hex };

export const noMappings: Mappings = {
	count: 0,
	fileCount: 0,
	at: (index) => {
		throw new RangeError(`there is no mapping ${index}`);
	},
	nameOf: (index) => {
		throw new RangeError(`there is no mapping ${index}`);
	},
};

const headBytes = 16;
const entryBytes = 24;
/** As many mappings as a process may have by default (vm.max_map_count): more names than this are not remembered. */
const mostFiles = 65_536;
/** How far the parts of a file may lie apart further than in the file: alignment, and what was put between them. */
const mostGap = 1n << 30n;

/** NT_FILE: count and page size, then start, end and page offset of each, then the names, each ended by a zero. Answers what is wrong, in words, if it can't be read. */
export function readMappings(note: Buffer): Mappings | string {
	if (note.length < headBytes) return `${note.length} bytes; expected at least ${headBytes}`;
	const announced = note.readBigUInt64LE(0);
	if (announced > BigInt(note.length) / BigInt(entryBytes)) return `it announces ${announced} mappings in ${note.length} bytes`;
	const count = Number(announced);
	const names = readNames(note, count);
	if (typeof names === 'string') return names;
	const pageSize = note.readBigUInt64LE(8);
	const order = inOrderOfAddress(note, count);
	const raw = (position: number) => {
		const index = order ? (order[position] as number) : position;
		const at = headBytes + index * entryBytes;
		const start = note.readBigUInt64LE(at);
		const fileOffset = BigInt.asUintN(64, note.readBigUInt64LE(at + 16) * pageSize);
		return { start, end: note.readBigUInt64LE(at + 8), fileOffset, file: names.files[index] as number };
	};
	const bases = basesOf(count, names.fileCount, raw);
	return {
		count,
		fileCount: names.fileCount,
		at: (position) => ({ ...raw(position), base: bases.at[position] as bigint, hasFirstByte: bases.areMapped[position] === 1 }),
		nameOf: (position) => nameAt(note, names.offsets[order ? (order[position] as number) : position] as number),
		...(names.forgedPath === undefined ? {} : { forgedPath: names.forgedPath }),
		...(names.fileCount > mostFiles
			? { problem: `more than ${mostFiles} files were mapped: of the others only parts that lie side by side are taken together` }
			: {}),
	};
}

type Names = {
	/** Where each mapping's name stands. */
	readonly offsets: Uint32Array;
	readonly files: Uint32Array;
	readonly fileCount: number;
	readonly forgedPath: string | undefined;
};

function readNames(note: Buffer, count: number): Names | string {
	const offsets = new Uint32Array(count);
	const files = new Uint32Array(count);
	const known = new Map<string, number>();
	let fileCount = 0;
	let forgedPath: string | undefined;
	let last: Buffer = Buffer.alloc(0);
	for (let index = 0, at = headBytes + count * entryBytes; index < count; index++) {
		const end = note.indexOf(0, at);
		if (end < 0) return `its names end after ${index} of ${count}`;
		const bytes = note.subarray(at, end);
		offsets[index] = at;
		at = end + 1;
		if (index > 0 && bytes.equals(last)) {
			files[index] = files[index - 1] as number;
			continue;
		}
		last = bytes;
		const { path } = named(fileNameText(bytes));
		if (!isOfKernel(path)) forgedPath ??= path;
		const file = known.get(path) ?? fileCount++;
		if (known.size < mostFiles) known.set(path, file);
		files[index] = file;
	}
	return { offsets, files, fileCount, forgedPath };
}

const deletedMark = ' (deleted)';

const named = (name: string): MappedName =>
	name.endsWith(deletedMark) ? { path: name.slice(0, -deletedMark.length), isDeleted: true } : { path: name, isDeleted: false };

const nameAt = (note: Buffer, at: number) => named(fileNameText(note.subarray(at, note.indexOf(0, at))));

/**
 * Whether a path is of the kind that the kernel writes (d_path() in fs/d_path.c): absolute and without detours, `(unreachable)` before it where
 * the process could not see it, or the name of what is no file, such as `anon_inode:[io_uring]`, `socket:[8]` and `[aio]`.
 */
function isOfKernel(path: string): boolean {
	const absolute = path.replace(/^\(unreachable\)(?=\/)/, '');
	if (!absolute.startsWith('/')) return /^(?:\w+:|\[)[^/]*$/.test(path);
	return path === '/' || !/\/(?:\.{0,2}(?:\/|$))/.test(absolute);
}

/** The kernel writes them in order of address. */
function inOrderOfAddress(note: Buffer, count: number): Uint32Array | undefined {
	const start = (index: number) => note.readBigUInt64LE(headBytes + index * entryBytes);
	let isSorted = true;
	for (let index = 1; index < count && isSorted; index++) isSorted = start(index - 1) <= start(index);
	if (isSorted) return undefined;
	return Uint32Array.from({ length: count }, (_, index) => index).sort((a, b) => (start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : 0));
}

/**
 * Where the file of each mapping begins: at the nearest mapping of its first byte at or below. A file may be mapped in parts elsewhere too
 * (V8 moves a copy of its code near what it compiles): a first byte too far away is not that part's.
 */
function basesOf(count: number, fileCount: number, at: (position: number) => Omit<Mapping, 'base' | 'hasFirstByte'>) {
	const bases = { at: new BigUint64Array(count), areMapped: new Uint8Array(count) };
	const firsts = new BigUint64Array(fileCount);
	const hasFirst = new Uint8Array(fileCount);
	for (let position = 0; position < count; position++) {
		const { start, fileOffset, file } = at(position);
		if (fileOffset === 0n) {
			firsts[file] = start;
			hasFirst[file] = 1;
		}
		const first = firsts[file] as bigint;
		const gap = start - first - fileOffset;
		const isMapped = hasFirst[file] === 1 && gap >= 0n && gap <= mostGap;
		bases.at[position] = isMapped ? first : start - fileOffset;
		bases.areMapped[position] = isMapped ? 1 : 0;
	}
	return bases;
}

export function locate(mappings: Mappings, address: bigint): Location | undefined {
	let [low, high] = [0, mappings.count];
	while (low < high) {
		const middle = (low + high) >> 1;
		if (mappings.at(middle).start <= address) low = middle + 1;
		else high = middle;
	}
	if (low === 0) return undefined;
	const { end, base } = mappings.at(low - 1);
	return address < end ? { module: mappings.nameOf(low - 1).path, offset: hex(BigInt.asUintN(64, address - base)) } : undefined;
}
