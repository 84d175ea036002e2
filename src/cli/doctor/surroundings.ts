import type { PodHere } from './pods.ts';

/** Where the checks are made. */
export type Surroundings = {
	readonly isOnCluster: boolean;
	/** What stands before the paths of the machine: in the agent's container it is mounted somewhere. */
	readonly root: string;
	/** The pods of Milvus on this node; undefined where they are not known. */
	readonly pods: readonly PodHere[] | undefined;
};
