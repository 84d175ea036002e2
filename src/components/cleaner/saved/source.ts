import { plurals, type Restores, releaseType } from '../../../domain/saved-instance.ts';
import type { Cluster, KubernetesObject, Secret } from '../../../drivers/kubernetes/kubernetes.ts';
import type { InstanceContents, Release, Resource } from '../contents/contents.ts';
import { objectAt } from '../contents/listing.ts';
import { revisionsOf } from '../contents/newest-release.ts';
import { NotSaved } from './not-saved.ts';

/** What is saved of an instance, as it is now. */
export type Source = {
	readonly uid: string;
	readonly resourceVersion: string;
	/** For messages. */
	readonly what: string;
	/** Its removal has begun: it is no longer what it is to be restored as. */
	readonly isEnding: boolean;
	readonly restores: Restores;
	/** What `kubectl create` makes it again of. */
	readonly manifest: object;
};

type CustomResource = KubernetesObject & { readonly spec?: unknown };

/**
 * Reads it, if it is what was found.
 *
 * @throws {NotSaved}
 * @throws {KubernetesUnavailable}
 */
export async function sourceIn(cluster: Cluster, { release, resource }: InstanceContents, signal: AbortSignal): Promise<Source> {
	if (release) return recordOf(cluster, release, signal);
	if (resource) return customResource(cluster, resource, signal);
	throw new NotSaved('there is neither the record of a release nor a custom resource to save');
}

async function recordOf(cluster: Cluster, release: Release, signal: AbortSignal): Promise<Source> {
	const { namespace, name: releaseName, revision, chart, secretName: name, status } = release;
	const what = `Secret ${name} of namespace ${namespace}`;
	const { type, metadata, data } = await read<Secret>(cluster, { group: 'v1', plural: 'secrets' }, { namespace, name, what }, signal);
	const { uid, resourceVersion, labels = {} } = metadata;
	if (uid !== release.secretUid) throw new NotSaved(`${what} is another now`);
	if (resourceVersion !== release.secretResourceVersion) throw new NotSaved(`${what} has changed meanwhile`);
	// An upgrade that has begun has a record of its own, and leaves the one before as it is.
	const newest = (await NotSaved.unlessAllowed(() => revisionsOf(cluster, namespace, releaseName, signal))).at(-1);
	if (newest && newest.revision > revision) throw new NotSaved(`release ${releaseName} has revision ${newest.revision} meanwhile`);
	if (type !== releaseType) throw new NotSaved(`${what} is not of type ${releaseType}`);
	return {
		...{ uid, resourceVersion, what },
		isEnding: [status, labels.status].some((one) => one?.startsWith('uninstall')),
		restores: { is: 'release', release: releaseName, revision, chart: `${chart.name}-${chart.version}` },
		manifest: {
			...{ apiVersion: 'v1', kind: 'Secret', type },
			metadata: { namespace, name, labels },
			...packed(data?.release ?? ''),
		},
	};
}

/** Helm's value is base64 itself: in base64 once more it would not fit where the record fits. */
function packed(release: string): object {
	const text = Buffer.from(release, 'base64').toString('latin1');
	return /^[\w+/=-]*$/.test(text) ? { stringData: { release: text } } : { data: { release } };
}

async function customResource(cluster: Cluster, resource: Resource, signal: AbortSignal): Promise<Source> {
	const { apiVersion, kind, namespace, name } = resource;
	const what = `${kind} ${name} of namespace ${namespace}`;
	if (!isKnown(kind)) throw new NotSaved(`${what} is of a kind that can't be saved`);
	const collection = { group: apiVersion, plural: plurals[kind] };
	const { metadata, spec } = await read<CustomResource>(cluster, collection, { namespace, name, what }, signal);
	const { uid, resourceVersion, labels, deletionTimestamp } = metadata;
	if (uid !== resource.uid) throw new NotSaved(`${what} is another now`);
	const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...annotations } = metadata.annotations ?? {};
	return {
		...{ uid, resourceVersion, what },
		isEnding: deletionTimestamp !== undefined,
		restores: { is: 'resource', apiVersion, kind, name },
		manifest: { apiVersion, kind, metadata: { namespace, name, ...(labels && { labels }), annotations }, spec },
	};
}

const isKnown = (kind: string): kind is keyof typeof plurals => kind in plurals;

async function read<T extends KubernetesObject>(
	cluster: Cluster,
	collection: { readonly group: string; readonly plural: string },
	{ namespace, name, what }: { readonly namespace: string; readonly name: string; readonly what: string },
	signal: AbortSignal,
): Promise<T> {
	const found = await NotSaved.unlessAllowed(() => objectAt<T>(cluster, collection, { namespace, name }, signal));
	if (!found) throw new NotSaved(`${what} is not there any more`);
	return found;
}
