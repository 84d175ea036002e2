import type { Container, ContainerEnd, KnownPod, Pod, Termination } from '../../domain/pod.ts';
import { signalName, signalOfExit } from '../../domain/signals.ts';

/** The end of one run of a container that nobody was told of yet. */
export type End = {
	readonly container: Container;
	readonly termination: Termination;
	/** The container's restart count after this end. */
	readonly restartCount: number;
	readonly wasEnding: boolean;
	/** Ends between the last that was told of and this one. */
	readonly missed: number;
};

type Run = { readonly containerId?: string | undefined; readonly finishedAt?: number | undefined };

/** How far the ends of one container have been told of: the last of them, or what was counted when there was none to see. */
export type Told = Run & { readonly restartCount: number };

/** The ends that a pod shows: of each container how its run before ended, and how its present one did. */
export function endsIn({ containers, isEnding }: Pick<Pod, 'containers' | 'isEnding'>): readonly ContainerEnd[] {
	return containers.flatMap(({ name, lastEnd, end, restartCount }) => [
		...(lastEnd ? [{ container: name, termination: lastEnd, restartCount, wasEnding: isEnding }] : []),
		// The kubelet counts it when the next run begins, if one does.
		...(end ? [{ container: name, termination: end, restartCount: restartCount + 1, wasEnding: isEnding }] : []),
	]);
}

/** Whether two looks saw the same end: by the run's id, else by when it was. */
export function isSameEnd(one: Run, other: Run): boolean {
	if (one.containerId !== undefined && other.containerId !== undefined) return one.containerId === other.containerId;
	return one.finishedAt !== undefined && one.finishedAt === other.finishedAt;
}

/**
 * The ends that nobody was told of yet, container by container, the oldest first.
 *
 * @param told undefined for a container that was never looked at: nothing is known of what it may have missed
 */
export function newEnds({ pod, ends }: Pick<KnownPod, 'pod' | 'ends'>, told: (container: string) => Told | undefined): readonly End[] {
	return pod.containers.flatMap((container) => {
		const fresh: End[] = [];
		let last = told(container.name);
		const own = ends.filter((end) => end.container === container.name);
		const since = own.slice(own.findLastIndex(({ termination }) => last && isSameEnd(termination, last)) + 1);
		for (const { termination, restartCount, wasEnding = false } of since) {
			if (last && !follows({ termination, restartCount }, last)) continue;
			const missed = last ? Math.max(0, restartCount - last.restartCount - 1) : 0;
			fresh.push({ container, termination, restartCount, wasEnding, missed });
			last = toldOf({ termination, restartCount });
		}
		return fresh;
	});
}

export const toldOf = ({ termination, restartCount }: Pick<End, 'termination' | 'restartCount'>): Told => ({
	restartCount,
	containerId: termination.containerId,
	finishedAt: termination.finishedAt,
});

/** Counted after what was told; or counted less and yet later: a node that lost its containers counts from the start again. */
function follows({ termination, restartCount }: Pick<End, 'termination' | 'restartCount'>, told: Told): boolean {
	if (restartCount > told.restartCount) return true;
	return termination.containerId !== undefined && (termination.finishedAt ?? 0) > (told.finishedAt ?? Number.POSITIVE_INFINITY);
}

const [SIGKILL, SIGTERM] = [9, 15];

/** The signal that ended a run. The runtime seldom tells it. */
export function signalOf({ signal, exitCode }: Termination): { readonly number: number; readonly name: string } | undefined {
	const number = signal ?? signalOfExit(exitCode);
	return number === undefined ? undefined : { number, name: signalName(number) };
}

/** Whether a run ended otherwise than it should: with an error that was seen, and not because somebody wanted the pod to go. */
export function isCrash({ termination, wasEnding }: Pick<End, 'termination' | 'wasEnding'>): boolean {
	if (termination.exitCode === 0 || isUnknown(termination)) return false;
	const signal = signalOf(termination)?.number;
	return !(wasEnding && termination.reason !== 'OOMKilled' && (signal === SIGKILL || signal === SIGTERM));
}

/** Nobody saw the end: the node was restarted, or lost its containers. The exit code is made up by containerd, or by the kubelet. */
const isUnknown = ({ reason, exitCode }: Termination) =>
	(reason === 'Unknown' && exitCode === 255) || (reason === 'ContainerStatusUnknown' && exitCode === 137);

/** Within this time of the pod's start Milvus may still be waiting for etcd, its message queue or its coordinators, and exits meanwhile. */
const startUpMs = 5 * 60_000;
const mostStartUpRestarts = 5;

/**
 * Whether a run ended as those do in which Milvus looks for what it depends on: soon after the pod started, by its own decision.
 *
 * @param isPanic whether the log proves a panic: the way in which Milvus gives up waiting, with the exit code of SIGABRT
 */
export function isStartUp({ termination, restartCount }: Pick<End, 'termination' | 'restartCount'>, pod: Pod, isPanic: boolean): boolean {
	const { finishedAt, exitCode, reason } = termination;
	if (pod.startedAt === undefined || finishedAt === undefined || finishedAt - pod.startedAt > startUpMs) return false;
	return restartCount <= mostStartUpRestarts && reason !== 'OOMKilled' && (exitCode < 128 || (exitCode === 134 && isPanic));
}
