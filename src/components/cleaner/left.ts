import { firstFew } from '../../base/first-few.ts';
import type { Target } from '../../domain/cleanup-object/cleanup-object.ts';
import type { InstanceNow } from '../../domain/instance-now.ts';
import { plurals } from '../../domain/saved-instance.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { ReleaseRecordError } from '../../readers/helmrelease/helmrelease.ts';
import { MissingRight } from './contents/listing.ts';
import { newestRelease } from './contents/newest-release.ts';
import { createPresence } from './contents/presence.ts';
import type { Left } from './decide-removal.ts';
import type { Stored } from './stored.ts';
import { isThere } from './target.ts';

/**
 * What is there of an instance whose removal was begun. Where that is not known, it is not taken for gone.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function leftOf(cluster: Cluster, stored: Stored, now: InstanceNow, signal: AbortSignal): Promise<Left> {
	try {
		return stored.instance.kind === 'helm' ? await ofRelease(cluster, stored, now, signal) : await ofResource(cluster, stored, now, signal);
	} catch (error) {
		if (error instanceof ReleaseRecordError) return { is: 'ending', what: `the record of its release ${error.message}` };
		// The right may be gone for good, as where nothing is to be removed any more.
		if (error instanceof MissingRight) return { is: 'ending', what: `what is left of it is not known: ${error.message}` };
		throw error;
	}
}

async function ofRelease(cluster: Cluster, stored: Stored, now: InstanceNow, signal: AbortSignal): Promise<Left> {
	const { instance, spec } = stored;
	const { namespace, name } = instance;
	const { record } = (await newestRelease(cluster, namespace, name, signal)) ?? {};
	if (!record) {
		if (now.pods.length > 0) return isMadeAnew(spec.target, now) ? another(`pods of a release ${name}`) : podsOf(now);
		return forgottenOf(cluster, stored, signal);
	}
	const words = `Helm release ${name}, revision ${record.revision}, is ${record.status}`;
	if (record.chart.name !== 'milvus') return another(`${words}, of the chart ${record.chart.name}`);
	if (record.status === 'uninstalling' || record.status === 'uninstalled') return { is: 'half', what: words };
	return now.pods.length === 0 || isThere(spec.target, now) ? { is: 'all' } : another(words);
}

async function ofResource(cluster: Cluster, { instance, spec: { target } }: Stored, now: InstanceNow, signal: AbortSignal): Promise<Left> {
	const { name } = target;
	const find = (apiVersion: string, plural: string) =>
		cluster.get<KubernetesObject>(resource(apiVersion, plural, instance.namespace, name), signal);
	const isOwner = target.kind === 'MilvusCluster';
	const milvus = await find('milvus.io/v1beta1', plurals.Milvus);
	const top = isOwner ? await find(target.apiVersion, plurals.MilvusCluster) : milvus;
	if (top) {
		const { uid, deletionTimestamp } = top.metadata;
		const words = `${target.kind} ${name} (uid ${uid})`;
		if (uid !== target.uid) return another(words);
		if (deletionTimestamp === undefined) return { is: 'all' };
		return {
			is: 'ending',
			what: `${words} is being deleted since ${deletionTimestamp}, which the operator has to finish; pods left: ${now.pods.length}`,
		};
	}
	const goesWith = milvus?.metadata.ownerReferences?.some(({ uid }) => uid === target.uid);
	if (milvus && !goesWith) return another(`Milvus ${name} (uid ${milvus.metadata.uid})`);
	return milvus ? { is: 'ending', what: `Milvus ${name} goes after its ${target.kind}` } : podsOf(now);
}

/** Helm may forget a release of which something is still there. */
async function forgottenOf(cluster: Cluster, { instance, status }: Stored, signal: AbortSignal): Promise<Left> {
	const find = createPresence(cluster, signal);
	for (const object of status?.contents.goes ?? []) {
		const { now } = await find(object, instance.namespace);
		if (typeof now === 'string') continue;
		const isEnding = now.deletionTimestamp !== undefined;
		const how = isEnding ? 'is being deleted' : 'is still there, and Helm has no record of its release';
		return { is: 'ending', what: `${object.kind} ${object.name} ${how}` };
	}
	return { is: 'nothing' };
}

/** Pods outlive what made them: what owned those that are left is gone, or on its way. */
const isMadeAnew = (target: Target, now: InstanceNow): boolean =>
	!isThere(target, now) && now.pods.some(({ owners, areOwnersKnown }) => areOwnersKnown && !owners.some(({ isEnding }) => isEnding));

const another = (what: string): Left => ({ is: 'another', what });

function podsOf({ pods }: InstanceNow): Left {
	if (pods.length === 0) return { is: 'nothing' };
	const names = pods.map(({ name }) => name);
	return { is: 'ending', what: `pods are still there: ${firstFew(names, (count) => `and ${count} more`)}` };
}
