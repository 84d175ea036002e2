import type { EpochMs } from './stage.ts';

/** A pod of this node, as far as the agent looks at it. */
export type Pod = {
	readonly uid: string;
	readonly namespace: string;
	readonly name: string;
	readonly node: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	/** Its controller. */
	readonly owner: Owner | undefined;
	/** What its processes take for the name of their machine. */
	readonly hostname: string;
	readonly isHostNetwork: boolean;
	readonly startedAt: EpochMs | undefined;
	/** Somebody has asked for it to go, or the kubelet has given it up: what ends from here on was ended on purpose. */
	readonly isEnding: boolean;
	readonly containers: readonly Container[];
};

export type Owner = { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };

/** A container of a pod, and the last of its ends that is still known. */
export type Container = {
	readonly name: string;
	readonly image: string;
	/** What that name stood for when the container was made: the runtime's own name for it. */
	readonly imageId: string | undefined;
	/** Of the run that is, or was the last: without the runtime's prefix. */
	readonly id: string | undefined;
	readonly restartCount: number;
	readonly isReady: boolean;
	/** It ended too often, and waits for its next run. */
	readonly isBackingOff?: true;
	/** The run's that is, or was the last. */
	readonly startedAt: EpochMs | undefined;
	/** How the present run ended, where it does not run any more, also while it waits for the next. */
	readonly end: Termination | undefined;
	/** How the run before ended. */
	readonly lastEnd: Termination | undefined;
};

/** How one run of a container ended, as the kubelet tells it (`ContainerStateTerminated`). */
export type Termination = {
	readonly containerId: string | undefined;
	readonly exitCode: number;
	readonly signal: number | undefined;
	/** `Error`, `OOMKilled`, `Completed`, … */
	readonly reason: string;
	readonly message: string | undefined;
	readonly startedAt: EpochMs | undefined;
	readonly finishedAt: EpochMs | undefined;
};

/** The pods of this node that are there now, and those that were there a while ago. */
export interface Pods {
	/** False until they have been listed once. */
	readonly isComplete: boolean;
	/** True while the API server does not tell what happens to them. */
	readonly isBehind: boolean;
	byUid(uid: string): KnownPod | undefined;
	/** In any namespace. */
	byHostname(hostname: string): readonly KnownPod[];
	all(): Iterable<KnownPod>;
}

/** A pod, and what it has to do with Milvus. */
export type KnownPod = {
	readonly pod: Pod;
	readonly membership: Membership | undefined;
	/** The container that runs Milvus. */
	readonly milvusContainer?: string | undefined;
	/** The ends of its containers that were seen, the newest last. */
	readonly ends: readonly ContainerEnd[];
	/** Since when it is not there any more. */
	readonly goneAt?: EpochMs;
};

/** The end of one run of a container. */
export type ContainerEnd = {
	readonly container: string;
	/** Of the container, after this end. */
	readonly restartCount: number;
	readonly termination: Termination;
	/** Whether its pod was ending when this was first seen. */
	readonly wasEnding?: boolean;
};

/** That a pod runs a component of a Milvus instance. */
export type Membership = { readonly instance: Instance; readonly component?: string };

/** Who brought an instance into being: `unmanaged` is neither Helm nor the operator, and is never cleaned up. */
export type InstanceKind = 'helm' | 'operator' | 'unmanaged';

export type Instance = { readonly namespace: string; readonly name: string; readonly kind: InstanceKind };

/** One Milvus, as a person names it. */
export type MilvusInstance = Instance & { readonly components: readonly string[] };
