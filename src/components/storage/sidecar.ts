import { type Backend, isBackendError } from '../../domain/backend.ts';
import { isDeleted } from '../../domain/fold.ts';
import type { Reports } from '../../domain/reports.ts';
import { done, retry, type Stage } from '../../domain/stage.ts';
import { isKept } from '../../domain/stored-file.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { jsonOf } from './beside.ts';
import { storedName } from './name.ts';

type Deps = { readonly backend: Backend; readonly reports: Reports; readonly telemetry: Telemetry };

/** Puts the report beside the stored core, and anew when a model has given its opinion. A stage of its own: a core that is stored is not put again because this has to be. */
export function sidecar({ backend, reports, telemetry }: Deps): Stage<'StorageEvent' | 'OpinionEvent'> {
	return {
		reads: ['StorageEvent', 'OpinionEvent'],
		concurrency: 1,
		isPatient: true,
		async handle({ kind, key, body }, signal) {
			const report = reports.report(key);
			if (!report) throw new Error(`crash ${key} has no report`);
			const told = kind === 'OpinionEvent' ? report.storage : body.is === 'stored' ? body.storage : undefined;
			if (!isKept(told)) return done();
			const name = `${told.name ?? storedName(report)}.json`;
			try {
				if (!isDeleted(report)) await backend.put(name, jsonOf(report), signal);
				// Who removed the core may have looked for this before it was there.
				if (isDeleted(reports.report(key) ?? report)) await backend.remove([name], signal);
				return done();
			} catch (error) {
				if (!isBackendError(error)) throw error;
				telemetry.storageFailed(key, backend.kind, error.message);
				return retry(error.message);
			}
		},
	};
}
