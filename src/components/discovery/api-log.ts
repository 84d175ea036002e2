import type { Container, Pod } from '../../domain/pod.ts';
import { type Cluster, type Log, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { type End, isSameEnd } from './ends.ts';
import { createPatience } from './patience.ts';
import { tailBytes } from './previous-log.ts';
import { type ApiPod, readPod } from './read-pod.ts';

/**
 * What a run of a container wrote last, as the API has it: of the present run and of the one before, and always of those that there are when
 * it is asked. So the pod is looked at once more after that, lest the words of another run are taken for those of this one.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export function apiLogs(cluster: Cluster, now: () => number) {
	const ask = createPatience(now);

	return async function logOfApi(pod: Pod, end: End, signal: AbortSignal): Promise<Log> {
		const { namespace, name, uid } = pod;
		const container = end.container.name;
		let seen: Pod | undefined = pod;
		// It may be the one before by the time it is asked for.
		for (let tries = 0; tries < 2; tries++) {
			const slot = slotOf(seen, end);
			if (!slot) break;
			const log = await ask(() => cluster.log({ namespace, pod: name, container, previous: slot === 'previous', tailBytes }, signal));
			if (log.is === 'none') return log;
			const found: ApiPod | undefined = await ask(() => cluster.get<ApiPod>(resource('v1', 'pods', namespace, name), signal));
			seen = found && readPod(found);
			if (seen?.uid !== uid) break;
			if (slotOf(seen, end) === slot) return isNoLog(log.tail) ? { is: 'none', reason: log.tail.toString().trim() } : log;
		}
		return { is: 'none', reason: 'it is no longer one of the runs whose logs the API has' };
	};
}

/** By which name the API knows a run: the kubelet tells of it by the same status that the pod shows. */
function slotOf({ containers }: Pod, { container, termination }: End): 'present' | 'previous' | undefined {
	const { end, lastEnd }: Partial<Container> = containers.find(({ name }) => name === container.name) ?? {};
	if (end && isSameEnd(end, termination)) return 'present';
	return lastEnd && isSameEnd(lastEnd, termination) ? 'previous' : undefined;
}

/** What the kubelet answers, with status 200, in place of a log: when the container is thrown away, or the file. */
const noLog = /^(?:unable to retrieve container logs for \S+|failed to (?:try resolving symlinks in path|open log file) "[^\n]*)\n?$/;
const isNoLog = (tail: Buffer) => tail.length < 2_000 && noLog.test(tail.toString());
