import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { systemPath } from './filename.ts';

/** What is there is no file that can be read from start to end; the message says what it is. */
export class NotRegularError extends Error {
	override readonly name = 'NotRegularError';
}

/**
 * Opens a file for reading. Whatever else is at the path is not even opened: that alone can rewind a tape, wake a driver, or wait for a FIFO's writer.
 *
 * @throws {NotRegularError}
 */
export async function openRegular(path: string): Promise<FileHandle> {
	const seen = await stat(systemPath(path), { bigint: true });
	if (!seen.isFile()) throw new NotRegularError(`is ${kindOf(seen)}`);
	const file = await open(systemPath(path), constants.O_RDONLY | constants.O_NONBLOCK);
	const opened = await file.stat({ bigint: true });
	if (opened.dev === seen.dev && opened.ino === seen.ino) return file;
	await file.close();
	throw new NotRegularError('was replaced by another file while it was opened');
}

function kindOf(file: BigIntStats): string {
	if (file.isDirectory()) return 'a directory';
	return file.isFIFO() ? 'a FIFO' : 'not a regular file';
}
