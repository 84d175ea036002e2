import { defined } from '../base/defined.ts';
import type { Event } from '../domain/events.ts';
import type { CrashReport } from '../domain/report.ts';
import { type JournalGuest, type JournalView, joinJournal, type Readers } from '../journal/journal.ts';

/** What became of the wish for a new revision of a report. */
export type Asked =
	| { readonly is: 'asked'; readonly revision: number; readonly before: CrashReport }
	| { readonly is: 'refused'; readonly reason: string };

/** What the stages read of what is appended here. */
const readers: Readers = { CoredumpFile: ['analyzer'], OpinionRequest: ['opinion'] };

/** The stages that write the report; the others only pass it on. */
const writers: ReadonlySet<string> = new Set(['analyzer', 'storage', 'opinion']);

/** Comes to the journal of an agent as a guest. @throws {JournalError} none there, of another version, or not usable */
export const joinAgent = (path: string): JournalGuest => joinJournal(path, readers);

/** What a stage still has to do until a report says all that it will; undefined where it does. */
export const isUnderway = (view: JournalView, id: string): { readonly stage: string; readonly reason: string | null } | undefined =>
	view.unsettled(id).find(({ stage }) => writers.has(stage));

/**
 * Has the agent look into a crash once more, by the rules that it has now, or ask a model anew.
 *
 * @param model absent: it is analysed
 * @throws {JournalUnavailable | JournalError} then nothing was asked
 */
export function askAnew(guest: JournalGuest, id: string, model: string | undefined): Asked {
	let asked: Asked = { is: 'refused', reason: `there is no crash ${id}` };
	guest.append((view) => {
		const before = view.report(id);
		if (!before) return [];
		const underway = isUnderway(view, id);
		if (underway) {
			const why = underway.reason === null ? '' : `: ${underway.reason.split('\n')[0]}`;
			asked = { is: 'refused', reason: `${underway.stage} is not done with it yet${why}; try again then` };
			return [];
		}
		const revision = before.revision + 1;
		asked = { is: 'asked', revision, before };
		return [model === undefined ? anew(before, revision) : { kind: 'OpinionRequest', key: id, revision, body: { model } }];
	});
	return asked;
}

/** All that is known of what a crash left, as it was reported last. */
const anew = ({ id, core, log, time, foundAt, association, restart, lostCore }: CrashReport, revision: number): Event<'CoredumpFile'> => ({
	kind: 'CoredumpFile',
	key: id,
	revision,
	body: {
		...{ core, log, time, foundAt, association },
		...defined({ restart: restart ?? undefined, lostCore: lostCore ?? undefined }),
		isAnew: true,
	},
});
