import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';
import { ContentLost } from '../../domain/backend.ts';
import { fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';

/**
 * Opens a core where it was found, if the file is still the one that was found: kernels reuse names like `core`.
 *
 * @throws {ContentLost} gone, or another by now
 */
export async function openOriginal(core: Core): Promise<FileHandle> {
	const file = await open(systemPath(core.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
		(cause: unknown) => {
			if (['ENOENT', 'ELOOP'].includes(codeOf(cause) ?? '')) throw new ContentLost('the core file is gone', { cause });
			throw cause;
		},
	);
	if (fileId(await file.stat({ bigint: true })) === core.fileId) return file;
	await file.close();
	throw new ContentLost('another file has taken the place of the core file');
}
