import type { Agenda } from './agenda.ts';
import type { Ends } from './ends.ts';
import type { Kept } from './objects.ts';
import { minute, type Plan } from './plan.ts';

/** Many a one acts only when he sees that it is serious. */
export function people(agenda: Agenda, plan: Plan, random: () => number, ends: Ends) {
	const whiles = [plan.vetoes, plan.dryRuns, plan.holds, plan.calms];
	const acts = [
		...whiles.map((spans) => () => spans.push({ from: agenda.now, lasts: random() * 15 * minute })),
		ends.bySomebody,
		ends.exchange,
	];

	return {
		/** They look at a decision that has come into another phase. */
		see(decision: Kept | undefined): void {
			if (decision?.phase !== 'Running' && decision?.phase !== 'Failed') return;
			const act = acts[Math.floor(random() * acts.length * 1.5)];
			if (act) agenda.at(agenda.now + random() ** 5 * minute, act);
		},
	};
}
