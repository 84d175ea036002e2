import type { Instance, Owner } from './pod.ts';
import type { EpochMs } from './stage.ts';

/** What there is of an instance at this moment, as its pods and their owners say. */
export type InstanceNow = { readonly instance: Instance; readonly pods: readonly PodNow[] };

/** A pod that runs Milvus. */
export type PodNow = {
	readonly name: string;
	readonly uid: string;
	/** Where it is not known, the name of the container. */
	readonly component: string;
	/** Those of this program. */
	readonly annotations: Readonly<Record<string, string>>;
	/** How often the container that runs Milvus has ended since the pod was made. */
	readonly ends: number;
	/** When it ended last, as far as the kubelet tells. */
	readonly lastEnd: EpochMs | undefined;
	/** It waits for its next run, as it ended too often. */
	readonly isBackingOff: boolean;
	/** The nearest first: ReplicaSet, Deployment, custom resources. */
	readonly owners: readonly OwnerNow[];
	/** False where an owner that is named was not there. */
	readonly areOwnersKnown: boolean;
};

export type OwnerNow = Owner & {
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	/** Somebody has asked for it to go. */
	readonly isEnding: boolean;
	readonly madeAt: EpochMs;
};
