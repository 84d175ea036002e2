import { stat } from 'node:fs/promises';
import { systemPath } from '../../base/filename.ts';
import { ContentLost } from '../../domain/backend.ts';
import { fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';

/**
 * Sees to it that a core is still the file that was found: kernels reuse names like `core`, and what is read of another crash must not count for this one.
 *
 * @throws {ContentLost} gone, or another by now
 */
export async function expectOriginal({ path, fileId: found }: Core): Promise<void> {
	const file = await stat(systemPath(path), { bigint: true }).catch((cause) => {
		throw cause.code === 'ENOENT' ? new ContentLost('the core file is gone', { cause }) : cause;
	});
	if (fileId(file) !== found) throw new ContentLost('another file has taken the place of the core file');
}
