import type { EpochMs } from '../../domain/stage.ts';
import type { Suspect } from './suspects.ts';

/**
 * More than that, and something is wrong that they have in common: a node, a storage, an etcd. One instance that crashes by itself is usual, two may be
 * a user's who makes the same mistake twice, and a third by chance.
 */
export const mostAtOnce = 3;

/**
 * What is held against removing any instance while many do nothing but crash: undefined where they are few.
 *
 * One that has been in the same state for longer than the window is a case of its own, unless nothing but the storm holds it.
 */
export function stormIn(suspects: readonly Suspect[], windowMs: number, now: EpochMs): string | undefined {
	const count = suspects.filter((suspect) => isOfStorm(suspect, now - windowMs)).length;
	if (count <= mostAtOnce) return undefined;
	return `${count} instances do nothing but crash at once, more than ${mostAtOnce}: a node, a storage or an etcd may be the cause`;
}

function isOfStorm({ isOver, isCrashing, open }: Suspect, since: EpochMs): boolean {
	if (!isOver || !isCrashing) return false;
	if (open.size === 0) return true;
	return [...open].some(
		([decision, vetoes]) => decision.phase === 'Pending' || decision.since > since || (decision.phase === 'Vetoed' && vetoes.length === 0),
	);
}
