import { until } from '../until.ts';
import { collectionOf, type Manifest, type OwnerReference, type Stored } from './api.ts';
import type { Cluster } from './cluster.ts';

export type Labels = Readonly<Record<string, string>>;

/** Something of which the controllers make pods. */
export type Workload = {
	readonly kind: 'Deployment' | 'StatefulSet' | 'Job';
	readonly namespace: string;
	readonly name: string;
	readonly labels: Labels;
	readonly annotations?: Labels;
	readonly owner?: OwnerReference;
	readonly replicas?: number;
	/** By which it knows its pods; some of their labels. Jobs have their own. */
	readonly selector: Labels;
	readonly podLabels: Labels;
	readonly podAnnotations?: Labels;
	/** Named by its pods, so that no scheduler is asked. */
	readonly node: string;
	readonly container: {
		readonly name: string;
		readonly image: string;
		readonly command?: readonly string[];
		readonly args?: readonly string[];
	};
	readonly initContainer?: { readonly name: string; readonly image: string };
	readonly graceSeconds?: number;
};

export function manifestOf(workload: Workload): Manifest {
	const { kind, namespace, name, labels, annotations = {}, owner, replicas = 1, selector, podLabels, podAnnotations = {} } = workload;
	const { node, container, initContainer, graceSeconds = 30 } = workload;
	const pods = {
		template: {
			metadata: { labels: podLabels, annotations: podAnnotations },
			spec: {
				nodeName: node,
				terminationGracePeriodSeconds: graceSeconds,
				containers: [container],
				...(initContainer && { initContainers: [initContainer] }),
				...(kind === 'Job' && { restartPolicy: 'Never' }),
			},
		},
	};
	const spec = {
		Deployment: { replicas, selector: { matchLabels: selector }, ...pods },
		StatefulSet: { replicas, selector: { matchLabels: selector }, serviceName: name, podManagementPolicy: 'Parallel', ...pods },
		Job: pods,
	}[kind];
	return {
		apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
		kind,
		metadata: { name, namespace, labels, annotations, ...(owner && { ownerReferences: [owner] }) },
		spec,
	};
}

/** What has been made of some workloads. */
export type Made = {
	readonly workloads: readonly Stored[];
	/** Their pods, all of them, as they were when the last had been made. */
	readonly pods: readonly Stored[];
};

/** Creates workloads, and waits until the controllers have made all their pods. */
export async function make(cluster: Cluster, manifests: readonly Manifest[]): Promise<Made> {
	return madeOf(cluster, await Promise.all(manifests.map((manifest) => cluster.create(manifest))));
}

/** Waits until the controllers have made all pods of workloads in one namespace. */
export async function madeOf(cluster: Cluster, workloads: readonly Stored[]): Promise<Made> {
	const wanted = workloads.reduce((sum, { spec }) => sum + (spec.replicas ?? 1), 0);
	const names = workloads.map(({ metadata }) => metadata.name).join(', ');
	let pods: readonly Stored[] = [];
	await until(
		`pods of ${names}`,
		async () => {
			pods = await podsOf(cluster, workloads);
			return pods.length;
		},
		(count) => count === wanted,
	);
	return { workloads, pods };
}

/** The pods that there are now of workloads in one namespace. */
export async function podsOf(cluster: Cluster, workloads: readonly Stored[]): Promise<readonly Stored[]> {
	const [first] = workloads;
	if (first === undefined) return [];
	const list = (apiVersion: string, kind: string) => cluster.list(collectionOf({ apiVersion, kind, metadata: first.metadata }));
	const owned = (objects: readonly Stored[], owners: ReadonlySet<string>) =>
		objects.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => owners.has(uid)));
	const owners = new Set(workloads.map(({ metadata }) => metadata.uid));
	for (const { metadata } of owned(await list('apps/v1', 'ReplicaSet'), owners)) owners.add(metadata.uid);
	return owned(await list('v1', 'Pod'), owners);
}
