import type { CrashFacts } from '../../domain/crash-facts.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { exclusions, type Switches } from './rules.ts';

/** How often an instance has crashed lately, and of what was left out, why. */
export type Count = {
	readonly total: number;
	/** The reports of which some count, those with the most first. */
	readonly reports: readonly { readonly name: string; readonly count: number }[];
	readonly byComponent: ReadonlyMap<string, number>;
	/** When the last that counts was. */
	readonly last: EpochMs | undefined;
	readonly left: readonly Left[];
};

export type Left = { readonly why: string; readonly count: number };

/** After the one, and not after the other. */
export type Span = { readonly since: EpochMs; readonly until: EpochMs };

/** Counts the crashes of one instance. What a report does not tell the time of counts for nothing. */
export function countCrashes(crashes: Iterable<CrashFacts>, switches: Switches, { since, until }: Span): Count {
	const reports: { name: string; count: number }[] = [];
	const byComponent = new Map<string, number>();
	const left = new Map<string, number>();
	let last: EpochMs | undefined;
	for (const crash of crashes) {
		let count = 0;
		for (const time of crash.times) {
			if (time <= since || time > until) continue;
			const exclusion = exclusions.find((rule) => rule.applies(crash, time, switches));
			if (exclusion) {
				add(left, exclusion.why);
				continue;
			}
			count++;
			add(byComponent, crash.component);
			last = Math.max(last ?? 0, time);
		}
		if (count > 0) reports.push({ name: crash.report, count });
	}
	reports.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
	return {
		total: reports.reduce((sum, { count }) => sum + count, 0),
		reports,
		byComponent,
		last,
		left: [...left].map(([why, count]) => ({ why, count })),
	};
}

const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
