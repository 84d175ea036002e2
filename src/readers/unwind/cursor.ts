import { UnwindError } from './error.ts';

/** Reads numbers one after the other. Each read throws {@link UnwindError} where the bytes end within it. */
export type Cursor = {
	/** Linked address of the next byte. */
	readonly address: bigint;
	readonly isAtEnd: boolean;
	/** How many bytes are left. */
	readonly remaining: number;
	unsigned(size: 1 | 2 | 4 | 8): bigint;
	signed(size: 1 | 2 | 4 | 8): bigint;
	/** Unsigned LEB128, of at most 64 bits. */
	uleb(): bigint;
	/** Signed LEB128, of at most 64 bits. */
	sleb(): bigint;
	/** An unsigned LEB128 that counts something: a register, a length. At most `most`. */
	count(what: string, most: number): number;
	/** What is returned shares the memory. */
	bytes(length: number): Buffer;
	/** Up to a zero byte, which is passed. */
	text(): string;
	/** From where the cursor began. */
	readonly offset: number;
	/** Throws {@link UnwindError} for an offset that is not there. */
	moveTo(offset: number): void;
};

/** @param start linked address of the first byte */
export function cursorOver(bytes: Buffer, start: bigint): Cursor {
	let offset = 0;

	function advance(length: number): number {
		if (length > bytes.length - offset) throw new UnwindError(`ends before ${length} more bytes that belong to it`, start + BigInt(offset));
		offset += length;
		return offset - length;
	}

	/** DWARF 5, section 7.6. */
	function leb(): { readonly value: bigint; readonly bits: number } {
		const first = offset;
		let value = 0n;
		// Ten groups of seven bits hold 64.
		for (let bits = 0; bits < 70; bits += 7) {
			const byte = bytes[advance(1)] as number;
			value |= BigInt(byte & 0x7f) << BigInt(bits);
			if (byte < 0x80) return { value, bits: bits + 7 };
		}
		throw new UnwindError('a LEB128 number has more than 10 bytes', start + BigInt(first));
	}

	const cursor: Cursor = {
		get address() {
			return start + BigInt(offset);
		},
		get offset() {
			return offset;
		},
		get isAtEnd() {
			return offset === bytes.length;
		},
		get remaining() {
			return bytes.length - offset;
		},
		unsigned(size) {
			const at = advance(size);
			return size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUIntLE(at, size));
		},
		signed(size) {
			const at = advance(size);
			return size === 8 ? bytes.readBigInt64LE(at) : BigInt(bytes.readIntLE(at, size));
		},
		uleb: () => BigInt.asUintN(64, leb().value),
		sleb() {
			const { value, bits } = leb();
			return BigInt.asIntN(Math.min(bits, 64), value);
		},
		count(what, most) {
			const at = cursor.address;
			const value = cursor.uleb();
			if (value > BigInt(most)) throw new UnwindError(`${what} is ${value}; expected at most ${most}`, at);
			return Number(value);
		},
		bytes(length) {
			const at = advance(length);
			return bytes.subarray(at, at + length);
		},
		text() {
			const end = bytes.indexOf(0, offset);
			if (end < 0) throw new UnwindError('a text has no end', cursor.address);
			return bytes.toString('latin1', advance(end + 1 - offset), end);
		},
		moveTo(target) {
			if (target < 0 || target > bytes.length)
				throw new UnwindError(`leads to byte ${target}; expected 0 to ${bytes.length}`, cursor.address);
			offset = target;
		},
	};
	return cursor;
}
