import type { FileHandle } from 'node:fs/promises';
import { addAbortSignal, pipeline } from 'node:stream';
import { createUnzip, createZstdDecompress } from 'node:zlib';
import { codeOf, messageOf } from '../../base/errors.ts';
import { coreInReport } from './apport.ts';
import { NoUnpackerError, PackedDataError } from './error.ts';
import { type ForwardSource, forwardBytes } from './forward.ts';

/** How a packed core is packed; `apport`: a field of one of its reports. */
export type Packing = 'zstd' | 'gzip' | 'lz4' | 'xz' | 'apport';

/** How a file's bytes are packed. */
export type Encoding = 'raw' | Packing;

/** What only a program can unpack. */
export type ForeignPacking = 'lz4' | 'xz';

export type StreamOptions = {
	/** Ends the stream by throwing. */
	readonly signal: AbortSignal;
	/** Told how many bytes of the packed file have been read. */
	readonly onRead?: ((packedBytes: number) => void) | undefined;
};

/**
 * Unpacks what Node can't: given from above, since readers start no programs. What it unpacks it gives no further than it is asked for,
 * and it ends its program with the iteration.
 *
 * @throws {PackedDataError | NoUnpackerError} while iterating
 */
export type UnpackForeign = (file: FileHandle, packing: ForeignPacking, options: StreamOptions) => AsyncIterator<Uint8Array>;

export type UnpackOptions = {
	readonly signal?: AbortSignal | undefined;
	/** At this one the stream ends as if it were cut off there. */
	readonly deadline?: AbortSignal | undefined;
	readonly onRead?: StreamOptions['onRead'];
	readonly unpackForeign?: UnpackForeign | undefined;
};

/**
 * The unpacked bytes of a packed file, as a stream that is read no further than it is asked for.
 *
 * @throws {NoUnpackerError} also while reading
 */
export function unpacked(
	file: FileHandle,
	packing: Packing,
	{ signal, deadline, onRead, unpackForeign }: UnpackOptions,
): ForwardSource & AsyncDisposable {
	const either = AbortSignal.any([signal, deadline].filter((one) => one !== undefined));
	const stream = streamOf(file, packing, { signal: either, onRead }, unpackForeign);
	const describe = (error: unknown) => (deadline?.aborted ? 'there was no time to read on' : describeDamage(error, packing));
	return Object.assign(forwardBytes(stream.chunks, describe), { [Symbol.asyncDispose]: stream.close });
}

type Stream = { readonly chunks: AsyncIterator<Uint8Array>; close(): Promise<void> };

function streamOf(file: FileHandle, packing: Packing, options: StreamOptions, unpackForeign: UnpackForeign | undefined): Stream {
	switch (packing) {
		case 'zstd':
			return unpackedHere(packedChunks(file, options.onRead), createZstdDecompress({ chunkSize }), options.signal);
		case 'gzip':
			return unpackedHere(packedChunks(file, options.onRead), createUnzip({ chunkSize }), options.signal);
		case 'apport':
			return unpackedHere(coreInReport(packedChunks(file, options.onRead)), createUnzip({ chunkSize }), options.signal);
		case 'lz4':
		case 'xz': {
			if (!unpackForeign) throw new NoUnpackerError(`is packed with ${packing}, which is not unpacked here: unpack it first`);
			const chunks = unpackForeign(file, packing, options);
			return {
				chunks,
				close: async () => {
					await chunks.return?.();
				},
			};
		}
		default:
			return packing satisfies never;
	}
}

const chunkSize = 256 * 1024;

function unpackedHere(packed: AsyncIterable<Buffer>, unpacker: ReturnType<typeof createUnzip>, signal: AbortSignal): Stream {
	addAbortSignal(signal, unpacker);
	const closed = Promise.withResolvers<void>();
	pipeline(packed, unpacker, () => closed.resolve()); // an error comes to the reader through the iterator
	return {
		chunks: unpacker[Symbol.asyncIterator](),
		close: () => {
			unpacker.destroy();
			return closed.promise;
		},
	};
}

/** A file's bytes from its start, whatever the file's own position is. */
async function* packedChunks(file: FileHandle, onRead?: StreamOptions['onRead']): AsyncGenerator<Buffer> {
	for (let offset = 0; ; ) {
		const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(128 * 1024), 0, 128 * 1024, offset);
		if (bytesRead === 0) return;
		offset += bytesRead;
		onRead?.(offset);
		yield buffer.subarray(0, bytesRead);
	}
}

function describeDamage(error: unknown, packing: Packing): string | undefined {
	if (error instanceof PackedDataError) return error.message;
	const code = codeOf(error) ?? '';
	if (code === 'Z_BUF_ERROR') return `the ${packing} data ends in the middle`;
	if (code.startsWith('Z_') || code.startsWith('ZSTD_')) return `the ${packing} data is damaged: ${messageOf(error)}`;
	return undefined;
}
