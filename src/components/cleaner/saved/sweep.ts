import { savedOf, savedSelection } from '../../../domain/saved-instance.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { type Cluster, resource } from '../../../drivers/kubernetes/kubernetes.ts';
import { metadataOf } from '../contents/listing.ts';

/**
 * Deletes what was saved too long ago, without reading it.
 *
 * @param keepMs undefined: for ever
 * @returns how many have gone
 * @throws {MissingRight}
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function sweepSaved(
	cluster: Cluster,
	{ namespace, keepMs }: { readonly namespace: string; readonly keepMs: number | undefined },
	now: EpochMs,
	signal: AbortSignal,
): Promise<number> {
	if (keepMs === undefined) return 0;
	let gone = 0;
	for (const metadata of await metadataOf(cluster, collection, namespace, signal, savedSelection)) {
		const { name, uid, resourceVersion, creationTimestamp = '' } = metadata;
		// It may have been saved anew since it was made, and the clock of whoever did so may have been wrong.
		const times = [savedOf(metadata)?.savedAt ?? Number.NaN, Date.parse(creationTimestamp)].filter((time) => !Number.isNaN(time));
		if (times.length === 0 || now - Math.max(...times) <= keepMs) continue;
		const path = resource(collection.group, collection.plural, namespace, name);
		const removed = await cluster.remove(path, { uid, resourceVersion }, signal);
		if (removed.is === 'done') gone++;
	}
	return gone;
}

const collection = { group: 'v1', plural: 'secrets' };
