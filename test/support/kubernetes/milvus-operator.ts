import { expect } from 'vitest';
import { type ApiError, type Manifest, ownedBy, pathOf, type Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import { type Dependency, dependency, dependencyCharts, releaseAnnotations } from './dependencies.ts';
import { releaseSecrets } from './helm-release.ts';
import { deploymentsOf, marksOf, milvusFinalizer, operatorVersion } from './milvus-objects.ts';
import { type Component, type MilvusSpec, milvusClusterOf, milvusOf } from './milvus-resources.ts';
import { type Made, make, manifestOf } from './workload.ts';

export type OperatorInstance = {
	readonly namespace: string;
	readonly name: string;
	readonly mode: 'standalone' | 'cluster';
	/** As the deprecated MilvusCluster, of which the operator makes a Milvus of the same name. */
	readonly ownedByMilvusCluster?: boolean;
	/** How many pods of these components: of the others that Milvus 2.6 has in this mode one. */
	readonly components?: { readonly [name in Component]?: number };
	/** Those in the cluster: each is a Helm release of its own. */
	readonly dependencies?: readonly Dependency[];
	/** Has the finalizer that the operator gives it. As there is no operator, somebody must take it away before the namespace can go. */
	readonly finalizer?: boolean;
	readonly annotations?: Readonly<Record<string, string>>;
	/** Else a node is made for it. */
	readonly node?: string;
};

export type MadeInstance = Made & {
	readonly milvus: Stored;
	/** Its owner, where it has one. */
	readonly milvusCluster: Stored | null;
};

/** Makes what the Milvus operator makes of a custom resource, as far as it has to do with pods, and waits for the pods. */
export async function operatorInstance(cluster: Cluster, options: OperatorInstance): Promise<MadeInstance> {
	const { namespace, name, mode, dependencies = [], finalizer = false, annotations = {} } = options;
	const node = options.node ?? (await cluster.node());
	await defineMilvus(cluster);
	const resource = { namespace, name, spec: { mode, components: replicasOf(options), dependencies: {} } };
	const milvusCluster = options.ownedByMilvusCluster ? await cluster.create(milvusClusterOf(resource)) : null;
	const { metadata, ...fields } = milvusOf({ ...resource, annotations }, milvusCluster ? ownedBy(milvusCluster) : undefined);
	const marks = marksOf(mode);
	const milvus = await cluster.create({
		...fields,
		metadata: {
			...metadata,
			...{ labels: marks.labels, annotations: { ...marks.annotations, ...metadata.annotations } },
			...(finalizer && { finalizers: [milvusFinalizer] }),
		},
	});
	for (const object of [milvus, milvusCluster])
		if (object) await cluster.call('PATCH', `${pathOf(object)}/status`, { status: { status: 'Healthy' } });
	const releases = dependencies.map((kind) => {
		const place = { namespace, node, release: `${name}-${kind}` };
		return { place, chart: dependencyCharts[kind], manifests: dependency(kind, place) };
	});
	for (const { place, chart, manifests } of releases) await releaseSecrets(cluster, { ...place, chart, appVersion: '1' }, manifests);
	const made = await make(cluster, [...deploymentsOf(milvus, node), ...releases.flatMap(({ manifests }) => manifests)]);
	return { milvus, milvusCluster, ...made };
}

/** How many pods of each component, as the specification of a Milvus says it. */
export const replicasOf = ({ components = {} }: Pick<OperatorInstance, 'components'>): NonNullable<MilvusSpec['components']> =>
	Object.fromEntries(Object.entries(components).map(([component, replicas]) => [component, { replicas }]));

/** Makes the operator's own release: its Deployment and its pod, which run no Milvus. */
export async function operatorDeployment(
	cluster: Cluster,
	{ namespace, node }: { readonly namespace: string; readonly node?: string },
): Promise<Made> {
	const release = 'milvus-operator';
	const chart = `milvus-operator-${operatorVersion}`;
	const selector = { 'app.kubernetes.io/name': 'milvus-operator', 'app.kubernetes.io/instance': release };
	const manifest = manifestOf({
		...{ kind: 'Deployment', namespace, selector, name: release, podLabels: selector, node: node ?? (await cluster.node()) },
		labels: { ...selector, 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/version': operatorVersion, 'helm.sh/chart': chart },
		annotations: releaseAnnotations({ namespace, release }),
		container: { name: 'manager', image: `milvusdb/milvus-operator:v${operatorVersion}`, command: ['/manager'] },
	});
	await releaseSecrets(cluster, { namespace, release, chart, appVersion: operatorVersion }, [manifest]);
	return make(cluster, [manifest]);
}

/** The custom resources of the operator, without their schema; makes them if they are not there. */
export async function defineMilvus(cluster: Cluster): Promise<void> {
	await Promise.all([
		define(cluster, 'Milvus', 'milvuses', ['mi'], ['v1beta1', 'v1alpha1']),
		define(cluster, 'MilvusCluster', 'milvusclusters', ['mc', 'mic'], ['v1alpha1']),
		define(cluster, 'MilvusUpgrade', 'milvusupgrades', [], ['v1beta1']),
	]);
}

/** @param versions the one that is stored first */
async function define(
	cluster: Cluster,
	kind: string,
	plural: string,
	shortNames: readonly string[],
	versions: readonly string[],
): Promise<void> {
	const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
	const definition: Manifest = {
		apiVersion: 'apiextensions.k8s.io/v1',
		kind: 'CustomResourceDefinition',
		metadata: { name: `${plural}.milvus.io` },
		spec: {
			group: 'milvus.io',
			scope: 'Namespaced',
			names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List`, shortNames },
			versions: versions.map((name, index) => ({
				...{ name, served: true, storage: index === 0, subresources: { status: {} } },
				schema: { openAPIV3Schema: { type: 'object', properties: { spec: free, status: free } } },
			})),
		},
	};
	await cluster.create(definition).catch((error: ApiError) => {
		if (error.status !== 409) throw error;
	});
	// It is served a little after it is told to be.
	const served = () =>
		cluster.call('GET', `/apis/milvus.io/${versions[0]}/${plural}`).then(
			() => true,
			() => false,
		);
	await expect.poll(served, { timeout: 30_000 }).toBe(true);
}
