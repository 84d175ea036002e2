import type { Container, Pod, Termination } from '../../domain/pod.ts';
import { signalName } from '../../domain/signals.ts';

/** The end of one run of a container, as a look at the pod shows it. */
export type End = {
	readonly container: Container;
	readonly termination: Termination;
	/** The container's restart count after this end; a kubelet that does not restart it leaves it one lower. */
	readonly restartCount: number;
	/** Ends between the last look and this one. */
	readonly missed: number;
};

/** The ends that a look at a pod can tell of: of the run that is over, and of the one before it. */
export function endsIn({ containers }: Pick<Pod, 'containers'>): readonly Omit<End, 'missed'>[] {
	return containers.flatMap((container) =>
		[
			{ container, termination: container.lastEnd, restartCount: container.restartCount },
			{ container, termination: container.end, restartCount: container.restartCount + 1 },
		].flatMap(({ termination, ...end }) => (termination ? [{ ...end, termination }] : [])),
	);
}

/**
 * The ends that are new since the last look.
 *
 * @param seen the restart count of each container after the last end that was told of; undefined for a container that is seen for the first
 *   time, of whose earlier ends only the last is told
 */
export function newEnds(pod: Pick<Pod, 'containers'>, seen: (container: string) => number | undefined): readonly End[] {
	const ends: End[] = [];
	const counts = new Map<string, number | undefined>();
	for (const end of endsIn(pod)) {
		const { name } = end.container;
		const before = counts.has(name) ? counts.get(name) : seen(name);
		if (before !== undefined && end.restartCount <= before) continue;
		ends.push({ ...end, missed: before === undefined ? 0 : end.restartCount - before - 1 });
		counts.set(name, end.restartCount);
	}
	return ends;
}

const [SIGKILL, SIGTERM] = [9, 15];

/**
 * The signal that ended a run. The runtime seldom tells it; an init turns the death of its child by a signal into 128 and the number of that,
 * as shells do.
 */
export function signalOf({ signal, exitCode }: Termination): { readonly number: number; readonly name: string } | undefined {
	const number = signal ?? (exitCode > 128 && exitCode < 128 + 65 ? exitCode - 128 : undefined);
	return number === undefined ? undefined : { number, name: signalName(number) };
}

/** Whether a run ended otherwise than it should: with an error, and not because somebody wanted the pod to go. */
export function isCrash(termination: Termination, { isEnding }: Pick<Pod, 'isEnding'>): boolean {
	if (termination.exitCode === 0) return false;
	const signal = signalOf(termination)?.number;
	return !(isEnding && termination.reason !== 'OOMKilled' && (signal === SIGKILL || signal === SIGTERM));
}

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
