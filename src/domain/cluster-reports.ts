import type { CrashFacts } from './crash-facts.ts';
import type { EpochMs } from './stage.ts';

/** A CrashReport of the cluster, as far as it is looked at by who works for the cluster. */
export type ClusterReport = {
	readonly namespace: string;
	readonly name: string;
	readonly uid: string;
	/** Another one after each change. */
	readonly resourceVersion: string;
	/** Of the last crash that it stands for. */
	readonly lastTime: EpochMs;
	/** It has been deleted, and only waits for somebody who wanted to be asked. */
	readonly isEnding: boolean;
	/** Of one that tells how a container of an instance ended. */
	readonly crash?: CrashFacts;
};

/** All CrashReports of the cluster, of all nodes. */
export interface ClusterReports {
	/** Resolves when they are all known as they are now, or at the signal. */
	current(signal: AbortSignal): Promise<void>;
	/** False while what is known may be old. */
	readonly isCurrent: boolean;
	readonly size: number;
	all(): Iterable<ClusterReport>;
	/** As it is known now. */
	byUid(uid: string): ClusterReport | undefined;
	/** It has been deleted as it was then, which will be told in a moment. */
	gone(report: ClusterReport): void;
}
