import type { FileHandle } from 'node:fs/promises';
import { addAbortSignal, pipeline } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { type ForwardSource, forwardBytes } from './forward.ts';

/** How a file's bytes are packed. */
export type Encoding = 'raw' | 'zstd' | 'gzip';

export type UnpackOptions = {
	readonly signal?: AbortSignal | undefined;
	/** At this one the stream ends as if it were cut off there. */
	readonly deadline?: AbortSignal | undefined;
	/** Told how many bytes of the compressed file have been read. */
	readonly onRead?: ((compressedBytes: number) => void) | undefined;
};

/** The unpacked bytes of a compressed file, as a stream that is read no further than it is asked for. */
export function unpacked(
	file: FileHandle,
	encoding: Exclude<Encoding, 'raw'>,
	{ signal, deadline, onRead }: UnpackOptions,
): ForwardSource & AsyncDisposable {
	const unpacker = encoding === 'zstd' ? createZstdDecompress({ chunkSize: 256 * 1024 }) : createGunzip({ chunkSize: 256 * 1024 });
	addAbortSignal(AbortSignal.any([signal, deadline].filter((one) => one !== undefined)), unpacker);
	const closed = Promise.withResolvers<void>();
	pipeline(packedChunks(file, onRead), unpacker, () => closed.resolve()); // an error comes to the reader through the iterator
	const describe = (error: unknown) => (deadline?.aborted ? 'there was no time to read on' : describeDamage(error, encoding));
	return Object.assign(forwardBytes(unpacker[Symbol.asyncIterator](), describe), {
		[Symbol.asyncDispose]: () => {
			unpacker.destroy();
			return closed.promise;
		},
	});
}

async function* packedChunks(file: FileHandle, onRead: UnpackOptions['onRead']): AsyncGenerator<Buffer> {
	for (let offset = 0; ; ) {
		const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(128 * 1024), 0, 128 * 1024, offset);
		if (bytesRead === 0) return;
		offset += bytesRead;
		onRead?.(offset);
		yield buffer.subarray(0, bytesRead);
	}
}

function describeDamage(error: unknown, encoding: Encoding): string | undefined {
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	if (code === 'Z_BUF_ERROR') return `the ${encoding} data ends in the middle`;
	if (code.startsWith('Z_') || code.startsWith('ZSTD_')) return `the ${encoding} data is damaged: ${(error as Error).message}`;
	return undefined;
}
