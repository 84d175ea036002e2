import type { Contents, ObjectName } from '../../../domain/contents.ts';
import { plurals } from '../../../domain/saved-instance.ts';
import type { Cluster, KubernetesObject, ObjectMeta } from '../../../drivers/kubernetes/kubernetes.ts';
import { dependenciesOf, type MilvusSpec, ownClaimsOf } from './dependencies.ts';
import { fatesOf, type Staying } from './fates.ts';
import { claimsCollection, partsOf, recordsOf, workloadsOf } from './helm-instance.ts';
import { metadataOf, objectAt } from './listing.ts';
import { newestRelease } from './newest-release.ts';
import { type Fate, volumesOf, type Workload } from './volumes.ts';

/** A custom resource of the operator. */
export type Resource = Required<ObjectName> & {
	readonly uid: string;
	readonly resourceVersion: string;
	readonly labels: Readonly<Record<string, string>>;
	/** Without what kubectl writes there: a copy of the specification. */
	readonly annotations: Readonly<Record<string, string>>;
	/** Somebody has deleted it already. */
	readonly isEnding: boolean;
	/** Of a MilvusCluster: the Milvus that the operator made of it, and makes again when only that is deleted. */
	readonly milvus?: Resource;
};

type Milvus = KubernetesObject & { readonly spec?: MilvusSpec };

const kinds = {
	Milvus: { group: 'milvus.io/v1beta1', plural: plurals.Milvus },
	MilvusCluster: { group: 'milvus.io/v1alpha1', plural: plurals.MilvusCluster },
} as const;

/** What the operator makes of a Milvus, and owns in its name. */
const ownedKinds = [
	{ group: 'apps/v1', plural: 'deployments', kind: 'Deployment' },
	{ group: 'v1', plural: 'services', kind: 'Service' },
	{ group: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
	{ group: 'networking.k8s.io/v1', plural: 'ingresses', kind: 'Ingress' },
	{ group: 'monitoring.coreos.com/v1', plural: 'podmonitors', kind: 'PodMonitor' },
] as const;
const statefulSets = { group: 'apps/v1', plural: 'statefulsets', kind: 'StatefulSet' } as const;

/** @returns undefined when there is no such custom resource */
export async function contentsOfResource(
	cluster: Cluster,
	{ namespace, name }: { readonly namespace: string; readonly name: string },
	signal: AbortSignal | undefined,
): Promise<{ readonly contents: Contents; readonly resource: Resource } | undefined> {
	const milvus = await objectAt<Milvus>(cluster, kinds.Milvus, { namespace, name }, signal);
	const owner = milvus?.metadata.ownerReferences?.find(
		({ kind, apiVersion }) => kind === 'MilvusCluster' && apiVersion.startsWith('milvus.io/'),
	);
	const isAbove = milvus === undefined || owner !== undefined;
	const found = isAbove
		? await objectAt<Milvus>(cluster, kinds.MilvusCluster, { namespace, name: owner?.name ?? name }, signal)
		: undefined;
	const above = owner === undefined || owner.uid === found?.metadata.uid ? found : undefined; // else it is another of that name
	const resource = resourceOf(namespace, above, milvus);
	if (!resource) return undefined;

	const present = await objectsOf(cluster, namespace, signal);
	const uids = new Set([resource.uid, resource.milvus?.uid]);
	const owned = present.filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uids.has(uid))).map(({ object }) => object);
	const goes: ObjectName[] = [resource, resource.milvus].filter((one) => one !== undefined).map(nameOf);
	goes.push(...owned);
	const stays: Staying[] = [];
	const workloads: Workload[] = owned.filter(({ kind }) => kind === 'Deployment');
	const marks = new Map<string, Fate>([[name, { isLost: false, why: `is marked as of ${name}, and the operator did not make it` }]]);
	const spec = (milvus ?? above)?.spec ?? {};
	for (const { release, isUninstalled, areVolumesDeleted, why } of dependenciesOf(name, spec)) {
		marks.set(release, { isLost: areVolumesDeleted, why });
		if (isUninstalled) {
			const gone = await uninstalled(cluster, namespace, release, signal);
			goes.push(...gone.goes);
			stays.push(...gone.stays);
			workloads.push(...gone.workloads);
		} else stays.push(...present.filter(({ metadata }) => isMarked(metadata, release)).map(({ object }) => ({ ...object, why })));
	}
	const named = new Map(ownClaimsOf(name, spec).map(({ name: claim, isDeleted, why }) => [claim, { isLost: isDeleted, why }]));
	const claims = await metadataOf(cluster, claimsCollection, namespace, signal);
	const rules = { namespace, workloads, marks, named };
	return { contents: { is: 'known', ...volumesOf(claims, { goes, stays }, rules) }, resource };
}

type Present = { readonly object: ObjectName; readonly metadata: ObjectMeta };

/** What the operator and its dependencies have in a namespace, and others. */
async function objectsOf(cluster: Cluster, namespace: string, signal: AbortSignal | undefined): Promise<Present[]> {
	const all: Present[] = [];
	for (const { kind, ...collection } of [...ownedKinds, statefulSets]) {
		const metadatas = await metadataOf(cluster, collection, namespace, signal);
		all.push(
			...metadatas.map((metadata) => ({ object: { apiVersion: collection.group, kind, namespace, name: metadata.name }, metadata })),
		);
	}
	return all;
}

/** By the Helm inside of the operator, without hooks. */
async function uninstalled(cluster: Cluster, namespace: string, release: string, signal: AbortSignal | undefined) {
	const kept = await newestRelease(cluster, namespace, release, signal);
	if (!kept) return { goes: [], stays: [], workloads: [] };
	const parts = await partsOf(cluster, kept, signal);
	const { goes, stays } = fatesOf(parts, { looksForOwner: false, runsHooks: false });
	return { goes: [...goes, ...recordsOf(kept)], stays, workloads: workloadsOf(parts) };
}

const isMarked = ({ labels = {} }: ObjectMeta, release: string) =>
	labels['app.kubernetes.io/instance'] === release || labels.release === release;

const nameOf = ({ apiVersion, kind, namespace, name }: Required<ObjectName>): ObjectName => ({ apiVersion, kind, namespace, name });

/** @param above the MilvusCluster that owns it, or that nothing has been made of yet */
function resourceOf(namespace: string, above: Milvus | undefined, milvus: Milvus | undefined): Resource | undefined {
	const child = milvus && described('Milvus', namespace, milvus.metadata);
	if (!above) return child;
	return { ...described('MilvusCluster', namespace, above.metadata), ...(child && { milvus: child }) };
}

function described(kind: keyof typeof kinds, namespace: string, metadata: ObjectMeta): Resource {
	const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...annotations } = metadata.annotations ?? {};
	const { name, uid, resourceVersion, labels = {}, deletionTimestamp } = metadata;
	return {
		...{ apiVersion: kinds[kind].group, kind, namespace, name },
		...{ uid, resourceVersion, labels, annotations, isEnding: deletionTimestamp !== undefined },
	};
}
