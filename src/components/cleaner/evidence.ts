import { formatSpan } from '../../base/quantity.ts';
import type { CrashFacts } from '../../domain/crash-facts.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Span } from './count.ts';
import { about } from './named.ts';

/**
 * So long after a crash its core is waited for. gdb has 5 min for it, and packing and storing dozens of GB takes 10 to 20; a store that is away for longer
 * may be away for a day, while the instance writes a core every five minutes.
 */
export const longestWaitMs: number = 30 * 60_000;

/** Whether an instance may go as far as what is to be known of its crashes is concerned. */
export type Evidence = {
	/** In words: what it must be waited for. The same from one look to the next. */
	readonly waits?: string;
	/** In words: what will perhaps never be stored, which holds nothing up. */
	readonly gaveUp?: string;
};

/**
 * Whether the newest evidence is safe. An agent finds out more of a core while the pod is there that it came from: whose it was, its files, its log.
 *
 * The newest core of each component is looked at: components crash for reasons of their own, on nodes of their own, and that of one may be stored while
 * that of another is hardly begun. The cores before it mostly tell the same, and whatever is not done with them goes on from the node's disk.
 *
 * What happens after the due time is not waited for: an instance that does nothing but crash always has a core that is not stored yet. So all waiting is
 * over so long after the due time. Nor is a crash waited for of which there is no CrashReport yet.
 *
 * @param crashes of one instance
 * @param span from the window's beginning to the due time
 */
export function evidenceOf(
	crashes: readonly CrashFacts[],
	{ since, until }: Span,
	now: EpochMs,
	{ waitMs }: { readonly waitMs: number },
): Evidence {
	const withCore = crashes.filter(({ core, time }) => core !== undefined && time > since && time <= until);
	const newest = [...Map.groupBy(withCore, ({ component }) => component).values()].flatMap(
		(own) => own.toSorted((a, b) => b.time - a.time)[0] ?? [],
	);
	const pending = newest.filter(({ core }) => core === 'pending').toSorted((a, b) => b.time - a.time);
	const isAwaited = ({ time }: CrashFacts) => now < time + waitMs;
	const awaited = pending.filter(isAwaited);
	const last = new Date((awaited[0]?.time ?? 0) + waitMs).toISOString();
	const waits = about(awaited.map(named), (who) => `the core of ${who} is not stored yet; that is waited for until ${last} at the latest`);
	const gaveUp = about(
		pending.filter((crash) => !isAwaited(crash)).map(named),
		(who) => `the core of ${who} is not stored after ${formatSpan(waitMs)}; it is not waited for any longer`,
	);
	return { ...(waits !== undefined && { waits }), ...(gaveUp !== undefined && { gaveUp }) };
}

const named = ({ report }: CrashFacts) => ({ kind: 'CrashReport', name: report });
