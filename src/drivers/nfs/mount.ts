import { constants } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { codeOf, isStale, isSystemError, systemMessageOf } from '../../base/errors.ts';
import { BackendRefused, BackendUnavailable } from '../../domain/backend.ts';

/** include/uapi/linux/magic.h: what statfs(2) says of NFS, whichever version. */
const NFS_SUPER_MAGIC = 0x6969;

/**
 * Makes the directory the working one, if it is on NFS. It is opened first, and looked at and entered by the open file: where the share is not mounted,
 * or is unmounted in this moment, nothing comes onto the disk below.
 *
 * @throws {BackendRefused} it is not on NFS
 * @throws {BackendUnavailable} the server says an error
 */
export async function enter(path: string): Promise<void> {
	try {
		await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
		const opened = `/proc/self/fd/${folder.fd}`;
		const { type } = await statfs(opened);
		if (type !== NFS_SUPER_MAGIC) throw new BackendRefused(`${path} is not an NFS mount: ${advice}`);
		process.chdir(opened);
	} catch (error) {
		if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? ''))
			throw new BackendRefused(`${path} is not a directory: ${advice}`, { cause: error });
		// A `soft` mount says so too while its server does not answer.
		if (isStale(error))
			throw new BackendUnavailable(
				`${path} is stale: its server is down, or exports this no more; if it is up, unmount and mount again (storage.nfs.path)`,
				{
					cause: error,
				},
			);
		if (isSystemError(error)) throw new BackendUnavailable(`${systemMessageOf(error)} (storage.nfs.path)`, { cause: error });
		throw error;
	}
}

const advice = 'mount the share there (storage.nfs.path)';
