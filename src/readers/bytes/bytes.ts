import type { FileHandle } from 'node:fs/promises';

export { type ForwardSource, forwardBytes } from './forward.ts';
export { type Encoding, type UnpackOptions, unpacked } from './unpacked.ts';

/** Bytes by their offset: of a file, of memory, or of a stream that is unpacked on the way. Offsets and sizes count the unpacked bytes. */
export interface ByteSource {
	/** A stream can't go back: each offset is at or behind the end of the read before. */
	readonly isForwardOnly: boolean;

	/** Up to `length` bytes from `offset`; fewer only where the bytes end. The buffer is valid until the next read. */
	read(offset: number, length: number): Promise<Buffer>;
}

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
