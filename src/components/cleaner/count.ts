import type { CrashFacts } from '../../domain/crash-facts.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { exclusions, type Switches } from './rules.ts';

/** How often an instance has crashed lately, and of what was left out, why. */
export type Count<C extends CrashFacts = CrashFacts> = {
	readonly counted: readonly Counted<C>[];
	readonly total: number;
	/** When the last that counts was. */
	readonly last: EpochMs | undefined;
	readonly left: readonly { readonly why: string; readonly count: number }[];
};

export type Counted<C extends CrashFacts = CrashFacts> = { readonly crash: C; readonly count: number };

/** After that time. */
export type Since = { readonly since: EpochMs };

/**
 * Counts the crashes of one instance.
 *
 * A report that stands for many tells the times of the last ones. Where it stands for more than it tells the times of, those whose time is not told count
 * only if the oldest that is told is within the window, and the first of all is too: what may have been before counts for nothing.
 */
export function countCrashes<C extends CrashFacts>(crashes: Iterable<C>, switches: Switches & Since): Count<C> {
	const counted: Counted<C>[] = [];
	const left = new Map<string, number>();
	let last: EpochMs | undefined;
	for (const crash of crashes) {
		const count = countOf(crash, switches.since);
		if (count === 0) continue;
		const exclusion = exclusions.find((rule) => rule.applies(crash, switches));
		if (exclusion) left.set(exclusion.why, (left.get(exclusion.why) ?? 0) + count);
		else {
			counted.push({ crash, count });
			last = Math.max(last ?? 0, ...crash.times);
		}
	}
	return {
		counted,
		total: counted.reduce((sum, { count }) => sum + count, 0),
		last,
		left: [...left].map(([why, count]) => ({ why, count })),
	};
}

/** So many of them are known to be within the time. */
function countOf({ times }: CrashFacts, since: EpochMs): number {
	return times.filter((time) => time > since).length;
}
