import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';

/** Whether there is an operator that finishes the deletion of a custom resource. */
export type OperatorNow =
	| { readonly is: 'running' }
	| { readonly is: 'not running' | 'not found' /** What speaks against deleting one, in words. */; readonly veto: string };

type Pod = KubernetesObject & {
	readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
	readonly status?: {
		readonly phase?: string;
		readonly conditions?: readonly { readonly type: string; readonly status: string }[];
		readonly containerStatuses?: readonly { readonly state?: { readonly waiting?: { readonly reason?: string } } }[];
	};
};

/** How the pods of the operator are labelled. */
const marks: readonly { readonly labelSelector: string; readonly isOperator: (pod: Pod) => boolean }[] = [
	/** Its chart, and its manifests, which are made of that. */
	{ labelSelector: 'app.kubernetes.io/name=milvus-operator', isOperator: () => true },
	/** Its manifests before there was a chart. Most programs that are made by kubebuilder have the same label. */
	{ labelSelector: 'control-plane=controller-manager', isOperator: hasImageOfIt },
];
/** Pods that have ended and were left lying, as after an eviction, say nothing. */
const fieldSelector = 'status.phase!=Succeeded,status.phase!=Failed';
const hangs = 'the custom resource would hang in deletion';
const mostNamed = 3;

/**
 * Whether the Milvus operator runs, anywhere in the cluster. Without it, what is deleted keeps its finalizer and its pods for ever.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused} the pods of the cluster may not be listed
 */
export async function operatorNow(cluster: Cluster, signal?: AbortSignal): Promise<OperatorNow> {
	const troubles: string[] = [];
	for (const { labelSelector, isOperator } of marks) {
		for await (const pod of cluster.list<Pod>(resource('v1', 'pods'), { labelSelector, fieldSelector }, signal)) {
			if (!isOperator(pod)) continue;
			const trouble = troubleOf(pod);
			if (trouble === undefined) return { is: 'running' };
			troubles.push(`pod ${pod.metadata.name} in namespace ${pod.metadata.namespace} ${trouble}`);
		}
	}
	if (troubles.length === 0) {
		const labels = marks.map(({ labelSelector }) => labelSelector).join(', or ');
		return { is: 'not found', veto: `there is no pod of the Milvus operator (${labels}): ${hangs}` };
	}
	return { is: 'not running', veto: `the Milvus operator is not running (${troubles.slice(0, mostNamed).join('; ')}): ${hangs}` };
}

/** @returns undefined for one that works */
function troubleOf({ metadata, status }: Pod): string | undefined {
	if (metadata.deletionTimestamp !== undefined) return 'is being deleted';
	if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')) return undefined;
	const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting?.reason)?.state?.waiting?.reason;
	return `is not ready (${waiting ?? status?.phase ?? 'no phase'})`;
}

/** `milvusdb/milvus-operator:v1.3.8`, from wherever it comes. */
function hasImageOfIt({ spec }: Pod): boolean {
	return spec?.containers?.some(({ image = '' }) => image.split('/').at(-1)?.includes('milvus-operator')) ?? false;
}
