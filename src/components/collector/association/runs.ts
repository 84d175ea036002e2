import type { KnownPod } from '../../../domain/pod.ts';
import type { Seen } from '../../../domain/sightings.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { type Death, isBefore, timeOf } from './fit.ts';

/** One run of a container. */
type Run = {
	/** How many there were before it. */
	readonly number: number;
	readonly startedAt: EpochMs | undefined;
	/** Absent while it goes on. */
	readonly finishedAt?: EpochMs | undefined;
};

/**
 * Whether all containers of a pod are known not to have ended unseen when a process died: each had a run then whose end is known, or that goes
 * on, or it had none. The kubelet keeps the last end only, so those before it may have been missed.
 */
export function isAccountedFor(known: KnownPod | undefined, restarts: readonly Seen<'RestartEvent'>[], { timeMs }: Death): boolean {
	const runs = runsOf(known, restarts);
	return runs.size > 0 && [...runs.values()].every((one) => isRunKnown(one, timeMs));
}

function isRunKnown(runs: readonly Run[], timeMs: EpochMs): boolean {
	const isThen = ({ startedAt, finishedAt = Infinity }: Run) =>
		startedAt !== undefined && startedAt <= timeMs && timeMs < finishedAt + 1_000;
	if (runs.some(isThen)) return true;
	// Between two runs of which one followed the other, and before the first.
	return runs.some(
		({ number, startedAt }) =>
			startedAt !== undefined &&
			isBefore(timeMs, startedAt) &&
			(number === 0 || runs.some((one) => one.number === number - 1 && one.finishedAt !== undefined && one.finishedAt <= timeMs)),
	);
}

/** What is known of the runs of each container. */
function runsOf(known: KnownPod | undefined, restarts: readonly Seen<'RestartEvent'>[]): ReadonlyMap<string, readonly Run[]> {
	const runs: (Run & { readonly container: string })[] = [];
	for (const { container, restartCount, termination } of known?.ends ?? [])
		runs.push({ container, number: restartCount - 1, startedAt: termination.startedAt, finishedAt: termination.finishedAt });
	for (const { association, restart } of restarts.map(({ body }) => body))
		runs.push({
			container: association.container,
			number: (association.restartCount ?? 0) - 1,
			startedAt: timeOf(restart.startedAt),
			finishedAt: timeOf(restart.finishedAt),
		});
	for (const { name: container, restartCount: number, startedAt, end } of known?.pod.containers ?? [])
		if (startedAt !== undefined && end === undefined) runs.push({ container, number, startedAt });
	return Map.groupBy(runs, ({ container }) => container);
}
