import type { Bodies } from './events.ts';
import type { Association, CrashReport } from './report.ts';
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
	/** The crashes of one container of one pod, the newest first. */
	crashesOf(container: string): readonly CrashReport[];
}

export type Seen<K extends keyof Bodies> = { readonly key: string; readonly body: Bodies[K] };

/** What a container of a pod is known by over all its runs; undefined where the pod or the container is not known. */
export const containerKey = ({ podUid, container }: Association): string | undefined =>
	podUid === undefined || container === undefined ? undefined : `${podUid}/${container}`;
