import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isSystemError } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import { BackendUnavailable } from '../../domain/backend.ts';

/** An upload in parts that is under way, or was when it broke off. */
export type Upload = {
	/** Server and bucket. */
	readonly place: string;
	readonly key: string;
	/** Absent: the server was asked to begin it, and what it said is not known. */
	readonly uploadId?: string;
	/** In ms since the epoch. */
	readonly begunAt?: number;
	/** What is sent, and how: with just the same it may be gone on with. Absent: with nothing. */
	readonly what?: string;
};

export type Notes = {
	/** Before the server is asked to begin an upload. */
	begin(upload: Upload): Promise<Note>;
	/** Those on which nobody works any more, nor on another of the same key. */
	left(): Promise<readonly LeftNote[]>;
	/** Whether somebody works on an upload of that key. */
	isLive(key: string): boolean;
};

export type Note = {
	/** The server has begun it. */
	began(uploadId: string): Promise<void>;
	/** Nobody works on it any more; it may be there still. */
	leave(): void;
	/** It is over, and nothing of it is left on the server. */
	end(): Promise<void>;
};

export type LeftNote = Note & {
	readonly upload: Upload;
	/** Somebody works on it again. */
	take(): void;
};

/**
 * Which uploads are under way, one file each: the server keeps their parts, and has them paid for, until somebody ends them, and an agent that was
 * killed has to know them again without listing the bucket.
 */
export function uploadNotes(folder: string): Notes {
	/** The keys of those that this process works on, by the names of their notes. */
	const live = new Map<string, string>();
	const isLive = (key: string) => [...live.values()].includes(key);

	function note(name: string, upload: Upload): LeftNote {
		const path = join(folder, name);
		return {
			upload,
			began: (uploadId) => sorted(() => write(path, { ...upload, uploadId })),
			take() {
				live.set(name, upload.key);
			},
			leave() {
				live.delete(name);
			},
			async end() {
				await sorted(async () => {
					await rm(path, { force: true });
					await rm(`${path}${half}`, { force: true });
				});
				live.delete(name);
			},
		};
	}

	return {
		async begin(upload) {
			const name = `${randomUUID()}.json`;
			const begun = note(name, upload);
			begun.take();
			try {
				await sorted(async () => {
					await makeFolder(folder);
					await write(join(folder, name), upload);
				});
			} catch (error) {
				begun.leave();
				throw error;
			}
			return begun;
		},
		async left() {
			const names = (await sorted(() => ifThere(readdir(folder)))) ?? [];
			const halves = names.filter((name) => name.endsWith(half) && !live.has(name.slice(0, -half.length)));
			for (const name of halves) await sorted(() => rm(join(folder, name), { force: true }));
			const found = await Promise.all(
				names
					.filter((name) => name.endsWith('.json') && !live.has(name))
					.map(async (name) => {
						const text = await sorted(() => ifThere(readFile(join(folder, name), 'utf8')));
						return text === undefined ? [] : [note(name, uploadOf(text))];
					}),
			);
			return found.flat().filter(({ upload }) => !isLive(upload.key));
		},
		isLive,
	};
}

/** What is being written: a process that is killed meanwhile leaves the note as it was. */
const half = '.part';

async function write(path: string, upload: Upload): Promise<void> {
	await writeFile(`${path}${half}`, `${JSON.stringify(upload)}\n`, { mode: 0o600, flush: true });
	await rename(`${path}${half}`, path);
}

/** A note that a power cut left empty names no upload: it belongs to no place, and stays. */
function uploadOf(text: string): Upload {
	try {
		return JSON.parse(text) as Upload;
	} catch {
		return { place: '', key: '' };
	}
}

const ifThere = <T>(reading: Promise<T>) => reading.catch((error) => (codeOf(error) === 'ENOENT' ? undefined : Promise.reject(error)));

async function sorted<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!isSystemError(error)) throw error;
		throw new BackendUnavailable(`${error.message} (beside journal.path)`, { cause: error });
	}
}
