import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';
import { fileNameText, systemPath } from '../../base/filename.ts';

/**
 * Steps from an open directory to what is in it, one name at a time, as openat(2) does it, which Node lacks: `/proc/self/fd/N/NAME` begins at the
 * directory itself, wherever it was moved to meanwhile. So a process that exchanges a directory for a link while it is walked through leads nowhere.
 */

/** include/uapi/asm-generic/fcntl.h: a handle to the place alone. What is there is not opened: no driver wakes, no FIFO is waited for. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

const absent: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'];

/** A handle to a directory, to begin with; undefined where there is none. */
export const openFolder = (path: string) => unlessAbsent(open(systemPath(path), O_PATH | O_DIRECTORY | O_NOFOLLOW));

/** A handle to whatever has a name in a directory, a link itself for a link; undefined for nothing. */
export const openName = (folder: FileHandle, name: string) => unlessAbsent(open(below(folder, name), O_PATH | O_NOFOLLOW));

/** Where the link of that name leads; undefined where it is none any more. */
export async function linkTarget(folder: FileHandle, name: string): Promise<string | undefined> {
	try {
		return fileNameText(await readlink(below(folder, name), { encoding: 'buffer' }));
	} catch (error) {
		if (codeOf(error) === 'EINVAL' || absent.includes(codeOf(error))) return undefined;
		throw error;
	}
}

/** Opens the very file of a handle for reading. */
export const openForReading = (place: FileHandle) => open(pathOf(place, 'self'), O_RDONLY | O_NONBLOCK);

/** A path at which other programs of the same user find an open file, whatever has become of its name. */
export const pathOf = (file: FileHandle, pid: number | 'self' = process.pid) => `/proc/${pid}/fd/${file.fd}`;

const below = (folder: FileHandle, name: string) => systemPath(`${pathOf(folder, 'self')}/${name}`);

async function unlessAbsent(opening: Promise<FileHandle>): Promise<FileHandle | undefined> {
	try {
		return await opening;
	} catch (error) {
		if (absent.includes(codeOf(error))) return undefined;
		throw error;
	}
}
