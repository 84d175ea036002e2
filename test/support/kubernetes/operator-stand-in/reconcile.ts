import { type ApiError, type Manifest, ownedBy, pathOf, type Stored } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { marksOf, milvusFinalizer, objectsOf } from '../milvus-objects.ts';
import { milvusOf } from '../milvus-resources.ts';
import { finalize, podsOfMilvus } from './finalize.ts';

/** What an operator that runs has seen: of objects by their UIDs. */
export type Seen = {
	/** As they were at the last look, by their generation; there is nothing to do for these until the next resync. */
	readonly settled: Map<string, number>;
	/** MilvusClusters of which a Milvus has been made. */
	readonly clusters: Set<string>;
	/** What a resync has made anew; the next one makes what belongs to it. */
	readonly held: Set<string>;
};

export const nothingSeen = (): Seen => ({ settled: new Map(), clusters: new Set(), held: new Set() });

/** What the operator does when it looks at all that it knows anew. */
export function resync({ settled, held }: Seen): void {
	settled.clear();
	held.clear();
}

/** Makes the Milvus of a MilvusCluster; that it goes is nothing of which the operator hears. */
export async function reconcileCluster(cluster: Cluster, owner: Stored, seen: Seen): Promise<void> {
	const { uid, generation = 0, deletionTimestamp, namespace = '', name } = owner.metadata;
	if (deletionTimestamp !== undefined || seen.settled.get(uid) === generation) return;
	const manifest = milvusOf({ namespace, name, spec: { mode: 'cluster', ...owner.spec } }, ownedBy(owner));
	const made = await createdUnlessThere(cluster, manifest);
	if (made && seen.clusters.has(uid)) seen.held.add(made.metadata.uid);
	// At the first look there is nothing to tell yet.
	if (seen.clusters.has(uid)) {
		const { status } = await cluster.read(manifest);
		await cluster.call('PATCH', `${pathOf(owner)}/status`, { status: status ?? {} });
	}
	seen.clusters.add(uid);
	seen.settled.set(uid, generation);
}

/** @param node where its pods are to run */
export async function reconcileMilvus(cluster: Cluster, milvus: Stored, node: string, seen: Seen): Promise<void> {
	const { uid, resourceVersion, generation = 0, annotations = {}, finalizers = [] } = milvus.metadata;
	if (milvus.metadata.deletionTimestamp !== undefined) return finalize(cluster, milvus);
	if (annotations['milvus.io/pause-reconcile'] === 'true') return;
	if (!finalizers.includes(milvusFinalizer)) {
		const { labels, annotations } = marksOf(milvus.spec.mode);
		const metadata = { resourceVersion, labels, annotations, finalizers: [...finalizers, milvusFinalizer] };
		await cluster.call('PATCH', pathOf(milvus), { metadata });
	}
	if (!seen.held.has(uid) && seen.settled.get(uid) !== generation) {
		await Promise.all(objectsOf(milvus, node).map((object) => createdUnlessThere(cluster, object)));
		seen.settled.set(uid, generation);
	}
	await tellHealth(cluster, milvus);
}

async function createdUnlessThere(cluster: Cluster, manifest: Manifest): Promise<Stored | undefined> {
	try {
		return await cluster.create(manifest);
	} catch (error) {
		if ((error as ApiError).status === 409) return undefined;
		throw error;
	}
}

/** The real one looks once a minute at what was healthy. Pods of which no kubelet has said anything are pending. */
async function tellHealth(cluster: Cluster, milvus: Stored): Promise<void> {
	const before = milvus.status?.status;
	const containers = (await podsOfMilvus(cluster, milvus)).flatMap(({ metadata, status }) =>
		(status.containerStatuses ?? [undefined]).map((container: object) => ({ ...container, pod: metadata.name })),
	);
	const troubled = containers.filter(({ name, ready }) => name !== undefined && !ready);
	const isHealthy = containers.length > 0 && containers.every(({ ready }) => ready);
	const status = isHealthy ? 'Healthy' : troubled.length > 0 ? 'Unhealthy' : (before ?? 'Pending');
	if (status === before) return;
	const details = troubled.map(
		({ pod, name, restartCount }) =>
			`[${name}] not ready, detail: component[${name}]: pod[${pod}]: container[${name}]: restartCount[${restartCount}]`,
	);
	const ready = {
		...{
			type: 'MilvusReady',
			status: isHealthy ? 'True' : 'False',
			reason: isHealthy ? 'ReasonMilvusHealthy' : 'MilvusComponentNotHealthy',
		},
		...{ message: details.join('; '), lastTransitionTime: new Date().toISOString().replace(/\.\d+/, '') },
	};
	await cluster.call('PATCH', `${pathOf(milvus)}/status`, { status: { status, conditions: [ready] } });
}
