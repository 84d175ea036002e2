import { createHash, randomUUID } from 'node:crypto';
import { access, constants, type FileHandle, open, opendir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { codeOf, isSystemError, systemMessageOf } from '../../base/errors.ts';
import { fileChunks } from '../../base/file-chunks.ts';
import { makeFolder } from '../../base/folder.ts';
import { formatBytes } from '../../base/quantity.ts';
import {
	type Backend,
	BackendFull,
	BackendUnavailable,
	type Content,
	checkName,
	NotStored,
	type Space,
	type Stored,
	type StoredFile,
} from '../../domain/backend.ts';

/** What must stay free on the disk. */
export type FreeSpaceFloor = { readonly is: 'share'; readonly share: number } | { readonly is: 'bytes'; readonly bytes: number };

/** How a directory is dealt with that is not simply on a disk of this machine. */
export type Manner = {
	/** What messages call it, and the key of the configuration that names it. */
	readonly name: string;
	readonly setting: string;
	/** Where a file is while it is being written. */
	part(path: string): string;
	/** Whether what was written is synced now and then, so that the last time does not take long. */
	readonly syncsOften: boolean;
	/** How a file is opened to be read back: open(2). */
	readonly readBackFlags: number;
	/** Waited for whenever something moved on. */
	moved(): Promise<void>;
};

/** What it names a file while that is being written: nothing else is swept. */
const partName = (name: string) => `.${name}.${randomUUID()}.part`;
const isPart = (name: string) => /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.part$/.test(name);
/** How often the free space is looked at while writing. */
const checkEveryBytes = 64 << 20;
const highWaterMark = 256 * 1024;

/**
 * A directory on a disk of this machine. Files are for their owner alone: a core holds credentials.
 *
 * @param onGrowth told by how many bytes each file that is put makes the store larger than before, what it replaces taken off, and by how many less
 *   one that is removed
 */
export function localBackend(
	root: string,
	floor: FreeSpaceFloor,
	onGrowth: (bytes: number) => void = () => {},
	manner: Manner = plain(root),
): Backend {
	const sorted = (error: unknown, refusal?: string) => sortedFor(error, manner.setting, refusal);

	async function put(name: string, content: Content, signal: AbortSignal): Promise<Stored> {
		const path = pathOf(root, name);
		const part = manner.part(path);
		try {
			for (const file of [path, part]) await makeFolder(dirname(file));
			await checkSpace();
			const written = await write(part, content, signal);
			await verify(part, written, manner);
			const replaced = await sizeOf(path);
			await rename(part, path);
			onGrowth(written.sizeBytes - replaced);
			await syncFolder(dirname(path));
			return { location: path, ...written };
		} catch (error) {
			await rm(part, { force: true }).catch(() => {}); // what stays is swept at the next start
			throw sorted(error);
		}
	}

	async function write(part: string, content: Content, signal: AbortSignal): Promise<Written> {
		await using file = await open(part, 'wx', 0o600);
		const hash = createHash('sha256');
		let sizeBytes = 0;
		for await (const chunk of content.open(signal)) {
			signal.throwIfAborted();
			await writeAll(file, chunk);
			hash.update(chunk);
			const isCheckDue = Math.floor(sizeBytes / checkEveryBytes) !== Math.floor((sizeBytes + chunk.length) / checkEveryBytes);
			sizeBytes += chunk.length;
			if (!isCheckDue) continue;
			await checkSpace();
			if (manner.syncsOften) await file.datasync();
		}
		await file.sync();
		return { sizeBytes, sha256: hash.digest('hex') };
	}

	async function checkSpace(): Promise<void> {
		const { freeBytes, leastBytes } = await space();
		if (freeBytes < leastBytes)
			throw new BackendFull(
				`${manner.name}: only ${formatBytes(freeBytes)} are free, and ${formatBytes(leastBytes)} must stay free (storage.minFreeSpace)`,
			);
	}

	async function health(): Promise<void> {
		try {
			await makeFolder(root);
			await access(root, constants.W_OK | constants.X_OK);
			await checkSpace();
		} catch (error) {
			throw sorted(error);
		}
	}

	async function start(): Promise<number> {
		let size = 0;
		try {
			for await (const { path, isHalf } of filesBelow(root)) {
				if (isHalf) await rm(path, { force: true });
				else size += await sizeOf(path);
			}
		} catch (error) {
			if (!isSystemError(error)) throw error; // what stands in the way of storing, health tells
		}
		return size;
	}

	async function* get(name: string, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
		const path = pathOf(root, name);
		try {
			await using file = await open(path);
			yield* file.createReadStream({ autoClose: false, highWaterMark, signal, start: from });
		} catch (error) {
			if (codeOf(error) === 'ENOENT') throw new NotStored(`${path} is not there`, { cause: error });
			throw sorted(error, "can't read there");
		}
	}

	async function* list(prefix: string, signal: AbortSignal): AsyncIterable<StoredFile> {
		try {
			const [folder] = prefix.split('/').slice(0, -1);
			for await (const { path, isHalf } of filesBelow(folder === undefined ? root : pathOf(root, folder))) {
				signal.throwIfAborted();
				const name = relative(root, path).replaceAll(sep, '/');
				const found = isHalf || isHidden(path) || !name.startsWith(prefix) ? undefined : await statOf(path);
				if (found) yield { name, sizeBytes: found.size, storedAt: found.mtimeMs };
			}
		} catch (error) {
			throw sorted(error, "can't read there");
		}
	}

	async function remove(names: readonly string[], signal: AbortSignal): Promise<void> {
		try {
			for (const name of names) {
				signal.throwIfAborted();
				const path = pathOf(root, name);
				const size = await sizeOf(path);
				await rm(path, { force: true });
				onGrowth(-size);
				await rmdir(dirname(path)).catch(() => {}); // others are in it still
				await manner.moved();
			}
		} catch (error) {
			throw sorted(error);
		}
	}

	async function space(): Promise<Space> {
		try {
			const { bavail, blocks, bsize } = await statfs(root);
			return { freeBytes: bavail * bsize, leastBytes: floor.is === 'bytes' ? floor.bytes : floor.share * blocks * bsize };
		} catch (error) {
			throw sorted(error);
		}
	}

	return { kind: 'local', place: withoutSlash(root), start, put, get, list, remove, health, space };
}

const plain = (root: string): Manner => ({
	name: root,
	setting: 'storage.localPath',
	part: (path) => join(dirname(path), partName(basename(path))),
	syncsOften: false,
	readBackFlags: constants.O_RDONLY,
	moved: async () => {},
});

type Written = Omit<Stored, 'location'>;

/** As the paths of what is in it begin. */
export const withoutSlash = (folder: string) => folder.replace(/(?<=.)\/+$/, '');

const pathOf = (root: string, name: string) => join(root, ...checkName(name).split('/'));

/** All files below a folder, half-written ones too, but for what is in hidden folders; none where it is not there. */
async function* filesBelow(folder: string): AsyncGenerator<{ readonly path: string; readonly isHalf: boolean }> {
	const entries = await opendir(folder).catch((error) => {
		if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return [];
		throw error;
	});
	for await (const entry of entries) {
		const path = join(folder, entry.name);
		if (entry.isDirectory() && !isHidden(path)) yield* filesBelow(path);
		if (entry.isFile()) yield { path, isHalf: isPart(entry.name) };
	}
}

/** Not of ours: their names never begin so. */
const isHidden = (path: string) => basename(path).startsWith('.');

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
	for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at, chunk.length - at)).bytesWritten;
}

/** Reads what was written, and compares. */
async function verify(path: string, { sha256, sizeBytes }: Written, { name, readBackFlags, moved }: Manner): Promise<void> {
	await using file = await open(path, readBackFlags);
	const hash = createHash('sha256');
	let size = 0;
	for await (const chunk of fileChunks(file)) {
		hash.update(chunk);
		size += chunk.length;
		await moved();
	}
	if (size !== sizeBytes || hash.digest('hex') !== sha256)
		throw new BackendUnavailable(`${name}: a file reads back other than it was written: the disk is damaged`);
}

/** Makes the rename durable. */
async function syncFolder(path: string): Promise<void> {
	await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
	await folder.sync();
}

/** Nothing where it is gone by now, or can't be seen: what stands in the way of storing, health tells. */
const statOf = (path: string) => stat(path).catch(() => undefined);
const sizeOf = async (path: string) => (await statOf(path))?.size ?? 0;

/** The disk's errors as what they mean for the caller; others as they are. */
function sortedFor(error: unknown, setting: string, refusal = "can't write there"): unknown {
	if (error instanceof SuppressedError) return sortedFor(error.suppressed, setting, refusal); // what failed first; closing failed too
	if (!(isSystemError(error) && 'code' in error)) return error;
	const isForbidden = ['EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EROFS'].includes(String(error.code));
	const Kind = ['ENOSPC', 'EDQUOT'].includes(String(error.code)) ? BackendFull : BackendUnavailable;
	return new Kind(`${isForbidden ? `${refusal}: ` : ''}${systemMessageOf(error)} (${setting})`, { cause: error });
}
