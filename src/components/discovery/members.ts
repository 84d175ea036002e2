import type { Membership } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { createLineages } from './lineage.ts';
import { isLookedAt, membershipOf, type Selectors } from './membership.ts';
import { type ApiPod, readPod } from './read-pod.ts';

/**
 * The pods of a node as they are now, and what each has to do with Milvus.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function* podsOn(
	cluster: Cluster,
	{ node, namespaces, selectors }: { readonly node: string; readonly namespaces: 'all' | readonly string[]; readonly selectors: Selectors },
	signal: AbortSignal,
): AsyncGenerator<{ readonly raw: ApiPod; readonly membership: Membership | undefined }> {
	const lineageOf = createLineages({ lookUp: (path) => cluster.get<KubernetesObject>(path, signal) });
	for await (const raw of cluster.list<ApiPod>(resource('v1', 'pods'), { fieldSelector: `spec.nodeName=${node}` }, signal)) {
		const pod = readPod(raw);
		yield { raw, membership: isLookedAt(pod, namespaces, selectors) ? membershipOf(pod, await lineageOf(pod), selectors) : undefined };
	}
}
