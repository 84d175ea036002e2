import type { FileHandle } from 'node:fs/promises';

const chunkBytes = 256 * 1024;

/**
 * A file's bytes, piece by piece. They all come in the same memory, so each is to be used before the next is asked for: V8 would let
 * tens of megabytes pile up before it collects them.
 *
 * @param from how many bytes of its beginning are left out
 */
export async function* fileChunks(file: FileHandle, signal?: AbortSignal, from = 0): AsyncGenerator<Buffer> {
	const memory = Buffer.allocUnsafeSlow(chunkBytes);
	for (let offset = from; ; ) {
		signal?.throwIfAborted();
		const { bytesRead } = await file.read(memory, 0, memory.length, offset);
		if (bytesRead === 0) return;
		offset += bytesRead;
		yield memory.subarray(0, bytesRead);
	}
}
