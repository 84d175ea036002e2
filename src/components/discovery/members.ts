import type { InstanceNow, OwnerNow, PodNow } from '../../domain/instance-now.ts';
import type { Membership, Pod } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { createLineages } from './lineage.ts';
import { isLookedAt, type Lineage, membershipOf, runsMilvus, type Selectors } from './membership.ts';
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

/**
 * The instances of a namespace that have a pod, with their pods as they are now.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused} pods can't be listed, or their owners can't be read
 */
export async function instancesIn(
	cluster: Cluster,
	{
		namespace,
		namespaces,
		selectors,
	}: { readonly namespace: string; readonly namespaces: 'all' | readonly string[]; readonly selectors: Selectors },
	signal: AbortSignal,
): Promise<InstanceNow[]> {
	const lineageOf = createLineages({ lookUp: (path) => cluster.get<KubernetesObject>(path, signal) });
	const found = new Map<string, { instance: InstanceNow['instance']; pods: PodNow[] }>();
	for await (const raw of cluster.list<ApiPod>(resource('v1', 'pods', namespace), {}, signal)) {
		const pod = readPod(raw);
		if (!isLookedAt(pod, namespaces, selectors)) continue;
		const lineage = await lineageOf(pod);
		const member = membershipOf(pod, lineage, selectors);
		if (!member) continue;
		const key = `${member.instance.kind}/${member.instance.name}`;
		const instance = found.get(key) ?? { instance: member.instance, pods: [] };
		found.set(key, instance);
		instance.pods.push(podNow(pod, member, lineage));
	}
	return [...found.values()];
}

function podNow(pod: Pod, { component }: Membership, { ancestors, isComplete }: Lineage): PodNow {
	const container = pod.containers.find(({ name }) => runsMilvus(pod, name));
	return {
		name: pod.name,
		uid: pod.uid,
		component: component ?? container?.name ?? '',
		annotations: pod.annotations,
		ends: (container?.restartCount ?? 0) + (container?.end ? 1 : 0),
		lastEnd: (container?.end ?? container?.lastEnd)?.finishedAt,
		isBackingOff: container?.isBackingOff ?? false,
		owners: ancestors.flatMap(({ found, ...ancestor }): OwnerNow[] => (found ? [{ ...ancestor, ...found }] : [])),
		areOwnersKnown: isComplete,
	};
}
