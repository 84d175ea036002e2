import { randomUUID } from 'node:crypto';
import { open, rename, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import { partName, type Room, type RoomLimits, roomIn } from './room.ts';

/** Files that were fetched before, in a folder on a disk; several processes may share it. */
export type KeptFiles = {
	/** Undefined where there is none, or none that is right; that one is removed. */
	find(name: string, isRight: (path: string) => Promise<boolean>): Promise<string | undefined>;
	/**
	 * Writes a file under another name, and gives it its own when it is whole and right. The files that were used longest ago go for it.
	 *
	 * @param expectRight throws what is wrong with it
	 * @throws {NoRoomError}
	 */
	keep(name: string, content: AsyncIterable<Uint8Array>, expectRight: (path: string) => Promise<void>): Promise<string>;
};

/** @param folder made if it is not there */
export function keptFiles(folder: string, limits: RoomLimits): KeptFiles {
	/** While files are being written, all of them take from one. */
	let room: Promise<Room> | undefined;
	let writing = 0;

	return {
		async find(name, isRight) {
			const path = join(folder, name);
			const now = new Date();
			try {
				await utimes(path, now, now); // before it is looked at: from now on it stays
			} catch (error) {
				if (codeOf(error) === 'ENOENT') return undefined;
				throw error;
			}
			if (await isRight(path)) return path;
			await rm(path, { force: true });
			return undefined;
		},
		async keep(name, content, expectRight) {
			const path = join(folder, name);
			await makeFolder(dirname(path));
			writing++;
			const part = join(folder, await partName(randomUUID()));
			try {
				room ??= roomIn(folder, limits);
				await fill(part, content, await room, async () => {
					await expectRight(part);
					await rename(part, path);
				});
				return path;
			} finally {
				await rm(part, { force: true });
				if (--writing === 0) room = undefined;
			}
		},
	};
}

/** What is not kept in the end gives its room back. */
async function fill(path: string, content: AsyncIterable<Uint8Array>, { take, give }: Room, keep: () => Promise<void>): Promise<void> {
	let written = 0;
	try {
		await using file = await open(path, 'wx', 0o600);
		for await (const piece of content) {
			await take(piece.length);
			written += piece.length;
			await file.writeFile(piece);
		}
		await file.datasync();
		await keep();
	} catch (error) {
		give(written);
		throw error;
	}
}
