import { fileNameText } from '../../base/filename.ts';
import { type Hex, hex } from '../../base/hex.ts';

/** A part of a file as it was mapped. */
export type Mapping = {
	readonly start: bigint;
	readonly end: bigint;
	/** Where in the file it begins, in bytes. */
	readonly fileOffset: bigint;
	readonly path: string;
	/** The file had been deleted, or replaced by another, when the process died. */
	readonly isDeleted: boolean;
};

/** A place in a mapped file. */
export type Location = { readonly module: string /** From the lowest address of the module. */; readonly offset: Hex };

const deletedMark = ' (deleted)';

/** NT_FILE: count and page size, then start, end and page offset of each, then the names, each ended by a zero. Answers what is wrong, in words, if it can't be read. */
export function readMappings(note: Buffer): Mapping[] | string {
	if (note.length < 16) return `${note.length} bytes; expected at least 16`;
	const [count, pageSize] = [note.readBigUInt64LE(0), note.readBigUInt64LE(8)];
	if (count > BigInt(note.length) / 24n) return `it announces ${count} mappings in ${note.length} bytes`;
	const mappings: Mapping[] = [];
	let nameAt = 16 + Number(count) * 24;
	let last: { bytes: Buffer; path: string; isDeleted: boolean } = { bytes: Buffer.alloc(0), path: '', isDeleted: false };
	for (let index = 0; index < Number(count); index++) {
		const at = 16 + index * 24;
		const nameEnd = note.indexOf(0, nameAt);
		if (nameEnd < 0) return `its names end after ${index} of ${count}`;
		const bytes = note.subarray(nameAt, nameEnd);
		if (!bytes.equals(last.bytes)) last = { bytes, ...named(fileNameText(bytes)) };
		nameAt = nameEnd + 1;
		mappings.push({
			start: note.readBigUInt64LE(at),
			end: note.readBigUInt64LE(at + 8),
			fileOffset: note.readBigUInt64LE(at + 16) * pageSize,
			path: last.path,
			isDeleted: last.isDeleted,
		});
	}
	return mappings.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

const named = (name: string) =>
	name.endsWith(deletedMark) ? { path: name.slice(0, -deletedMark.length), isDeleted: true } : { path: name, isDeleted: false };

/** Finds an address among sorted mappings. */
export function mappingAt(mappings: readonly Mapping[], address: bigint): Mapping | undefined {
	let [low, high] = [0, mappings.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((mappings[middle] as Mapping).start <= address) low = middle + 1;
		else high = middle;
	}
	const mapping = mappings[low - 1];
	return mapping && address < mapping.end ? mapping : undefined;
}

/** Where the file that is mapped here begins: the nearest mapping of its first byte at or below. */
export function moduleBase(mappings: readonly Mapping[], mapping: Mapping): bigint {
	for (let index = mappings.indexOf(mapping); index >= 0; index--) {
		const candidate = mappings[index] as Mapping;
		if (candidate.path === mapping.path && candidate.fileOffset === 0n) return candidate.start;
	}
	return mapping.start - mapping.fileOffset;
}

export function locate(mappings: readonly Mapping[], address: bigint): Location | undefined {
	const mapping = mappingAt(mappings, address);
	return mapping && { module: mapping.path, offset: hex(address - moduleBase(mappings, mapping)) };
}
