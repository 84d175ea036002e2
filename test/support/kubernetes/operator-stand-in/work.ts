import { again } from '../again.ts';
import type { Cluster } from '../cluster.ts';
import { nothingSeen, reconcileCluster, reconcileMilvus, resync } from './reconcile.ts';

export type Work = {
	readonly namespaces: readonly string[];
	/** Where its pods are to run. */
	readonly node: string;
	readonly resyncMs: number;
};

/** What the operator does while it runs; it begins with nothing in mind. */
export function work(cluster: Cluster, { namespaces, node, resyncMs }: Work): { resync(): void; stop(): Promise<void> } {
	const seen = nothingSeen();
	let nextResync = performance.now() + resyncMs;

	async function lookAt(namespace: string): Promise<void> {
		const [clusters, milvuses] = await Promise.all([
			cluster.list(milvusClustersIn(namespace)), //
			cluster.list(milvusesIn(namespace)),
		]);
		const results = await Promise.allSettled([
			...clusters.map((one) => reconcileCluster(cluster, one, seen)),
			...milvuses.map((one) => reconcileMilvus(cluster, one, node, seen)),
		]);
		for (const result of results) if (result.status === 'rejected') throw result.reason;
	}
	const looking = again(async () => {
		if (performance.now() >= nextResync) {
			resync(seen);
			nextResync = performance.now() + resyncMs;
		}
		const results = await Promise.allSettled(namespaces.map(lookAt));
		for (const result of results) if (result.status === 'rejected') throw result.reason;
	}, 200);

	return {
		resync() {
			nextResync = 0;
		},
		stop: () => looking.stop(),
	};
}

export const milvusesIn = (namespace: string) => `/apis/milvus.io/v1beta1/namespaces/${namespace}/milvuses`;
const milvusClustersIn = (namespace: string) => `/apis/milvus.io/v1alpha1/namespaces/${namespace}/milvusclusters`;
