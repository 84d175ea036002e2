import type { History } from './cleanup-history.ts';
import { mistaken } from './log.ts';
import { minute, rules } from './plan.ts';
import { noRoom } from './world.ts';

/** Whoever looks takes so long at most until something has come of it: he looks again and again, and is slow. */
const slackMs = 4 * minute;
/** After so long a removal that failed is tried again, if it is tried again. */
const retryMs = 8 * minute;
const mostAttempts = 5;

/** What meets the conditions for the delay under one living leader does not stay, unless something holds it, which its object says. */
export function* staying({ log, leaders }: History): Generator<string> {
	if (leaders !== 1) return;
	/** Since when something has been so at each look, of what is to be removed and of the leader that looks. */
	const spans = new Map<string, Map<string, number>>();
	const others = mistaken(log);
	for (const entry of log) {
		if (entry.is !== 'look' || others.has(entry.uid)) continue;
		const { at, by, uid, truth, object } = entry;
		const { phase, removal, why } = object ?? {};
		const isWanted = !truth.isKept && truth.isEnforced;
		const isHalf = truth.left === 'half';
		const meets = isWanted && truth.left === 'all' && truth.isBad;
		const key = `${uid} ${by}`;
		const since = spans.get(key) ?? new Map<string, number>();
		spans.set(key, since);
		const lasts = (what: string, is: boolean): number => {
			if (!is) since.delete(what);
			else if (!since.has(what)) since.set(what, at);
			return at - (since.get(what) ?? at);
		};

		const meetsFor = lasts('meets', meets);
		const freeFor = lasts('free', !truth.isHeld);
		const heldFor = lasts('held', truth.isHeld);
		const mayBeTried = (meets && !truth.isHeld) || (isWanted && isHalf);
		const isBegun = phase === 'Failed' || (phase === 'Running' && isHalf);
		const idleFor = lasts(`idle since ${removal?.beganAt}`, mayBeTried && isBegun && (removal?.attempts ?? 0) < mostAttempts);
		if (entry.isSecond) continue; // it is being removed

		const isLong = meetsFor > rules.delayMs + slackMs;
		const says = `${at}: ${uid} is ${phase}: ${why}`;
		if (isLong && freeFor > slackMs && phase !== 'Failed') yield `${says}, and stays`;
		if (isLong && heldFor > slackMs && !(phase === 'Failed' || (phase === 'Pending' && why?.includes(noRoom))))
			yield `${says}, and is held up`;
		if (idleFor > retryMs + slackMs) yield `${says}, and is not tried again`;
		if (isHalf && phase !== 'Running' && phase !== 'Failed') yield `${says}, and half of it is removed`;
	}
}
