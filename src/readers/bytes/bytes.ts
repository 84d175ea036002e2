import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './source.ts';

export { NoUnpackerError, PackedDataError, TrailingDataError } from './error.ts';
export { type Ending, type ForwardSource, forwardBytes } from './forward.ts';
export { gunzipped } from './gunzip.ts';
export { packingOf } from './packings.ts';
export { recentBytes } from './recent.ts';
export type { ByteSource } from './source.ts';
export { type Tap, tapped } from './tapped.ts';
export {
	type Encoding,
	type ForeignPacking,
	type Packing,
	type StreamOptions,
	type UnpackForeign,
	type UnpackOptions,
	unpacked,
	unpackingEnding,
} from './unpacked.ts';

/** Small reads near each other cost one system call. */
const windowSize = 64 * 1024;

export function fileBytes(file: FileHandle): ByteSource {
	let memory: Buffer | undefined;
	let window: Buffer = Buffer.alloc(0);
	let windowOffset = 0;
	const fill = async (offset: number, into: Buffer) => {
		if (!Number.isSafeInteger(offset + into.length)) return Buffer.alloc(0); // a header's nonsense: no file is that long
		const { bytesRead } = await file.read(into, 0, into.length, offset);
		return into.subarray(0, bytesRead);
	};
	return {
		isForwardOnly: false,
		async read(offset, length) {
			if (length > windowSize) return fill(offset, Buffer.allocUnsafe(length));
			if (offset < windowOffset || offset + length > windowOffset + window.length) {
				// Always the same memory: a thousand pieces would lie about until they are collected.
				memory ??= Buffer.allocUnsafeSlow(windowSize);
				window = memory.subarray(0, 0); // a read that fails leaves anything in it
				window = await fill(offset, memory);
				windowOffset = offset;
			}
			return window.subarray(offset - windowOffset, offset - windowOffset + length);
		},
	};
}

export function memoryBytes(bytes: Buffer): ByteSource {
	return { isForwardOnly: false, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}
