import { z } from 'zod';
import { defined } from '../../base/defined.ts';
import { notAnalysed } from '../fold.ts';
import type { Opinion } from '../opinion.ts';
import type { CrashReport, Storage } from '../report.ts';
import { type Spec, spec as specSchema, status as statusSchema } from './crash-object.ts';

/** The report that an object tells of; what it does not hold is absent. Undefined for what this version can't read. */
export function restored(object: { readonly spec?: unknown; readonly status?: unknown }): CrashReport | undefined {
	const spec = specSchema.safeParse(object.spec);
	if (!spec.success) return undefined;
	const report = ofSpec(spec.data);
	return { ...report, ...ofStatus(readable.parse(object.status), report.time) };
}

function ofSpec({ schemaVersion, storage, threads, opinion, ...spec }: Spec): CrashReport {
	const nothing = { core: null, log: null, restart: null, lostCore: null } as const;
	return {
		...notAnalysed,
		...nothing,
		...spec,
		schemaVersion: 1,
		status: phaseBy(storage),
		threads: threads.map((thread) => ({ ...thread })),
		storage: storage === undefined ? null : storageOf(storage),
		opinion: opinion === undefined ? null : opinionOf(opinion),
	};
}

const storageOf = ({ form, location = '', name, sha256 = '', sizeBytes = 0, reason, was }: NonNullable<Spec['storage']>): Storage =>
	form !== 'none'
		? { form, location, ...defined({ name, reason }), sha256, sizeBytes }
		: { form, reason: reason ?? '', ...defined({ was }) };

/** The rest of it is in the report that the node has. */
function opinionOf({ is, revision, time, reason = '', model = '', ...said }: NonNullable<Spec['opinion']>): Opinion {
	if (is === 'not available') return { is, revision, time, reason };
	const { summary = '…', rootCause = '…', impact = '…', recommendations = [], confidence = 0 } = said;
	const answer = { summary, rootCause, impact, recommendations, confidence, codeSuggestions: [], relatedIssues: [] };
	return { is, revision, time, provider: '', model, promptVersion: 0, answer, unverifiedSuggestions: [], unverifiedIssues: [] };
}

/** How far a crash has come at least. */
function phaseBy(storage: Spec['storage']): CrashReport['status'] {
	if (storage && storage.form !== 'none') return 'stored';
	return storage?.was ? 'deleted' : 'analysed';
}

const { phase, count, firstTime, lastTime, recentTimes } = statusSchema.shape;
/** A status is written after the object is made, and what a newer version has in one field is no reason to forget the others. */
const readable = z
	.object({
		phase: phase.optional().catch(undefined),
		count: count.catch(1),
		firstTime: firstTime.optional().catch(undefined),
		lastTime: lastTime.optional().catch(undefined),
		recentTimes: recentTimes.unwrap().optional().catch(undefined),
	})
	.catch({ count: 1 });

const ofStatus = ({ phase, count, firstTime, lastTime, recentTimes }: z.infer<typeof readable>, time: string) =>
	defined({
		status: phase,
		repeats: count > 1 ? { count, firstTime: firstTime ?? time, lastTime: lastTime ?? time, ...defined({ recentTimes }) } : undefined,
	});
