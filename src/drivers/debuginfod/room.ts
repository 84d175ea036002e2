import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { processStart } from '../../base/process-start.ts';
import { formatBytes } from '../../base/quantity.ts';

/** There is no room for a file, for a reason in words. */
export class NoRoomError extends Error {
	override readonly name = 'NoRoomError';
}

export type RoomLimits = {
	/** The most that all files may take. */
	readonly mostBytes: number;
	/** What must stay free on the disk. */
	readonly floorBytes: number;
	/** A file that was used since then may be in use still. */
	readonly inUseMs: number;
};

/** What is being written: whose it is, as of the folders of an analysis. */
export const partName = async (random: string) => `part-${process.pid}-${await processStart(process.pid)}-${random}`;
const ownedPart = /^part-(\d+)-(\d+)-/;
/** How often the disk is asked for its room while a file grows. */
const askedEachBytes = 64 << 20;

/** How much is in a folder of files that were fetched, and may come into it. */
export type Room = {
	/** @throws {NoRoomError} */
	take(bytes: number): Promise<void>;
	give(bytes: number): void;
};

/** Looks into the folder, and removes what processes left there half-written that are no more. */
export async function roomIn(folder: string, { mostBytes, floorBytes, inUseMs }: RoomLimits): Promise<Room> {
	const files = (await filesIn(folder)).sort((a, b) => a.usedMs - b.usedMs);
	let usedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
	let unasked = askedEachBytes;

	async function makeRoom(): Promise<void> {
		while (usedBytes > mostBytes) {
			const [oldest] = files;
			if (!oldest || oldest.usedMs > Date.now() - inUseMs)
				throw new NoRoomError(`there is no room for it among the ${formatBytes(mostBytes)} in ${folder}`);
			files.shift();
			await rm(oldest.path, { force: true });
			usedBytes -= oldest.sizeBytes;
		}
	}

	async function expectFreeDisk(bytes: number): Promise<void> {
		unasked += bytes;
		if (unasked < askedEachBytes) return;
		unasked = 0;
		const { bavail, bsize } = await statfs(folder);
		if (bavail * bsize - bytes < floorBytes) throw new NoRoomError(`the disk of ${folder} is full`);
	}

	return {
		async take(bytes) {
			usedBytes += bytes;
			try {
				await makeRoom();
				await expectFreeDisk(bytes);
			} catch (error) {
				usedBytes -= bytes;
				throw error;
			}
		},
		give(bytes) {
			usedBytes -= bytes;
		},
	};
}

type Kept = { readonly path: string; readonly sizeBytes: number; readonly usedMs: number };

async function filesIn(folder: string): Promise<Kept[]> {
	const found: Kept[] = [];
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath, entry.name);
		const [, pid, start] = ownedPart.exec(entry.name) ?? [];
		if (pid !== undefined && (await processStart(Number(pid))) !== start) await rm(path, { force: true });
		const file = await stat(path).catch((error) => {
			if (codeOf(error) === 'ENOENT') return undefined; // gone meanwhile
			throw error;
		});
		if (file) found.push({ path, sizeBytes: file.size, usedMs: file.mtimeMs });
	}
	return found;
}
