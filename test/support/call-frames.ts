/** Call frame information by hand. The code that it describes begins at {@link codeStart}. */

export const codeStart = 0x10_0000n;

export function uleb(value: bigint | number): number[] {
	const bytes: number[] = [];
	for (let rest = BigInt(value); ; rest >>= 7n) {
		if (rest < 0x80n) return [...bytes, Number(rest)];
		bytes.push(Number(rest & 0x7fn) | 0x80);
	}
}

export function sleb(value: bigint | number): number[] {
	const bytes: number[] = [];
	for (let rest = BigInt(value); ; rest >>= 7n) {
		if (rest >= -0x40n && rest < 0x40n) return [...bytes, Number(rest & 0x7fn)];
		bytes.push(Number(rest & 0x7fn) | 0x80);
	}
}

/** As many bytes as are needed, the lowest first. */
export const number = (value: bigint | number, size: number): number[] =>
	Array.from({ length: size }, (_, index) => Number((BigInt.asUintN(64, BigInt(value)) >> BigInt(8 * index)) & 0xffn));

const entry = (id: number, content: readonly number[]): number[] => {
	const padded = [...content, ...Array.from({ length: -content.length & 3 }, () => 0)];
	return [...number(padded.length + 4, 4), ...number(id, 4), ...padded];
};

type Common = { version?: number; augmentation?: string; data?: readonly number[]; program?: readonly number[]; returnAddress?: number };

/** The CFA is rsp+8 at first, and the return address at CFA-8, unless the program says otherwise. Addresses are absolute. */
export function cie({
	version = 1,
	augmentation = 'zR',
	data = [0],
	program = [0x0c, 7, 8, 0x90, 1],
	returnAddress = 16,
}: Common = {}): number[] {
	const sizes = version === 4 ? [8, 0] : [];
	const ofAugmentation = augmentation.startsWith('z') ? [...uleb(data.length), ...data] : data;
	return entry(0, [version, ...Buffer.from(augmentation), 0, ...sizes, 1, ...sleb(-8), returnAddress, ...ofAugmentation, ...program]);
}

/** @param before how many bytes stand between the start of its CIE and its own */
export function fde(before: number, program: readonly number[], { start = codeStart, length = 0x1000 } = {}): number[] {
	return entry(before + 4, [...number(start, 8), ...number(length, 8), 0, ...program]);
}

export const endOfFrames = number(0, 4);

type Pair = { readonly start: bigint; readonly at: number };

/**
 * An ELF file whose only segment is all of it, at address 0, with these entries.
 *
 * @param pairs of a table in `.eh_frame_hdr`: `at` counts from the start of the entries
 */
export function moduleWith(
	entries: readonly number[],
	{ machine = 62, pairs, count }: { machine?: number; pairs?: readonly Pair[]; count?: number } = {},
): Buffer {
	const headerAt = 64 + 2 * 56;
	const headerSize = 12 + 8 * (pairs?.length ?? 0);
	const framesAt = headerAt + headerSize;
	const table = (pairs ?? []).flatMap(({ start, at }) => [...number(start - BigInt(headerAt), 4), ...number(framesAt + at - headerAt, 4)]);
	const header = [
		1,
		0x03,
		pairs ? 0x03 : 0xff,
		pairs ? 0x3b : 0xff,
		...number(framesAt, 4),
		...number(count ?? pairs?.length ?? 0, 4),
		...table,
	];
	const file = Buffer.alloc(framesAt + entries.length);
	Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file);
	file.writeUInt16LE(machine, 18);
	file.writeBigUInt64LE(64n, 32);
	file.writeUInt16LE(56, 54);
	file.writeUInt16LE(2, 56);
	segment(1, 64, 0, file.length);
	segment(0x6474e550, 64 + 56, headerAt, headerSize);
	Buffer.from(header).copy(file, headerAt);
	Buffer.from(entries).copy(file, framesAt);
	return file;

	function segment(type: number, at: number, offset: number, size: number): void {
		file.writeUInt32LE(type, at);
		file.writeBigUInt64LE(BigInt(offset), at + 8);
		file.writeBigUInt64LE(BigInt(offset), at + 16);
		file.writeBigUInt64LE(BigInt(size), at + 32);
		file.writeBigUInt64LE(BigInt(size), at + 40);
	}
}
