import type { FileHandle } from 'node:fs/promises';
import { addAbortSignal, pipeline } from 'node:stream';
import { createUnzip, createZstdDecompress } from 'node:zlib';
import { codeOf, messageOf } from '../../base/errors.ts';
import { coreInReport } from './apport.ts';
import { NoUnpackerError, PackedDataError, TrailingDataError } from './error.ts';
import { type Ending, type ForwardSource, forwardBytes } from './forward.ts';

/** How a packed core is packed; `apport`: a field of one of its reports. */
export type Packing = 'zstd' | 'gzip' | 'lz4' | 'xz' | 'apport';

/** How a file's bytes are packed. */
export type Encoding = 'raw' | Packing;

/** What a program can unpack; all but zstd only a program. */
export type ForeignPacking = 'zstd' | 'gzip' | 'lz4' | 'xz';

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
	/** Of a core that is read to its end: zstd data by the program too, which is three times as fast. */
	readonly isByProgram?: boolean | undefined;
};

/**
 * The unpacked bytes of a packed file, as a stream that is read no further than it is asked for.
 *
 * @throws {NoUnpackerError} also while reading
 */
export function unpacked(
	file: FileHandle,
	packing: Packing,
	{ signal, deadline, onRead, unpackForeign, isByProgram }: UnpackOptions,
): ForwardSource & AsyncDisposable {
	const either = AbortSignal.any([signal, deadline].filter((one) => one !== undefined));
	const stream = streamOf(file, packing, { signal: either, onRead }, { unpackForeign, isByProgram });
	const describe = (error: unknown) =>
		deadline?.aborted ? { isDamaged: true, words: 'there was no time to read on' } : unpackingEnding(error, packing);
	return Object.assign(forwardBytes(stream.chunks, describe), { [Symbol.asyncDispose]: stream.close });
}

type Stream = { readonly chunks: AsyncIterator<Uint8Array>; close(): Promise<void> };

type Programs = Pick<UnpackOptions, 'unpackForeign' | 'isByProgram'>;

function streamOf(file: FileHandle, packing: Packing, options: StreamOptions, { unpackForeign, isByProgram }: Programs): Stream {
	switch (packing) {
		case 'zstd':
			return isByProgram && unpackForeign ? ofProgram(unpackForeign(file, packing, options)) : zstdUnpacked(file, options);
		case 'apport':
			return unpackedHere(coreInReport(packedChunks(file, options.onRead)), createUnzip({ chunkSize }), options.signal);
		// Node loses the end of gzip data that something stands behind.
		case 'gzip':
		case 'lz4':
		case 'xz': {
			if (!unpackForeign) throw new NoUnpackerError(`is packed with ${packing}, which is not unpacked here: unpack it first`);
			return ofProgram(unpackForeign(file, packing, options));
		}
		default:
			return packing satisfies never;
	}
}

const ofProgram = (chunks: AsyncIterator<Uint8Array>): Stream => ({
	chunks,
	close: async () => {
		await chunks.return?.();
	},
});

/** Of larger ones V8 lets some 60 MB pile up before it collects them. */
const chunkSize = 32 * 1024;

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

/** Node leaves what stands behind the data unread, and says nothing. */
function zstdUnpacked(file: FileHandle, { signal, onRead }: StreamOptions): Stream {
	const unpacker = createZstdDecompress({ chunkSize });
	const { chunks, close } = unpackedHere(packedChunks(file, onRead), unpacker, signal);
	async function* checked() {
		for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
		if (unpacker.bytesWritten < (await file.stat()).size) throw new TrailingDataError('zstd');
	}
	return { chunks: checked(), close };
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

/** What an error of an unpacker says of the data; undefined for any other error. */
export function unpackingEnding(error: unknown, packing: Packing): Ending | undefined {
	if (error instanceof TrailingDataError) return { isDamaged: false, words: error.message };
	if (error instanceof PackedDataError) return { isDamaged: true, words: error.message };
	const code = codeOf(error) ?? '';
	if (code === 'Z_BUF_ERROR') return { isDamaged: true, words: `the ${packing} data ends in the middle` };
	if (!code.startsWith('Z_') && !code.startsWith('ZSTD_')) return undefined;
	return { isDamaged: true, words: unsupported[code] ?? `the ${packing} data is damaged: ${messageOf(error)}` };
}

const unsupported: Readonly<Record<string, string>> = {
	ZSTD_error_frameParameter_windowTooLarge: 'the zstd data needs more memory than 128 MiB (its window is too large): unpack it first',
	ZSTD_error_dictionary_wrong: 'the zstd data needs a dictionary: unpack it first',
};
