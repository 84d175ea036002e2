import { readFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { release } from '../../base/release.ts';
import {
	type Ending,
	type ForeignPacking,
	type ForwardSource,
	forwardBytes,
	NoUnpackerError,
	PackedDataError,
	type Packing,
	type StreamOptions,
	TrailingDataError,
	unpacked,
	unpackingEnding,
} from '../../readers/bytes/bytes.ts';
import { output, ProcessError } from '../process/process.ts';

/** The program that packs a file, and with how much work: zstd has the levels 1 to 19, gzip 1 to 9. */
export type Compression =
	| { readonly is: 'zstd'; readonly level: number; readonly threads: number }
	| { readonly is: 'gzip'; readonly level: number };

/** A file's content, packed by a program of its own, so that this process only passes it on. */
export function packed(file: FileHandle, compression: Compression, signal: AbortSignal): AsyncIterable<Uint8Array> {
	return passing(output(compression.is, packing(compression), file.fd, signal));
}

/**
 * At every level it sees no further back than at the first, and has tables that are as small: else four threads take 400 MiB at level 15, for 4 % less of
 * a core; so 45 MiB at any level. The levels' own sizes: ZSTD_defaultCParameters in lib/compress/clevels.h of zstd.
 */
const smallWindow = '--zstd=windowLog=19,hashLog=19,chainLog=19';

function packing(compression: Compression): readonly string[] {
	const level = `-${compression.level}`;
	switch (compression.is) {
		case 'zstd':
			// The checksum guards what is unpacked later.
			return ['-q', '-c', level, `-T${compression.threads}`, '--check', ...(compression.level > 1 ? [smallWindow] : [])];
		case 'gzip':
			return ['-c', level];
		default:
			return compression satisfies never;
	}
}

/** Each piece may be used until the next is asked for; then its memory is given back. */
async function* passing(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
	for await (const chunk of chunks) {
		yield chunk;
		release(chunk);
	}
}

type Unpacker = { readonly arguments: readonly string[]; readonly debianPackage: string };

/** The program of the same name unpacks; each reads its standard input from where the file's position is: the start. */
const unpackers: Readonly<Record<Exclude<Packing, 'apport'>, Unpacker>> = {
	zstd: { arguments: ['-d', '-c', '-q'], debianPackage: 'zstd' },
	gzip: { arguments: ['-d', '-c'], debianPackage: 'gzip' },
	lz4: { arguments: ['-d', '-c', '-q'], debianPackage: 'lz4' },
	// `xz -9` needs 65 MiB; what asks for more than this is no core that somebody packed.
	xz: { arguments: ['-d', '-c', '-q', '-T1', '--memlimit-decompress=256MiB'], debianPackage: 'xz-utils' },
};

/** What Node can't unpack, or not well, by the program that can. The file's position must be at its start. */
export const unpackForeign = (file: FileHandle, packing: ForeignPacking, options: StreamOptions) =>
	unpackedByProgram(file, packing, options);

/**
 * What xz packed, unpacked in memory. The program is ended where it unpacks to more than that.
 *
 * @throws {PackedDataError} damaged, cut off, or too long
 * @throws {NoUnpackerError} the program is not installed
 */
export async function unpackXz(packed: Buffer, mostBytes: number): Promise<Buffer> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of programUnpacks('xz', packed, new AbortController().signal)) {
		size += chunk.length;
		if (size > mostBytes) throw new PackedDataError(`is longer than ${mostBytes} bytes when it is unpacked`);
		chunks.push(Buffer.from(chunk));
	}
	return Buffer.concat(chunks, size);
}

/** The unpacked bytes of a file; throws as {@link programUnpacks} does. */
async function* unpackedByProgram(
	file: FileHandle,
	packing: keyof typeof unpackers,
	{ signal, onRead }: StreamOptions,
): AsyncGenerator<Uint8Array> {
	for await (const chunk of programUnpacks(packing, file.fd, signal)) {
		onRead?.(positionOf(file));
		yield chunk;
	}
}

/**
 * Unpacked bytes, as the program that packs such files writes them. It is ended when nobody reads on.
 *
 * @param packed descriptor of an open file, or the bytes
 * @throws {PackedDataError} damaged, or cut off
 * @throws {TrailingDataError} at the end of what is whole
 * @throws {NoUnpackerError} the program is not installed
 */
async function* programUnpacks(
	packing: keyof typeof unpackers,
	packed: number | Uint8Array,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	const { arguments: args, debianPackage } = unpackers[packing];
	try {
		yield* passing(output(packing, args, packed, signal));
	} catch (cause) {
		if (!(cause instanceof ProcessError)) throw cause;
		if (cause.isMissing)
			throw new NoUnpackerError(`${packing} is not installed, which unpacks it; as root: apt-get install ${debianPackage}`, {
				cause,
			});
		throw dataError(packing, cause);
	}
}

function dataError(packing: Packing, cause: ProcessError): Error {
	if (hasTrailing.test(cause.message)) return new TrailingDataError(packing, { cause });
	if (isCutOff.test(cause.message)) return new PackedDataError(`the ${packing} data ends in the middle`, { cause });
	return new PackedDataError(`the ${packing} data is damaged: ${cause.message}`, { cause });
}

/** What the programs say of a file that ends too early: lz4 (frames, then the legacy format), xz, zstd, gzip. */
const isCutOff = /Unfinished stream|Read error : cannot access|Unexpected end of input|premature end|unexpected end of file/;

/** What gzip (its exit code 2 is a warning) and zstd say of what stands behind their data. */
const hasTrailing = /trailing garbage ignored|unsupported format/;

/** How far the program has read: it shares the file's position. */
function positionOf(file: FileHandle): number {
	return Number(/^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${file.fd}`, 'latin1'))?.[1] ?? 0);
}

/** Why a file was not unpacked whole, in words. */
export class UnpackError extends Error {
	override readonly name = 'UnpackError';
}

const pageSize = 4096;
const zeros = Buffer.alloc(pageSize);

export type Unpacked = { readonly sizeBytes: number /** What was wrong at the data's end. */; readonly ending: Ending | undefined };

export type UnpackLimits = {
	/** How much room there is for data; holes take none. */
	readonly maxBytes: number;
	/** What comes behind so many bytes, holes included, is left out. */
	readonly mostBytes: number;
	readonly signal: AbortSignal;
};

/**
 * Unpacks a file into another, with holes where there are only zeros, as the kernel wrote the core. A program does the unpacking where
 * there is one: it is three times as fast as this process would be.
 *
 * @param onWritten told the size so far, holes included
 * @throws {UnpackError} there is more data than there is room for
 * @throws {NoUnpackerError} the program is not installed
 */
export async function unpackSparsely(
	from: FileHandle,
	packing: Packing,
	to: FileHandle,
	{ maxBytes, mostBytes, signal }: UnpackLimits,
	onWritten?: (bytes: number) => void,
): Promise<Unpacked> {
	await using source = unpackedQuickly(from, packing, signal);
	let written = 0;
	for (;;) {
		const offset = source.position;
		const block = await source.read(offset, Math.min(256 * pageSize, mostBytes - offset));
		if (block.length === 0) break;
		for (const [start, end] of runsOfData(block)) {
			written += end - start;
			if (written > maxBytes) throw new UnpackError(`it unpacks to more than the ${maxBytes} bytes that there is room for`);
			await to.write(block, start, end - start, offset + start);
		}
		onWritten?.(source.position);
	}
	await to.truncate(source.position);
	return { sizeBytes: source.position, ending: source.ending };
}

function unpackedQuickly(file: FileHandle, packing: Packing, signal: AbortSignal): ForwardSource & AsyncDisposable {
	if (packing === 'apport') return unpacked(file, packing, { signal });
	const chunks = unpackedByProgram(file, packing, { signal });
	const source = forwardBytes(chunks, (error) => unpackingEnding(error, packing));
	return Object.assign(source, {
		[Symbol.asyncDispose]: async () => {
			await chunks.return(undefined);
		},
	});
}

/** The stretches of whole pages that are not all zeros. */
export function* runsOfData(block: Buffer): Generator<readonly [start: number, end: number]> {
	let start = -1;
	for (let at = 0; at < block.length; at += pageSize) {
		const page = block.subarray(at, at + pageSize);
		const isZero = page.equals(zeros.subarray(0, page.length));
		if (!isZero && start < 0) start = at;
		if (isZero && start >= 0) {
			yield [start, at];
			start = -1;
		}
	}
	if (start >= 0) yield [start, block.length];
}
