import { plurals, type Restores, releaseType, type SavedInstance } from '../../domain/saved-instance.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, type ObjectMeta, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { describe, type On, rollback, uninstall } from './steps.ts';

/** Whether there is anything of an instance that is to be brought back, and what. */
export type Standing = { readonly is: 'gone' } | { readonly is: 'there' | 'half there'; readonly words: string };

export async function standingOf(cluster: Cluster, saved: SavedInstance, on: On, signal: AbortSignal): Promise<Standing> {
	const { restores } = saved;
	return restores.is === 'release'
		? standingOfRelease(cluster, saved, restores, on, signal)
		: standingOfResource(cluster, saved, restores, signal);
}

async function standingOfRelease(
	cluster: Cluster,
	saved: SavedInstance,
	restores: Extract<Restores, { is: 'release' }>,
	on: On,
	signal: AbortSignal,
): Promise<Standing> {
	const { namespace } = saved.instance;
	const { release } = restores;
	const what = describe(saved);
	const selection = { labelSelector: `owner=helm,name=${release}`, fieldSelector: `type=${releaseType}` };
	const records = await metadataIn(cluster, resource('v1', 'secrets', namespace), signal, selection);
	const newest = records
		.map(({ labels = {} }) => ({ revision: Number(labels.version), status: labels.status ?? '' }))
		.toSorted((a, b) => b.revision - a.revision)[0];
	if (newest?.status.startsWith('uninstall'))
		return {
			is: 'half there',
			words: `the removal of ${what} is not over (revision ${newest.revision}: ${newest.status}); if nobody is at it, ${uninstall(namespace, release, on)} ends it`,
		};
	if (newest) {
		const hint =
			newest.revision === restores.revision ? `; if its objects are not, this makes them: ${rollback(namespace, restores, on)}` : '';
		return { is: 'there', words: `${what} is there (revision ${newest.revision}: ${newest.status})${hint}` };
	}
	for (const [kind, plural] of [
		['Deployment', 'deployments'],
		['StatefulSet', 'statefulsets'],
	] as const) {
		const left = (await metadataIn(cluster, resource('apps/v1', plural, namespace), signal)).find(isOf(release, namespace));
		if (left) return leftOver(what, kind, left);
	}
	const claims = await metadataIn(cluster, resource('v1', 'persistentvolumeclaims', namespace), signal);
	const going = claims.filter(isOf(release, namespace)).find(({ deletionTimestamp }) => deletionTimestamp !== undefined);
	return going ? leftOver(what, 'PersistentVolumeClaim', going) : { is: 'gone' };
}

const leftOver = (what: string, kind: string, { name }: ObjectMeta): Standing => ({
	is: 'half there',
	words: `${what} is not all gone yet: ${kind} ${name} is still there`,
});

const isOf =
	(release: string, namespace: string) =>
	({ annotations = {} }: ObjectMeta) =>
		annotations['meta.helm.sh/release-name'] === release &&
		annotations['meta.helm.sh/release-namespace'] === namespace &&
		annotations['helm.sh/resource-policy'] === undefined;

async function standingOfResource(
	cluster: Cluster,
	{ instance }: SavedInstance,
	{ name }: Extract<Restores, { is: 'resource' }>,
	signal: AbortSignal,
): Promise<Standing> {
	const { namespace } = instance;
	// The operator makes a Milvus of a MilvusCluster.
	for (const { group, kind, plural, of } of [
		{ group: 'milvus.io/v1alpha1', kind: 'MilvusCluster', plural: plurals.MilvusCluster, of: name },
		{ group: 'milvus.io/v1beta1', kind: 'Milvus', plural: plurals.Milvus, of: instance.name },
	]) {
		const there = await unlessUnknown(() => cluster.get<KubernetesObject>(resource(group, plural, namespace, of), signal));
		if (!there) continue;
		const what = `${kind} ${of} of namespace ${namespace}`;
		return there.metadata.deletionTimestamp === undefined
			? { is: 'there', words: `${what} is there` }
			: { is: 'half there', words: `${what} is being deleted, and not gone yet: is the operator at work?` };
	}
	return { is: 'gone' };
}

/** There is nothing of a kind that is not defined. */
async function unlessUnknown<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
	try {
		return await ask();
	} catch (error) {
		if (error instanceof KubernetesRefused && error.status === 404) return undefined;
		throw error;
	}
}

async function metadataIn(cluster: Cluster, path: string, signal: AbortSignal, selection = {}): Promise<ObjectMeta[]> {
	const all: ObjectMeta[] = [];
	for await (const { metadata } of cluster.list<KubernetesObject>(path, { ...selection, metadataOnly: true }, signal)) all.push(metadata);
	return all;
}
