import { defined } from '../../base/defined.ts';
import type { Event } from '../../domain/events.ts';
import { crashId } from '../../domain/identity.ts';
import { placeOf } from '../../domain/place.ts';
import type { Membership, Pod } from '../../domain/pod.ts';
import type { Log } from '../../domain/report.ts';
import { type End, isStartUp, signalOf } from './ends.ts';

/** What is known of the end of a container of Milvus. */
export type ToldEnd = {
	readonly pod: Pod;
	readonly membership: Membership;
	readonly end: End;
	readonly log: Log | undefined;
	/** The line of the log that proves a panic. */
	readonly panicLine: string | undefined;
	readonly killMessage: string | undefined;
	readonly foundAt: number;
};

/** The same for each look at the same end: by the run that ended, else by how many there were. */
export const restartKey = (pod: Pod, { container, termination, restartCount }: End): string =>
	crashId({ by: 'container', podUid: pod.uid, container: container.name, run: termination.containerId ?? `#${restartCount}` });

export function restartEvent({ pod, membership, end, log, panicLine, killMessage, foundAt }: ToldEnd): Event<'RestartEvent'> {
	const { container, termination, restartCount, missed } = end;
	return {
		kind: 'RestartEvent',
		key: restartKey(pod, end),
		joinKey: hostOf(pod),
		body: {
			association: {
				method: 'container status',
				confidence: 'exact',
				...placeOf(pod, membership),
				container: container.name,
				...defined({ containerId: termination.containerId }),
				image: container.image,
				restartCount,
				exitCode: termination.exitCode,
				reason: termination.reason,
			},
			host: hostOf(pod),
			restart: defined({
				signal: signalOf(termination),
				startedAt: isoTime(termination.startedAt),
				finishedAt: isoTime(termination.finishedAt),
				isPanic: panicLine !== undefined,
				panicLine,
				killMessage,
				isStartUp: isStartUp(end, pod, panicLine !== undefined),
				isHealed: false,
				missed,
			}),
			log: log ?? null,
			time: new Date(termination.finishedAt ?? foundAt).toISOString(),
			foundAt: new Date(foundAt).toISOString(),
		},
	};
}

/** What its processes take for the name of their machine, as far as the API tells. */
const hostOf = ({ isHostNetwork, node, hostname }: Pod) => (isHostNetwork ? node : hostname);

const isoTime = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString());
