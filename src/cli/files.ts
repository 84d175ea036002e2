import { access, constants, stat } from 'node:fs/promises';
import { codeOf } from '../base/errors.ts';
import { systemPath } from '../base/filename.ts';

export const isThere = (path: string) =>
	stat(systemPath(path)).then(
		() => true,
		() => false,
	);

/** Unlike what is only hidden from this user. */
export const isMissing = (path: string) =>
	stat(systemPath(path)).then(
		() => false,
		(error: NodeJS.ErrnoException) => error.code === 'ENOENT' || error.code === 'ENOTDIR',
	);

export const isWritable = (folder: string) =>
	access(folder, constants.W_OK | constants.X_OK).then(
		() => true,
		() => false,
	);

/** Why a folder can't be listed: the system's code, or undefined when it can. */
export async function unreadable(folder: string): Promise<string | undefined> {
	try {
		if (!(await stat(folder)).isDirectory()) return 'ENOTDIR';
		await access(folder, constants.R_OK | constants.X_OK);
		return undefined;
	} catch (cause) {
		return codeOf(cause) ?? 'ENOENT';
	}
}
