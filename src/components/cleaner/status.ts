import { defined } from '../../base/defined.ts';
import { formatSpan } from '../../base/quantity.ts';
import { most, type Phase, type Removal, type SavedAt, type Spec, type Status } from '../../domain/cleanup-object/cleanup-object.ts';
import { cutText } from '../../domain/crash-object/shorten.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Count } from './count.ts';
import type { Support } from './support.ts';
import { howToVeto } from './target.ts';
import { reportsOf } from './told.ts';

/** What is known of an instance when it is looked at. */
export type Findings = {
	readonly count: Count;
	readonly support: Support;
	readonly contents: Status['contents'];
	readonly enforcement: string;
	/** Of one that is on its way out or gone: why it went. Its pods tell nothing any more. */
	readonly restarts?: Status['restarts'];
};

/** What is to be said of a decision. */
export type Turn = {
	readonly phase: Phase;
	readonly why: string;
	/** Else as it was. */
	readonly removal?: Removal;
	readonly saved?: SavedAt;
};

/** In these a removal was begun. */
const begun: readonly Phase[] = ['Running', 'Failed', 'Done'];

/** What an object says of a decision, so that it takes less than 16 KiB. @param before undefined: it says nothing yet */
export function statusOf(
	{ phase, why, ...to }: Turn,
	{ count, support, contents, enforcement, restarts }: Findings,
	{ namespace, spec, status: before }: { readonly namespace: string; readonly spec: Spec; readonly status: Status | undefined },
	now: EpochMs,
): Status {
	const at = new Date(now).toISOString();
	const isSettled = phase === 'Recovered' || begun.includes(phase);
	const reason = cut(isSettled ? why : `${why} (${crashes(count, support, spec)})`);
	const removal = begun.includes(phase) ? (to.removal ?? before?.removal) : undefined;
	const saved = to.saved ?? before?.saved;
	const isNew = before?.phase !== phase;
	const transitions = [...(before?.transitions ?? []), ...(isNew ? [{ phase, at, reason: cutText(why, most.pastReasonBytes) }] : [])];
	return {
		phase,
		reason,
		since: isNew ? at : before.since,
		lookedAt: at,
		restarts: restarts ?? restartsOf(count, support, contents),
		contents,
		...defined({ saved, removal: removal?.words === undefined ? removal : { ...removal, words: cut(removal.words) } }),
		enforcement: cut(enforcement),
		howToVeto: spec.kind === 'unmanaged' ? 'it is not removed in any case' : howToVeto({ namespace }, spec.target),
		transitions: transitions.slice(-most.transitions),
	};
}

const cut = (text: string) => cutText(text, most.textBytes);

const crashes = ({ total }: Count, support: Support, { windowSeconds, limit }: Spec): string =>
	`${total} crash restarts within ${formatSpan(windowSeconds * 1000)}, ${support.total} of them by the restart counts of its pods; more than ${limit} are too many`;

const restartsOf = (count: Count, support: Support, contents: Status['contents']): Status['restarts'] => ({
	counted: count.total,
	shown: support.total,
	...defined({ lastAt: count.last === undefined ? undefined : new Date(count.last).toISOString() }),
	reports: reportsOf(count, contents),
	notCounted: count.left.map((left) => ({ ...left })),
});
