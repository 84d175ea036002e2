import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { codeOf } from '../../base/errors.ts';
import type { Layers } from '../../domain/layers.ts';
import { openFolder, openForReading, pathOf } from './beneath.ts';
import type { Part } from './merged.ts';
import { mostLinks, placeOf } from './walk.ts';

/** The root of a container, also of one that has ended. */
export type ContainerRoot = AsyncDisposable & {
	/** The directories of its image that are not there any more. */
	readonly missing: readonly string[];
	/**
	 * Opens a regular file as the container itself would see it.
	 *
	 * @param path from the root on; links are followed, never out of it
	 * @returns undefined where there is no such file, or none that can be had: links without end, not for us to read, too large to be copied
	 */
	open(path: string): Promise<OpenFile | undefined>;
};

/** Open until it is closed here, or its root is. */
export type OpenFile = AsyncDisposable & {
	readonly handle: FileHandle;
	/** At which other programs of the same user find this very file, as long as it is open. */
	readonly path: string;
};

/** Names that are looked up for one path, and for all of a root; a path of a library takes a dozen. Who wrote the image wrote the links. */
const mostSteps = 500;
const mostStepsInAll = 50_000;
/** No program comes near to this. */
const mostCopiedBytes = 4 * 2 ** 30;

/**
 * Opens the root of a container by its layers.
 *
 * @param copies an empty folder of the caller. What a container wrote itself it can change at any time while it runs, also after the file was
 *   looked at; so that is copied there first, and the copy is what is opened. Without the folder it is read in place.
 */
export async function openRoot({ upper, lowers }: Layers, copies?: string): Promise<ContainerRoot> {
	await using opening = new AsyncDisposableStack();
	const parts: Part[] = [];
	const missing: string[] = [];
	const own = upper === undefined ? [] : [{ directory: upper, isOfImage: false }];
	for (const { directory, isOfImage } of [...own, ...lowers.map((directory) => ({ directory, isOfImage: true }))]) {
		const handle = await unlessRefused(openFolder(directory));
		if (handle) parts.push({ handle: opening.use(handle), isOfImage });
		else if (isOfImage) missing.push(directory);
	}
	const held = opening.move();
	let stepsLeft = mostStepsInAll;
	let bytesLeft = mostCopiedBytes;
	let copied = 0;

	async function find(path: string): Promise<Part | undefined> {
		const steps = Math.min(mostSteps, stepsLeft);
		const budget = { links: mostLinks, steps };
		try {
			return await placeOf(parts, path, budget);
		} finally {
			stepsLeft -= steps - Math.max(0, budget.steps);
		}
	}

	async function openPlace({ handle: place, isOfImage }: Part): Promise<FileHandle | undefined> {
		await using _place = place;
		const original = await openForReading(place);
		if (isOfImage || copies === undefined) return original;
		await using _original = original;
		const { size } = await original.stat();
		if (size === 0 || size > bytesLeft) return undefined;
		bytesLeft -= size;
		const copy = join(copies, String(copied++));
		await pipeline(
			original.createReadStream({ start: 0, end: size - 1, autoClose: false }),
			createWriteStream(copy, { mode: 0o600, flags: 'wx' }),
		);
		return open(copy);
	}

	return {
		missing,
		async open(path) {
			const place = await unlessRefused(find(path));
			const handle = place && (await unlessRefused(openPlace(place)));
			if (!handle) return undefined;
			const close = async () => {
				if (handle.fd >= 0) await handle.close(); // -1: closed before
			};
			held.defer(close);
			return { handle, path: pathOf(handle), [Symbol.asyncDispose]: close };
		},
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

/** The agent may be root without the rights of root. */
async function unlessRefused<T>(opening: Promise<T>): Promise<T | undefined> {
	try {
		return await opening;
	} catch (error) {
		if (['EACCES', 'EPERM', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
		throw error;
	}
}
