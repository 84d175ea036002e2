import { type Backend, isBackendError } from '../../domain/backend.ts';
import { done, retry, type Stage } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';

type Deps = { readonly backend: Backend; readonly telemetry: Telemetry };

/** Removes from the store what was decided to go: again and again until it is gone, also after the process died. */
export function eraser({ backend, telemetry }: Deps): Stage<'DeletionEvent'> {
	return {
		reads: ['DeletionEvent'],
		concurrency: 1,
		isPatient: true,
		async handle({ key, body: { files, why, reason, sizeBytes } }, signal) {
			try {
				await backend.remove(files, signal);
				if (backend.kind === 'local') telemetry.coreDeleted(key, why, reason, sizeBytes);
				else telemetry.deletionNoticed(key, reason); // who clears the store has counted it
				return done();
			} catch (error) {
				if (!isBackendError(error)) throw error;
				telemetry.storageFailed(key, backend.kind, error.message);
				return retry(error.message);
			}
		},
	};
}
