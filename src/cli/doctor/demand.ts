import type { PodHere } from './pods.ts';

/** What Milvus may ask of whoever takes its cores. */
export type Demand = {
	readonly coreBytes: number;
	/** Whose core that would be. */
	readonly whose: string;
	readonly crashesAtOnce: number;
};

/** The least memory that Milvus asks for: https://milvus.io/docs/prerequisite-docker.md */
const leastMemoryBytes = 8e9;
/** An instance in a cluster is some processes, and what they all need may fail them all. */
const usualProcesses = 8;

/** By the pods of this node where they are known: a core may be as large as the memory that its container may use. */
export function demandOf(pods: readonly PodHere[] = []): Demand {
	const crashesAtOnce = Math.max(usualProcesses, pods.length);
	const usual = { coreBytes: leastMemoryBytes, whose: 'a Milvus with the least memory that it asks for', crashesAtOnce };
	const isBounded = pods.length > 0 && pods.every(({ memoryBytes }) => memoryBytes !== undefined);
	const largest = [...pods].sort((a, b) => (b.memoryBytes ?? 0) - (a.memoryBytes ?? 0))[0];
	const { memoryBytes: coreBytes = 0, namespace, name } = largest ?? {};
	if (!isBounded && coreBytes < usual.coreBytes) return usual;
	return { coreBytes, whose: `${namespace}/${name}, by the limit of its memory`, crashesAtOnce };
}
