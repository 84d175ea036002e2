import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Backend } from '../../domain/backend.ts';
import { type StoredCore, storedFile } from '../../domain/stored-file.ts';
import { checkAgainst } from './check.ts';

/** What came from the store is not what was put there. */
export class DamagedError extends Error {
	override readonly name = 'DamagedError';
}

const highWaterMark = 256 * 1024;

/**
 * Brings a stored core into a file, and sees to it that it is the one that was stored. What the file has already is taken for its beginning; if it
 * turns out not to be, all is read from the store.
 *
 * @param path of a file of the caller's own, which is made if need be; after an error it holds what has come so far
 * @param onProgress told the share that is there
 * @throws {DamagedError} then the file is empty
 * @throws {NotStored | BackendUnavailable | BackendRefused}
 */
export async function retrieve(
	backend: Backend,
	wanted: StoredCore,
	path: string,
	signal: AbortSignal,
	onProgress: (share: number) => void = () => {},
): Promise<void> {
	await using file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
	const { size: begun } = await file.stat();
	for (const from of begun > 0 && begun <= wanted.sizeBytes ? [begun, 0] : [0]) {
		await file.truncate(from);
		const check = checkAgainst(wanted);
		for await (const chunk of written(backend, wanted, file, from, signal)) {
			if (!check.add(chunk)) break;
			onProgress(check.sizeBytes / wanted.sizeBytes);
		}
		const damage = check.damage();
		if (damage === undefined) return file.sync();
		if (from > 0) continue;
		await file.truncate(0);
		throw new DamagedError(damage);
	}
}

/** What a file has already, then what is behind that in the store, which is written to the file. */
async function* written(
	backend: Backend,
	wanted: StoredCore,
	file: FileHandle,
	from: number,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
	if (from > 0) yield* file.createReadStream({ autoClose: false, start: 0, end: from - 1, highWaterMark, signal });
	let at = from;
	for await (const chunk of backend.get(storedFile(wanted), signal, from)) {
		for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done, chunk.length - done, at + done)).bytesWritten;
		at += chunk.length;
		yield chunk;
	}
}

/**
 * A stored core, which is known to be the one that was stored only when all of it has come.
 *
 * @throws {DamagedError} at its end
 * @throws {NotStored | BackendUnavailable | BackendRefused}
 */
export async function* read(backend: Backend, wanted: StoredCore, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
	const check = checkAgainst(wanted);
	for await (const chunk of backend.get(storedFile(wanted), signal)) {
		if (!check.add(chunk)) break;
		yield chunk;
	}
	const damage = check.damage();
	if (damage !== undefined) throw new DamagedError(damage);
}
