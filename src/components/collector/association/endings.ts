import { defined } from '../../../base/defined.ts';
import { placeOf } from '../../../domain/place.ts';
import type { KnownPod } from '../../../domain/pod.ts';
import type { Association } from '../../../domain/report.ts';
import type { Seen } from '../../../domain/sightings.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import type { Knowledge } from './association.ts';

/** When a process died, and of what. */
export type CrashTime = {
	/** As the kernel told who wrote the core; often in whole seconds. */
	readonly timeMs: EpochMs;
	/** When the core was written to its end: until then the process, and its container, are not over. */
	readonly writtenAtMs: EpochMs;
	/** What the core says; undefined where it was not read. */
	readonly signal?: number | undefined;
};

/** An end of a container of this node. */
export type Ending = {
	readonly podUid: string;
	readonly namespace: string;
	readonly host: string;
	readonly isHostNetwork: boolean;
	readonly finishedAt: EpochMs;
	readonly exitCode: number;
	readonly signal?: number | undefined;
	readonly isOfMilvus: boolean;
	/** Where and how, with method and confidence still to be said. */
	readonly association: Omit<Association, 'method' | 'confidence'>;
	readonly restart?: Seen<'RestartEvent'>;
};

/** Both clocks are the node's; both times may be cut to whole seconds. */
const earlyMs = 2_000;
/** The runtime notices within this time that the process is over. */
const lateMs = 10_000;

/** Whether a container's end can be what a crash of its first process, or of that's only child, led to. */
export function fits(end: Pick<Ending, 'finishedAt' | 'exitCode' | 'signal'>, { timeMs, writtenAtMs, signal }: CrashTime): boolean {
	if (end.finishedAt < timeMs - earlyMs || end.finishedAt > Math.max(timeMs, writtenAtMs) + lateMs) return false;
	return end.signal !== undefined && (signal === undefined || end.signal === signal);
}

/** All ends that are known: of Milvus from what was told of them, of the others from the pods. */
export function endingsOf({ pods, restarts }: Knowledge): Ending[] {
	const told = restarts.flatMap((restart) => ofRestart(restart, pods.byUid(restart.body.association.podUid)) ?? []);
	const others = [...pods.all()].filter(({ membership }) => membership === undefined).flatMap(ofPod);
	return [...told, ...others];
}

function ofRestart(restart: Seen<'RestartEvent'>, known: KnownPod | undefined): Ending | undefined {
	const { association, restart: how, host, time } = restart.body;
	const { method, confidence, ...where } = association;
	return {
		podUid: association.podUid,
		namespace: association.namespace,
		host,
		isHostNetwork: known?.pod.isHostNetwork ?? false,
		finishedAt: Date.parse(how.finishedAt ?? time),
		exitCode: association.exitCode ?? 0,
		signal: how.signal?.number,
		isOfMilvus: true,
		association: where,
		restart,
	};
}

const ofPod = ({ pod, membership, ends }: KnownPod): Ending[] =>
	ends.flatMap(({ container, restartCount, termination: { finishedAt, exitCode, signal, containerId, reason } }) =>
		finishedAt === undefined
			? []
			: [
					{
						podUid: pod.uid,
						namespace: pod.namespace,
						host: pod.hostname,
						isHostNetwork: pod.isHostNetwork,
						finishedAt,
						exitCode,
						signal: signal ?? (exitCode > 128 ? exitCode - 128 : undefined),
						isOfMilvus: false,
						association: { ...placeOf(pod, membership, container), ...defined({ containerId, restartCount, exitCode, reason }) },
					},
				],
	);
