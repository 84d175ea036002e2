import { type ApiError, pathOf, type Stored } from '../api.ts';
import type { Cluster } from '../cluster.ts';
import { helm } from '../helm.ts';
import { labelsOf, milvusFinalizer } from '../milvus-objects.ts';
import type { Embedded, MilvusSpec } from '../milvus-resources.ts';

/** One step of what the operator does with a Milvus that is to go: pkg/controllers/milvus.go, Finalize. */
export async function finalize(cluster: Cluster, milvus: Stored): Promise<void> {
	const { uid, resourceVersion, finalizers = [] } = milvus.metadata;
	if (!finalizers.includes(milvusFinalizer)) return;
	if (milvus.status?.status !== 'Deleting') {
		await cluster.call('PATCH', `${pathOf(milvus)}/status`, { status: { status: 'Deleting' } });
		return;
	}
	if ((await podsOfMilvus(cluster, milvus)).length > 0) {
		await cluster.call('DELETE', pathOf(milvus), { propagationPolicy: 'Foreground', preconditions: { uid } });
		return;
	}
	await removeDependencies(cluster, milvus);
	const others = finalizers.filter((one) => one !== milvusFinalizer);
	await cluster.call('PATCH', pathOf(milvus), { metadata: { resourceVersion, finalizers: others } });
}

/** Those that run Milvus, also where they are about to end. */
export function podsOfMilvus(cluster: Cluster, { metadata: { namespace, name } }: Stored): Promise<readonly Stored[]> {
	const selector = Object.entries(labelsOf(name)).map(([key, value]) => `${key}=${value}`);
	return cluster.list(`/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector.join(','))}`);
}

async function removeDependencies(cluster: Cluster, { metadata: { namespace = '', name }, spec }: Stored): Promise<void> {
	const claims = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`;
	for (const { release, pvcDeletion } of uninstalled(name, spec)) {
		await uninstall(cluster, namespace, release);
		if (!pvcDeletion) continue;
		for (const label of ['app.kubernetes.io/instance', 'release'])
			await cluster.call('DELETE', `${claims}?labelSelector=${encodeURIComponent(`${label}=${release}`)}`);
	}
	if (isDataDeleted(spec))
		await cluster.call('DELETE', `${claims}/${name}-data`).catch((error: ApiError) => {
			if (error.status !== 404) throw error;
		});
}

/** @throws with what helm said, but not where there is no such release */
async function uninstall(cluster: Cluster, namespace: string, release: string): Promise<void> {
	await helm('uninstall', release, '--no-hooks', '--namespace', namespace, '--kubeconfig', cluster.kubeconfig).catch((error) => {
		if (!/release: not found/.test(error.stderr)) throw error;
	});
}

/** The releases that go with a Milvus. Of the message queues only the one that is in use now. */
function uninstalled(name: string, { mode, dependencies = {} }: MilvusSpec) {
	const queue = dependencies.msgStreamType ?? (mode === 'cluster' ? 'pulsar' : 'rocksmq');
	const releases = { etcd: 'etcd', storage: 'minio', pulsar: 'pulsar', kafka: 'kafka', tei: 'tei' } as const;
	return (['etcd', 'storage', 'pulsar', 'kafka', 'tei'] as const).flatMap((field) => {
		const { external = false, inCluster } = dependencies[field] ?? {};
		const policy = inCluster?.deletionPolicy ?? (field === 'tei' ? 'Delete' : 'Retain');
		const isUsed = !external && (['pulsar', 'kafka'].includes(field) ? field === queue : field !== 'tei' || dependencies.tei !== undefined);
		if (!isUsed || policy !== 'Delete') return [];
		return [{ release: `${name}-${releases[field]}`, pvcDeletion: inCluster?.pvcDeletion === true }];
	});
}

function isDataDeleted({ mode, dependencies = {} }: MilvusSpec): boolean {
	const queue = dependencies.msgStreamType ?? (mode === 'cluster' ? 'pulsar' : 'rocksmq');
	const { enabled, pvcDeletion } = dependencies[queue as Embedded]?.persistence ?? {};
	return enabled === true && pvcDeletion === true;
}
