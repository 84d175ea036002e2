import { again } from './again.ts';
import { type ApiError, pathOf } from './api.ts';
import type { Cluster } from './cluster.ts';

/**
 * Ends pods that have been asked to go, as the kubelets of their nodes would; else they stay for ever, as nobody runs those nodes.
 *
 * @param afterMs how long a pod takes to end
 */
export function endingPods(cluster: Cluster, namespaces: readonly string[], { afterMs = 0 }: { readonly afterMs?: number } = {}) {
	const asked = new Map<string, number>();
	async function look(namespace: string): Promise<void> {
		for (const pod of await cluster.list(`/api/v1/namespaces/${namespace}/pods`)) {
			const { uid, deletionTimestamp } = pod.metadata;
			if (deletionTimestamp === undefined) continue;
			const since = asked.get(uid) ?? performance.now();
			asked.set(uid, since);
			if (performance.now() - since < afterMs) continue;
			// By its UID: a pod of a StatefulSet comes back under its name.
			await cluster.call('DELETE', pathOf(pod), { gracePeriodSeconds: 0, preconditions: { uid } }).catch((error: ApiError) => {
				if (![404, 409].includes(error.status)) throw error;
			});
		}
	}
	const looking = again(async () => {
		await Promise.all(namespaces.map(look));
	}, 100);
	return { stop: () => looking.stop(), [Symbol.asyncDispose]: () => looking.stop() };
}
