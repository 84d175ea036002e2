import { access, constants, mkdtemp, open, readdir, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';
import { makeFolder } from '../../base/folder.ts';
import { processStart } from '../../base/process-start.ts';
import { formatBytes } from '../../base/quantity.ts';
import type { Core } from '../../domain/report.ts';
import { UnpackError, type Unpacked, unpackForeign, unpackSparsely } from '../../drivers/compression/compression.ts';
import { NoUnpackerError, readHead, trailerBytes } from '../../readers/corefile/corefile.ts';

export type Packed = Core & { readonly encoding: Exclude<Core['encoding'], 'raw'> };

export type UnpackOptions = {
	/** How much room there is for the core's data. */
	readonly maxBytes: number;
	/** The size that the core's headers announce; a little may follow. */
	readonly expectedBytes: number;
	readonly timeLimitMs: number;
	readonly signal?: AbortSignal | undefined;
	readonly onProgress?: ((share: number) => void) | undefined;
};

/** `analysis-{pid}-{start}-{random}`: whose it is. */
const ownedName = /^analysis-(\d+)-(\d+)-/;
/** What must stay free on the disk of the scratch folder. */
const floorBytes = 256 << 20;

/** There is no room to work in, for a reason in words. */
export class ScratchError extends Error {
	override readonly name = 'ScratchError';
}

/**
 * A folder for one analysis, gone with all in it at the end of the block.
 *
 * @throws {ScratchError}
 */
export async function scratchFolder(parent: string): Promise<AsyncDisposable & { readonly path: string }> {
	await checkScratch(parent);
	const path = await mkdtemp(join(parent, `analysis-${process.pid}-${await processStart(process.pid)}-`)).catch((cause) =>
		unusable(parent, cause),
	);
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Makes the place for such folders, if need be. @throws {ScratchError} */
export async function checkScratch(parent: string): Promise<void> {
	try {
		await makeFolder(parent);
		await access(parent, constants.W_OK | constants.X_OK);
	} catch (cause) {
		unusable(parent, cause);
	}
}

function unusable(parent: string, cause: unknown): never {
	throw new ScratchError(`${parent} can't be used: ${messageOf(cause)}`, { cause });
}

/** Removes what processes left that are no more. */
export async function sweepScratch(parent: string): Promise<void> {
	const names = await readdir(parent).catch(() => []); // not there yet, or not to be used: the check tells
	for (const name of names) {
		const [, pid, start] = ownedName.exec(name) ?? [];
		const isLeft = pid !== undefined && (await processStart(Number(pid))) !== start;
		if (isLeft) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {}); // not ours: it only takes room
	}
}

export type Unpacking =
	| { readonly is: 'unpacked'; readonly path: string; readonly ending: Unpacked['ending'] }
	| { readonly is: 'not unpacked'; readonly reason: string }
	| { readonly is: 'no time'; readonly reason: string };

/** Unpacks a compressed core into a folder, if there is room for it. */
export async function unpackCore(core: Packed, folder: string, options: UnpackOptions): Promise<Unpacking> {
	const { expectedBytes, timeLimitMs, onProgress } = options;
	const { bavail, bsize } = await statfs(folder);
	const maxBytes = Math.min(options.maxBytes, bavail * bsize - floorBytes);
	const noRoom: Unpacking = {
		is: 'not unpacked',
		reason: `there is room for only ${formatBytes(Math.max(0, maxBytes))} of it in ${dirname(folder)} (analyzer.scratchPath, scratchSize)`,
	};
	// What is not zeros does not get smaller by unpacking.
	if (core.sizeBytes > maxBytes) return noRoom;
	const path = join(folder, 'core.unpacked');
	const deadline = AbortSignal.timeout(timeLimitMs);
	const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
	await using from = await open(systemPath(core.path));
	await using to = await open(path, 'wx', 0o600);
	try {
		const limits = { maxBytes, mostBytes: expectedBytes + trailerBytes, signal };
		const { ending, sizeBytes } = await unpackSparsely(from, core.encoding, to, limits, (bytes) => onProgress?.(bytes / expectedBytes));
		return ending?.isDamaged && sizeBytes === 0 ? { is: 'not unpacked', reason: ending.words } : { is: 'unpacked', path, ending };
	} catch (error) {
		options.signal?.throwIfAborted();
		if (deadline.aborted) return { is: 'no time', reason: `it took longer than ${timeLimitMs / 1000} s` };
		if (error instanceof UnpackError || isFull(error)) return noRoom;
		if (error instanceof NoUnpackerError) return { is: 'not unpacked', reason: error.message };
		throw error;
	}
}

/** The core as a debugger can read it: itself, or an unpacked copy in a folder. */
export async function rawCopy(
	core: Core,
	folder: string,
	signal: AbortSignal,
	onProgress: (step: 'unpacking', share: number) => void,
): Promise<{ readonly is: 'here'; readonly path: string } | { readonly is: 'not unpacked'; readonly reason: string }> {
	const { encoding, path } = core;
	if (encoding === 'raw') return { is: 'here', path };
	const { expectedBytes } = await readHead(path, { unpackForeign });
	const unpacking = await unpackCore({ ...core, encoding }, folder, {
		maxBytes: Number.POSITIVE_INFINITY,
		expectedBytes,
		timeLimitMs: 24 * 3600_000,
		signal,
		onProgress: (share) => onProgress('unpacking', share),
	});
	return unpacking.is === 'unpacked'
		? { is: 'here', path: unpacking.path }
		: { is: 'not unpacked', reason: `the core was not unpacked: ${unpacking.reason}` };
}

/** Whether the disk had no room for more. */
export const isFull = (error: unknown) => ['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '');
