import type { Contents, ObjectName } from '../../../domain/contents.ts';
import type { Cluster } from '../../../drivers/kubernetes/kubernetes.ts';
import { fatesOf, type Parts } from './fates.ts';
import { metadataOf } from './listing.ts';
import { type KeptRelease, newestRelease } from './newest-release.ts';
import { createPresence } from './presence.ts';
import { volumesOf, type Workload } from './volumes.ts';

/** The newest revision of a release. */
export type Release = {
	readonly name: string;
	readonly namespace: string;
	readonly chart: { readonly name: string; readonly version: string };
	readonly revision: number;
	readonly status: string;
	/** Of its record; each revision has another. */
	readonly secretName: string;
	readonly secretUid: string;
	readonly secretResourceVersion: string;
	/** What runs when it is uninstalled, and may do anything: `Job/cleanup (pre-delete)`. */
	readonly deleteHooks: readonly string[];
};

/** @returns undefined when there is no such release */
export async function contentsOfRelease(
	cluster: Cluster,
	{ namespace, name }: { readonly namespace: string; readonly name: string },
	signal: AbortSignal | undefined,
): Promise<{ readonly contents: Contents; readonly release: Release } | undefined> {
	const kept = await newestRelease(cluster, namespace, name, signal);
	if (!kept) return undefined;
	const parts = await partsOf(cluster, kept, signal);
	const claims = await metadataOf(cluster, claimsCollection, namespace, signal);
	const fates = fatesOf(parts, { looksForOwner: true, runsHooks: true });
	const { goes, stays, volumes } = volumesOf(claims, fates, {
		...{ namespace, workloads: workloadsOf(parts), named: new Map() },
		marks: new Map([[name, { isLost: false, why: `is marked as of ${name}, and no part of the release` }]]),
	});
	return {
		contents: { is: 'known', goes: [...goes, ...recordsOf(kept)], stays, volumes },
		release: releaseOf(kept),
	};
}

export const claimsCollection = { group: 'v1', plural: 'persistentvolumeclaims' };

export async function partsOf(cluster: Cluster, { record }: KeptRelease, signal: AbortSignal | undefined): Promise<Parts> {
	const find = createPresence(cluster, signal);
	const { namespace } = record;
	const objects = await Promise.all(record.objects.map((object) => find(object, namespace)));
	const hooks = await Promise.all(record.hooks.map(async (hook) => ({ hook, found: await find(hook.object, namespace) })));
	return { release: record, objects, hooks };
}

export const workloadsOf = ({ objects }: Parts): Workload[] =>
	objects.flatMap(({ object, made, now }) => (now === 'absent' || !isWorkload(object) ? [] : [{ ...object, claims: made.claims }]));

const isWorkload = ({ kind }: ObjectName) => ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicaSet'].includes(kind);

/** Helm keeps nothing of a release that it has uninstalled. */
export const recordsOf = ({ record, secrets }: KeptRelease): ObjectName[] =>
	secrets.map((name) => ({ apiVersion: 'v1', kind: 'Secret', namespace: record.namespace, name }));

function releaseOf({ record: { name, namespace, chart, revision, status, hooks }, secret }: KeptRelease): Release {
	const deleteHooks = hooks.flatMap(({ object, events }) => {
		const runs = events.filter((event) => event === 'pre-delete' || event === 'post-delete');
		return runs.length > 0 ? [`${object.kind}/${object.name} (${runs.join(', ')})`] : [];
	});
	const { name: secretName, uid: secretUid, resourceVersion: secretResourceVersion } = secret;
	return { name, namespace, chart, revision, status, secretName, secretUid, secretResourceVersion, deleteHooks };
}
