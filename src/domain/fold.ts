import type { Event } from './events.ts';
import type { Analysis, CrashReport } from './report.ts';
import { isKept } from './stored-file.ts';

/** The crash report after one more event. Pure: the journal runs it in the transaction that appends the event. */
export function fold(report: CrashReport | undefined, event: Event): CrashReport | undefined {
	switch (event.kind) {
		case 'FoundCore':
		case 'CoreRecord':
		case 'CoreNote':
		case 'RestartEvent':
		case 'RecoveryEvent':
		case 'Correlation':
			return report; // of no crash yet: the collector says of which
		case 'CoredumpFile':
			return report ? amended(report, event) : found(event);
		case 'AnalysisResults':
			return report && analysed(report, event);
		case 'StorageEvent':
			return report && (isDeleted(report) ? report : { ...report, ...settled(event.body) });
		case 'OpinionRequest':
			return report && { ...report, revision: Math.max(report.revision, event.revision ?? 1) };
		case 'OpinionEvent':
			return report && withOpinion(report, event);
		case 'DeletionEvent':
			return report && deleted(report, event);
		default:
			return event satisfies never;
	}
}

function found({ key, body }: Event<'CoredumpFile'>): CrashReport {
	const { core, log, time, foundAt, association = notAnalysed.association, restart = null, lostCore = null } = body;
	return {
		schemaVersion: 1,
		id: key,
		revision: 1,
		status: 'found',
		evidence: evidenceOf(body),
		time,
		foundAt,
		core,
		log,
		restart,
		lostCore,
		...notAnalysed,
		association,
		storage: null,
		opinion: null,
	};
}

/** The report when more is known of what the crash left. What was found out stays until that has been looked at anew. */
function amended(report: CrashReport, { revision = 1, body }: Event<'CoredumpFile'>): CrashReport {
	if (revision <= report.revision) return report;
	const { core, log, time, restart = null, lostCore = null, association = report.association } = body;
	// What was decided of a crash without a core says nothing of its core.
	const undecided = core && !report.core ? ({ status: 'found', storage: null } as const) : {};
	return { ...report, revision, evidence: evidenceOf(body), core, log, time, restart, lostCore, association, ...undecided };
}

/** What was found out of less than is known now says nothing of where it was, and nothing at all beside what was found out of more. */
function analysed(report: CrashReport, { revision = 1, body }: Event<'AnalysisResults'>): CrashReport {
	const { core, analysis } = body;
	const status = isDeleted(report) ? 'deleted' : 'analysed';
	if (revision >= report.revision) return { ...report, status, core, ...analysis };
	return report.status === 'found' ? { ...report, status: 'analysed', ...analysis, association: report.association } : report;
}

/** The opinion on the newest revision that was asked about; one that was given is not replaced by none. */
function withOpinion(report: CrashReport, { body: { opinion } }: Event<'OpinionEvent'>): CrashReport {
	const before = report.opinion;
	if (before && (before.revision > opinion.revision || (before.is === 'given' && opinion.is !== 'given'))) return report;
	return { ...report, opinion };
}

/** Once only, and for good. */
function deleted(report: CrashReport, { body: { time, why, reason } }: Event<'DeletionEvent'>): CrashReport {
	if (!isKept(report.storage)) return report;
	const { location, sha256, sizeBytes } = report.storage;
	return { ...report, status: 'deleted', storage: { form: 'none', reason, was: { location, sha256, sizeBytes, deletedAt: time, why } } };
}

/** Whether its core was stored, and is not any more. */
export const isDeleted = ({ storage }: CrashReport): boolean => storage?.form === 'none' && storage.was !== undefined;

const evidenceOf = ({ core, log, restart }: Event<'CoredumpFile'>['body']): CrashReport['evidence'] => [
	...(core ? (['core'] as const) : []),
	...(log ? (['log'] as const) : []),
	...(restart ? (['restart'] as const) : []),
];

/**
 * The crash report after a stage has given up on it for good. What is stored stays stored; else the crash's way ends here.
 *
 * @param reason in one line
 */
export function foldGivenUp(report: CrashReport, stage: string, reason: string): CrashReport {
	const notes = [...report.notes, `${stage} gave up: ${reason}`];
	if (report.storage) return { ...report, notes };
	return { ...report, status: 'failed', notes, storage: { form: 'none', reason: `${stage} gave up` } };
}

/** What is known of a crash that was not looked into, or could not be. */
export const notAnalysed: Analysis = {
	complete: 'unknown',
	signal: null,
	coreSignal: null,
	process: {},
	association: { method: 'none', confidence: 'none' },
	kind: 'unknown',
	reason: null,
	message: null,
	culprit: null,
	fingerprint: null,
	looseFingerprint: null,
	registers: {},
	threads: [],
	modules: [],
	stack: 'none',
	knownIssues: [],
	score: null,
	notes: [],
};

function settled(body: Event<'StorageEvent'>['body']): Pick<CrashReport, 'status' | 'storage'> {
	switch (body.is) {
		case 'stored':
			return { status: 'stored', storage: body.storage };
		case 'skipped':
		case 'lost':
			return { status: body.is, storage: { form: 'none', reason: body.reason } };
		default:
			return body satisfies never;
	}
}
