import { lstat, unlink } from 'node:fs/promises';
import { codeOf, messageOf } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';
import { fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';
import { done, type Stage } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';

type Deps = { readonly telemetry: Telemetry; readonly removeOriginal: 'never' | 'afterStored' };

/** The end of a crash's way: removes the file that was found, if that is wanted, once a verified copy is stored. */
export function remover({ telemetry, removeOriginal }: Deps): Stage<'StorageEvent'> {
	return {
		reads: ['StorageEvent'],
		concurrency: 1,
		isPatient: true,
		async handle({ key, body }) {
			telemetry.crashSettled();
			// A slim core is no copy: nothing else has the rest.
			const isCopied = body.is === 'stored' && body.storage.form === 'full' && !body.isAnew;
			if (isCopied && removeOriginal === 'afterStored') await remove(key, body.core);
			return done();
		},
	};

	async function remove(key: string, core: Core): Promise<void> {
		try {
			const file = await lstat(systemPath(core.path), { bigint: true });
			if (fileId(file) !== core.fileId) return telemetry.originalKept(key, core.path, 'it has changed since it was found');
			await unlink(systemPath(core.path));
			telemetry.originalRemoved(key, core.path);
		} catch (error) {
			const code = codeOf(error);
			if (code === undefined) throw error;
			if (code !== 'ENOENT') telemetry.originalKept(key, core.path, messageOf(error));
		}
	}
}
