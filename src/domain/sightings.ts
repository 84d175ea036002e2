import type { Bodies } from './events.ts';
import type { Association } from './report.ts';
import type { EpochMs } from './stage.ts';

/** What has been seen of crashes, and what has been made of it. Read-only. */
export interface Sightings {
	/** What systemd-coredump recorded of the crash with this id. */
	record(key: string): Bodies['CoreRecord'] | undefined;
	/** Whether the core of the crash with this id has been found on disk. */
	hasCore(key: string): boolean;
	/** The ends of containers that were seen since a time, the oldest first. */
	restartsSince(time: EpochMs): readonly Seen<'RestartEvent'>[];
	/** What told of lost cores since a time, the oldest first. */
	notesSince(time: EpochMs): readonly Seen<'CoreNote'>[];
	/** Whether a container was ready after so many restarts, or more. */
	hasRecovered(container: string, restartCount: number): boolean;
	/** What was made of the core with this key. */
	correlation(key: string): Seen<'Correlation'> | undefined;
	/** The core that led to this end of a container. */
	correlationWith(restart: string): Seen<'Correlation'> | undefined;
	/** The cores since a time of which no end of a container is known, the oldest first. */
	openCorrelations(time: EpochMs): readonly Seen<'Correlation'>[];
}

export type Seen<K extends keyof Bodies> = { readonly key: string; readonly revision: number; readonly body: Bodies[K] };

/** What a container of a pod is known by over all its runs; undefined where the pod or the container is not known. */
export const containerKey = ({ podUid, container }: Pick<Association, 'podUid' | 'container'>): string | undefined =>
	podUid === undefined || container === undefined ? undefined : `${podUid}/${container}`;

/** What a component of an instance is known by; undefined where the instance is not known. */
export const componentKey = (association: Association): string | undefined => {
	const instance = instanceKey(association);
	return instance && `${instance}/${association.component ?? ''}`;
};

/** What an instance is known by, and with a slash the beginning of what its components are known by: names have none. */
export const instanceKey = ({ namespace, instance, instanceKind }: Association): string | undefined =>
	namespace === undefined || instance === undefined ? undefined : `${namespace}/${instance}/${instanceKind ?? ''}`;
