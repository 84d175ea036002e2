import type { FileHandle } from 'node:fs/promises';
import { forwardBytes } from '../../readers/bytes/bytes.ts';
import { output, ProcessError } from '../process/process.ts';

/** How a file is packed, and the program that does it. */
export type Compression = 'zstd' | 'gzip';

const packing: Readonly<Record<Compression, readonly string[]>> = {
	// One thread and level 1: a core is written once and seldom read. Its checksum guards what is unpacked later.
	zstd: ['-q', '-c', '-1', '--check'],
	gzip: ['-c', '-1'],
};

/** A file's content, packed by a program of its own, so that this process only passes it on. */
export function packed(file: FileHandle, compression: Compression, signal: AbortSignal): AsyncIterable<Uint8Array> {
	return output(compression, packing[compression], file.fd, signal);
}

/** Why a file was not unpacked whole, in words. */
export class UnpackError extends Error {
	override readonly name = 'UnpackError';
}

const pageSize = 4096;
const zeros = Buffer.alloc(pageSize);

export type Unpacked = { readonly sizeBytes: number /** What ended the data too early, in words. */; readonly damage: string | undefined };

export type UnpackLimits = {
	/** How much room there is for data; holes take none. */
	readonly maxBytes: number;
	/** What comes behind so many bytes, holes included, is left out. */
	readonly mostBytes: number;
	readonly signal: AbortSignal;
};

/**
 * Unpacks a file into another, with holes where there are only zeros, as the kernel wrote the core. A program does the unpacking:
 * it is three times as fast as this process would be.
 *
 * @param onWritten told the size so far, holes included
 * @throws {UnpackError} there is more data than there is room for
 */
export async function unpackSparsely(
	from: FileHandle,
	encoding: Compression,
	to: FileHandle,
	{ maxBytes, mostBytes, signal }: UnpackLimits,
	onWritten?: (bytes: number) => void,
): Promise<Unpacked> {
	const chunks = output(encoding, ['-d', '-c', '-q'], from.fd, signal);
	const source = forwardBytes(chunks, (error) =>
		error instanceof ProcessError ? `the core can't be unpacked to its end: ${error.message}` : undefined,
	);
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
	await chunks.return(undefined);
	await to.truncate(source.position);
	return { sizeBytes: source.position, damage: source.damage };
}

/** The stretches of whole pages that are not all zeros. */
function* runsOfData(block: Buffer): Generator<readonly [start: number, end: number]> {
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
