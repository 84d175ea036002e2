import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isSystemError } from '../../base/errors.ts';
import { makeFolder } from '../../base/folder.ts';
import { BackendUnavailable } from '../../domain/backend.ts';

/** An upload in parts that is under way, or was when an agent was killed. */
export type Upload = {
	/** Server and bucket. */
	readonly place: string;
	readonly key: string;
	/** Absent: the server was asked to begin it, and what it said is not known. */
	readonly uploadId?: string;
};

export type Notes = {
	/** Before the server is asked to begin an upload. */
	begin(upload: Upload): Promise<Note>;
	/** Those on which nobody works any more, nor on another of the same key. */
	left(): Promise<readonly (Note & { readonly upload: Upload })[]>;
};

export type Note = {
	/** The server has begun it. */
	began(uploadId: string): Promise<void>;
	/** Nobody works on it any more; it may be there still. */
	leave(): void;
	/** It is over, and nothing of it is left on the server. */
	end(): Promise<void>;
};

/**
 * Which uploads are under way, one file each: the server keeps their parts, and has them paid for, until somebody ends them, and an agent that was
 * killed has to know them again without listing the bucket.
 */
export function uploadNotes(folder: string): Notes {
	/** The keys of those that this process works on, by the names of their notes. */
	const live = new Map<string, string>();

	function note(name: string, upload: Upload): Note {
		const path = join(folder, name);
		const write = (content: Upload) => sorted(() => writeFile(path, `${JSON.stringify(content)}\n`, { mode: 0o600, flush: true }));
		return {
			began: (uploadId) => write({ ...upload, uploadId }),
			leave() {
				live.delete(name);
			},
			async end() {
				await sorted(() => rm(path, { force: true }));
				live.delete(name);
			},
		};
	}

	return {
		async begin(upload) {
			const name = `${randomUUID()}.json`;
			await sorted(async () => {
				await makeFolder(folder);
				await writeFile(join(folder, name), `${JSON.stringify(upload)}\n`, { mode: 0o600, flag: 'wx', flush: true });
			});
			live.set(name, upload.key);
			return note(name, upload);
		},
		async left() {
			const names = await sorted(() => readdir(folder).catch((error) => (codeOf(error) === 'ENOENT' ? [] : Promise.reject(error))));
			const found = await Promise.all(
				names
					.filter((name) => name.endsWith('.json') && !live.has(name))
					.map(async (name) => {
						const upload = uploadOf(await sorted(() => readFile(join(folder, name), 'utf8')));
						return { ...note(name, upload), upload };
					}),
			);
			return found.filter(({ upload }) => ![...live.values()].includes(upload.key));
		},
	};
}

/** A note that a power cut left empty names no upload: it belongs to no place, and stays. */
function uploadOf(text: string): Upload {
	try {
		return JSON.parse(text) as Upload;
	} catch {
		return { place: '', key: '' };
	}
}

async function sorted<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!isSystemError(error)) throw error;
		throw new BackendUnavailable(`${error.message} (beside journal.path)`, { cause: error });
	}
}
