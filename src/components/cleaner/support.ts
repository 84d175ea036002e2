import type { PodNow } from '../../domain/instance-now.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Count } from './count.ts';

/** What the pods themselves say of how often they crashed. */
export type Support = {
	/** So many of the counted crashes can have been. */
	readonly total: number;
	/** When a container of Milvus ended last. */
	readonly last: EpochMs | undefined;
	/** One of them waits in CrashLoopBackOff. */
	readonly isBackingOff: boolean;
};

/**
 * Compares a count with the restarts that the kubelets of the pods count: reports can be wrong, and whoever has the rights of a node agent can write
 * any. Of each component no more crashes are believed than its containers have ended, and of a pod that has not ended within the time, none.
 */
export function supportOf({ byComponent }: Pick<Count, 'byComponent'>, pods: readonly PodNow[], since: EpochMs): Support {
	const ends = new Map<string, number>();
	let last: EpochMs | undefined;
	for (const { component, ends: own, lastEnd } of pods) {
		if (lastEnd === undefined || lastEnd <= since) continue;
		ends.set(component, (ends.get(component) ?? 0) + own);
		last = Math.max(last ?? 0, lastEnd);
	}
	return {
		total: [...byComponent].reduce((sum, [component, count]) => sum + Math.min(count, ends.get(component) ?? 0), 0),
		last,
		isBackingOff: pods.some(({ isBackingOff }) => isBackingOff),
	};
}
