import type { Event } from './events.ts';
import type { Analysis, CrashReport } from './report.ts';

/** The crash report after one more event. Pure: the journal runs it in the transaction that appends the event. */
export function fold(report: CrashReport | undefined, event: Event): CrashReport | undefined {
	switch (event.kind) {
		case 'CoredumpFile': {
			if (report) return report;
			const { core, log, time, foundAt } = event.body;
			return {
				schemaVersion: 1,
				id: event.key,
				revision: 1,
				status: 'found',
				evidence: [...(core ? (['core'] as const) : []), ...(log ? (['log'] as const) : [])],
				time,
				foundAt,
				core,
				log,
				...notAnalysed,
				storage: null,
			};
		}
		case 'AnalysisResults':
			return report && { ...report, status: 'analysed', core: event.body.core, ...event.body.analysis };
		case 'StorageEvent':
			return report && { ...report, ...settled(event.body) };
		default:
			return event satisfies never;
	}
}

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
