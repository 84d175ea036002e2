import { defined } from '../../base/defined.ts';
import { notAnalysed } from '../fold.ts';
import type { CrashReport, Storage } from '../report.ts';
import { type Spec, type Status, spec as specSchema, status as statusSchema } from './crash-object.ts';

/** The report that an object tells of; what it does not hold is absent. Undefined for what this version can't read. */
export function restored(object: { readonly spec?: unknown; readonly status?: unknown }): CrashReport | undefined {
	const spec = specSchema.safeParse(object.spec);
	if (!spec.success) return undefined;
	// A status is written after the object is made.
	const status = statusSchema.safeParse(object.status);
	return { ...ofSpec(spec.data), ...(status.success ? ofStatus(status.data) : {}) };
}

function ofSpec({ schemaVersion, storage, threads, ...spec }: Spec): CrashReport {
	const nothing = { core: null, log: null, restart: null, lostCore: null } as const;
	return {
		...notAnalysed,
		...nothing,
		...spec,
		schemaVersion: 1,
		status: 'analysed',
		threads: threads.map((thread) => ({ ...thread })),
		storage: storage === undefined ? null : storageOf(storage),
	};
}

const storageOf = ({ form, location = '', name, sha256 = '', sizeBytes = 0, reason, was }: NonNullable<Spec['storage']>): Storage =>
	form === 'full'
		? { form, location, ...defined({ name, reason }), sha256, sizeBytes }
		: { form, reason: reason ?? '', ...defined({ was }) };

const ofStatus = ({ phase, count, firstTime, lastTime }: Status) =>
	defined({ status: phase, repeats: count > 1 ? { count, firstTime, lastTime } : undefined });
