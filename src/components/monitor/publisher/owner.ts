import type { Owner, Pod, Pods } from '../../../domain/pod.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, resource } from '../../../drivers/kubernetes/kubernetes.ts';

/** What a crash may be told of. */
export type Subject = {
	readonly apiVersion: string;
	readonly kind: string;
	readonly namespace: string;
	readonly name: string;
	readonly uid: string;
	/** Whether it is the whole instance, or one component of it. */
	readonly isInstance: boolean;
};

/** Workloads that something else may stand behind, with the names of their collections. */
const between: Readonly<Record<string, string>> = { ReplicaSet: 'replicasets', Deployment: 'deployments', StatefulSet: 'statefulsets' };

const mostKept = 1000;

/**
 * What people look at who look after an instance: the custom resource of the operator, else the workload that brings the pods about. Undefined for
 * a pod of nobody, and for one that is long gone.
 *
 * @returns a function that throws {KubernetesUnavailable}
 */
export function owners(cluster: Cluster, pods: Pods) {
	/** By the uids of the pods' controllers. */
	const known = new Map<string, Owner>();

	async function topOf(namespace: string, first: Owner, signal: AbortSignal): Promise<Owner> {
		let top = first;
		for (;;) {
			const plural = between[top.kind];
			if (plural === undefined || !top.apiVersion.startsWith('apps/')) return top;
			const above = await controllerOf(resource(top.apiVersion, plural, namespace, top.name), top.uid, signal);
			if (!above) return top;
			top = above;
		}
	}

	/** Where the agent may not look, the workload itself is near enough. */
	async function controllerOf(path: string, uid: string, signal: AbortSignal): Promise<Owner | undefined> {
		try {
			const object = await cluster.get<KubernetesObject>(path, signal);
			return object?.metadata.uid === uid ? object.metadata.ownerReferences?.find(({ controller }) => controller) : undefined;
		} catch (error) {
			if (error instanceof KubernetesRefused) return undefined;
			throw error;
		}
	}

	return async (podUid: string, signal: AbortSignal): Promise<Subject | undefined> => {
		const pod: Pod | undefined = pods.byUid(podUid)?.pod;
		if (!pod?.owner) return undefined;
		const top = known.get(pod.owner.uid) ?? (await topOf(pod.namespace, pod.owner, signal));
		if (known.size >= mostKept) known.clear();
		known.set(pod.owner.uid, top);
		const { apiVersion, kind, name, uid } = top;
		return { apiVersion, kind, namespace: pod.namespace, name, uid, isInstance: apiVersion.startsWith('milvus.io/') };
	};
}
