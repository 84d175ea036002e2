import type { Instance, MilvusInstance } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { createLineages } from './lineage.ts';
import { type Ancestor, mayBeMilvus, membershipOf, type Selectors } from './membership.ts';
import { type ApiPod, controllerOf, readPod } from './read-pod.ts';
import { serverSelector } from './selector.ts';

type Workload = KubernetesObject & {
	readonly spec?: {
		readonly replicas?: number;
		readonly template?: {
			readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
			readonly spec?: { readonly containers?: readonly { readonly name: string }[] };
		};
	};
};

const workloads = { Deployment: 'deployments', StatefulSet: 'statefulsets' } as const;
/** The custom resources of the operator, each with the version that every operator serves. */
const customResources = { milvuses: 'v1beta1', milvusclusters: 'v1alpha1' } as const;

/**
 * The Milvus instances of a cluster, as its workloads, pods and custom resources are now; sorted by namespace, name and kind.
 *
 * A component is one that has replicas: the operator keeps workloads without any beside those that run.
 *
 * @param onGap told of what may be missing or wrong, as the rights do not suffice
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused} workloads or pods can't be listed
 */
export async function listInstances(
	cluster: Cluster,
	selectors: Selectors,
	namespaces: 'all' | readonly string[],
	onGap: (problem: string) => void,
): Promise<MilvusInstance[]> {
	const lineageOf = createLineages({
		lookUp: (path) => cluster.get<KubernetesObject>(path),
		onUnknown: (owner, reason) => onGap(`who owns ${owner} is not known, and labels are believed: ${reason}`),
	});
	const found = new Map<string, Instance & { readonly components: Set<string> }>();
	const covered = new Set<string>();

	function add({ namespace, name, kind }: Instance, component?: string): void {
		const key = [namespace, name, kind].join('/');
		const instance = found.get(key) ?? { namespace, name, kind, components: new Set() };
		found.set(key, instance);
		if (component !== undefined) instance.components.add(component);
	}

	const scopes = namespaces === 'all' ? [undefined] : namespaces;
	const labelSelectors = [...new Set([...selectors.helmReleaseLabels, ...selectors.operatorLabels].map(serverSelector))];
	async function* each<T extends KubernetesObject>(apiVersion: string, collection: string): AsyncGenerator<T> {
		const met = new Set<string>();
		for (const scope of scopes) {
			for (const labelSelector of labelSelectors) {
				for await (const object of cluster.list<T>(resource(apiVersion, collection, scope), { labelSelector })) {
					if (!met.has(object.metadata.uid)) yield object;
					met.add(object.metadata.uid);
				}
			}
		}
	}

	for (const [kind, collection] of Object.entries(workloads)) {
		for await (const { metadata, spec } of each<Workload>('apps/v1', collection)) {
			const namespace = metadata.namespace ?? '';
			const self: Ancestor = {
				apiVersion: 'apps/v1',
				kind,
				name: metadata.name,
				labels: metadata.labels ?? {},
				annotations: metadata.annotations ?? {},
			};
			const { ancestors, isComplete } = await lineageOf({ namespace, owner: controllerOf(metadata) });
			const containers = spec?.template?.spec?.containers ?? [];
			const labels = spec?.template?.metadata?.labels ?? {};
			const lineage = { ancestors: [self, ...ancestors], isComplete };
			const pod = { namespace, name: metadata.name, labels, containers };
			// Of pods that say nothing themselves the agents don't ask who owns them either.
			const member = mayBeMilvus(pod, selectors) ? membershipOf(pod, lineage, selectors) : undefined;
			covered.add(`${namespace}/${kind}/${metadata.name}`);
			if (member) add(member.instance, (spec?.replicas ?? 1) > 0 ? member.component : undefined);
		}
	}
	for await (const object of each<ApiPod>('v1', 'pods')) {
		const pod = readPod(object);
		const { owner, namespace } = pod;
		const workload = owner?.kind === 'ReplicaSet' ? `Deployment/${owner.name.replace(/-[^-]*$/, '')}` : `${owner?.kind}/${owner?.name}`;
		if (covered.has(`${namespace}/${workload}`)) continue;
		const member = membershipOf(pod, await lineageOf(pod), selectors);
		if (member) add(member.instance, member.component);
	}
	for (const [collection, version] of Object.entries(customResources)) {
		for (const scope of scopes) {
			try {
				for await (const { metadata } of cluster.list<KubernetesObject>(resource(`milvus.io/${version}`, collection, scope))) {
					add({ namespace: metadata.namespace ?? '', name: metadata.name, kind: 'operator' });
				}
			} catch (error) {
				if (!(error instanceof KubernetesRefused)) throw error;
				if (error.status === 404) continue; // the operator was never installed
				onGap(`custom resources of which nothing runs are left out: ${error.message}`);
			}
		}
	}
	return [...found.values()]
		.map(({ components, ...instance }) => ({ ...instance, components: [...components].sort() }))
		.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name) || compare(a.kind, b.kind));
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
