import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from './source.ts';

export { NoUnpackerError, PackedDataError, TrailingDataError } from './error.ts';
export { type Ending, type ForwardSource, forwardBytes } from './forward.ts';
export { gunzipped } from './gunzip.ts';
export { packingOf } from './packings.ts';
export { recentBytes } from './recent.ts';
export type { ByteSource } from './source.ts';
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
	let window = Buffer.alloc(0);
	let windowOffset = 0;
	const fill = async (offset: number, length: number) => {
		if (!Number.isSafeInteger(offset + length)) return Buffer.alloc(0); // a header's nonsense: no file is that long
		const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
		return buffer.subarray(0, bytesRead);
	};
	return {
		isForwardOnly: false,
		async read(offset, length) {
			if (length > windowSize) return fill(offset, length);
			if (offset < windowOffset || offset + length > windowOffset + window.length) {
				window = await fill(offset, windowSize);
				windowOffset = offset;
			}
			return window.subarray(offset - windowOffset, offset - windowOffset + length);
		},
	};
}

export function memoryBytes(bytes: Buffer): ByteSource {
	return { isForwardOnly: false, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}
