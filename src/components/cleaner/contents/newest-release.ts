import type { Cluster, Secret } from '../../../drivers/kubernetes/kubernetes.ts';
import { type HelmRelease, ReleaseRecordError, readRelease } from '../../../readers/helmrelease/helmrelease.ts';
import { metadataOf, objectAt } from './listing.ts';

/** The newest revision of a release, and the Secret that it was read from. */
export type KeptRelease = {
	readonly record: HelmRelease;
	readonly secret: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
	/** Of all revisions that are kept. */
	readonly secrets: readonly string[];
};

const secrets = { group: 'v1', plural: 'secrets' };
const type = 'helm.sh/release.v1';
/** Helm's pkg/chart/v2/util/validate_name.go; whoever labels or annotates may write anything. */
const releaseName = /^(?=.{1,53}$)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

/**
 * The revision that Helm takes for an uninstallation: the highest, whatever its status is.
 *
 * @returns undefined when there is no such release
 * @throws {MissingRight}
 * @throws {ReleaseRecordError}
 */
export async function newestRelease(
	cluster: Cluster,
	namespace: string,
	name: string,
	signal: AbortSignal | undefined,
): Promise<KeptRelease | undefined> {
	const revisions = await revisionsOf(cluster, namespace, name, signal);
	const newest = revisions.at(-1);
	if (!newest) return undefined;
	const found = await objectAt<Secret>(cluster, secrets, { namespace, name: newest.metadata.name }, signal);
	if (!found) return undefined; // it has gone meanwhile
	const record = await readRelease(found.data?.release ?? '');
	if (record.name !== name || record.namespace !== namespace || record.revision !== newest.revision)
		throw new ReleaseRecordError('is of another release');
	const { uid, resourceVersion } = found.metadata;
	const names = revisions.map(({ metadata }) => metadata.name);
	return { record, secret: { name: found.metadata.name, uid, resourceVersion }, secrets: names };
}

/**
 * The revisions of a release that are kept, the newest last.
 *
 * @throws {MissingRight}
 */
export async function revisionsOf(cluster: Cluster, namespace: string, name: string, signal: AbortSignal | undefined) {
	if (!releaseName.test(name)) return [];
	const labelSelector = `owner=helm,name=${name}`;
	const kept = await metadataOf(cluster, secrets, namespace, signal, { labelSelector, fieldSelector: `type=${type}` });
	const revisions = kept.flatMap((metadata) => {
		const revision = revisionIn(metadata.name, name);
		return revision === undefined ? [] : [{ metadata, revision }];
	});
	return revisions.toSorted((a, b) => a.revision - b.revision);
}

function revisionIn(secret: string, release: string): number | undefined {
	const start = `sh.helm.release.v1.${release}.v`;
	const digits = secret.startsWith(start) ? secret.slice(start.length) : '';
	return /^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : undefined;
}
