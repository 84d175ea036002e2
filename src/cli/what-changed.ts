import { placeName, sourcePlace } from '../domain/frames.ts';
import type { CrashReport } from '../domain/report.ts';

export type Change = { readonly what: string; readonly before: string; readonly after: string };

/** What two revisions of a report say differently, of what people look at first. */
export function whatChanged(before: CrashReport, after: CrashReport): Change[] {
	return facts
		.map(([what, told]) => ({ what, before: told(before), after: told(after) }))
		.filter((change) => change.before !== change.after);
}

const none = 'none';

const facts: readonly (readonly [what: string, told: (report: CrashReport) => string])[] = [
	['reason', ({ reason }) => reason ?? none],
	['culprit', ({ culprit }) => (culprit ? [placeName(culprit), sourcePlace(culprit)].filter(Boolean).join(' ') : none)],
	['fingerprint', ({ fingerprint }) => fingerprint ?? none],
	['known issues', ({ knownIssues }) => knownIssues.map(({ id }) => id).join(', ') || none],
	['score', ({ score }) => (score ? String(score.total) : none)],
	['status', ({ status }) => status],
	['opinion', ({ opinion }) => opinionOf(opinion)],
];

function opinionOf(opinion: CrashReport['opinion']): string {
	if (!opinion) return none;
	return opinion.is === 'given' ? `${opinion.model}: ${opinion.answer.summary}` : `not available (${opinion.reason})`;
}
