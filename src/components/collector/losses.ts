import type { Bodies } from '../../domain/events.ts';
import type { KnownPod, Pods } from '../../domain/pod.ts';
import type { LostCore } from '../../domain/report.ts';
import type { Seen } from '../../domain/sightings.ts';

/** The kernel and systemd write when the process dies; the container ends within seconds of that. */
const beforeMs = 15_000;
const afterMs = 5_000;
/** The kernel cuts names to this. */
const longestName = 15;

/**
 * Why a crash that should have left a core has none, as the host's journal tells. Most notes name a process, or a thread of it, and not its
 * container: what was written about the time of the end, and of no process of another pod as far as that is known, is taken for it.
 */
export function lossFor(
	{ restart, time, host }: Bodies['RestartEvent'],
	notes: readonly Seen<'CoreNote'>[],
	pods: Pods,
): LostCore | undefined {
	const endedAt = Date.parse(restart.finishedAt ?? time);
	const others = new Set([...pods.all()].flatMap(otherPrograms));
	const near = notes.filter(({ body }) => {
		const at = Date.parse(body.time);
		const isNear = at >= endedAt - beforeMs && at <= endedAt + afterMs;
		const isOfOthers = (body.name !== undefined && others.has(body.name)) || (body.host !== undefined && body.host !== host);
		return isNear && !isOfOthers && body.file === undefined;
	});
	const distance = ({ body }: Seen<'CoreNote'>) => Math.abs(Date.parse(body.time) - endedAt);
	return near.sort((a, b) => distance(a) - distance(b))[0]?.body.lost;
}

/** Containers mostly bear the name of the program that they run. */
const otherPrograms = ({ pod, milvusContainer }: KnownPod) =>
	pod.containers.filter(({ name }) => name !== milvusContainer).map(({ name }) => name.slice(0, longestName));
