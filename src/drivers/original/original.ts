import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { codeOf } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';
import { ContentLost } from '../../domain/backend.ts';
import { fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';

/**
 * Opens a core where it was found, if the file is still the same: kernels reuse names like `core`, and what is read of
 * another crash must not count for this one.
 *
 * @throws {ContentLost} gone, or another by now
 */
export async function openOriginal(core: Core): Promise<FileHandle> {
	const file = await open(systemPath(core.path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(lost);
	try {
		compare(await file.stat({ bigint: true }), core);
		return file;
	} catch (error) {
		await file.close();
		throw error;
	}
}

/**
 * Sees to it that the file there is still the one that was found.
 *
 * @throws {ContentLost} gone, or another by now
 */
export async function expectOriginal(core: Core): Promise<void> {
	compare(await stat(systemPath(core.path), { bigint: true }).catch(lost), core);
}

function lost(cause: unknown): never {
	throw ['ENOENT', 'ELOOP'].includes(codeOf(cause) ?? '') ? new ContentLost('the core file is gone', { cause }) : cause;
}

function compare(file: BigIntStats, { fileId: found }: Core): void {
	if (fileId(file) !== found) throw new ContentLost('another file has taken the place of the core file');
}

/** Whether what is at its place is the core that was found. @throws what keeps that from being known */
export async function isOriginalThere(core: Core): Promise<boolean> {
	try {
		await expectOriginal(core);
		return true;
	} catch (error) {
		if (error instanceof ContentLost) return false;
		throw error;
	}
}
