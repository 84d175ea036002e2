import {
	type Cluster,
	type KubernetesObject,
	KubernetesRefused,
	type ListOptions,
	type ObjectMeta,
	resource,
} from '../../../drivers/kubernetes/kubernetes.ts';

/** What is to be found out can't be, for want of a right: which. */
export class MissingRight extends Error {
	override readonly name = 'MissingRight';
}

/** A collection of the API: `{ group: 'apps/v1', plural: 'deployments' }`. */
export type Collection = { readonly group: string; readonly plural: string };

/**
 * The metadata of what is in a collection, within a namespace or of the whole cluster. Nothing is there of what the API does not know.
 *
 * @throws {MissingRight}
 */
export async function metadataOf(
	cluster: Cluster,
	{ group, plural }: Collection,
	namespace: string | undefined,
	signal: AbortSignal | undefined,
	options: ListOptions = {},
): Promise<ObjectMeta[]> {
	return known([], { what: nameOf({ group, plural }), verbs: 'list', namespace }, async () => {
		const found: ObjectMeta[] = [];
		const path = resource(group, plural, namespace);
		for await (const { metadata } of cluster.list<KubernetesObject>(path, { ...options, metadataOnly: true }, signal)) found.push(metadata);
		return found;
	});
}

/**
 * One object; undefined when there is none, as of what is no name.
 *
 * @throws {MissingRight}
 */
export async function objectAt<T extends KubernetesObject>(
	cluster: Cluster,
	{ group, plural }: Collection,
	{ namespace, name }: { readonly namespace: string; readonly name: string },
	signal: AbortSignal | undefined,
): Promise<T | undefined> {
	if (!objectName.test(name)) return undefined;
	return known(undefined, { what: nameOf({ group, plural }), verbs: 'get', namespace }, () =>
		cluster.get<T>(resource(group, plural, namespace, name), signal),
	);
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names */
const objectName = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

type Asked = { readonly what: string; readonly verbs: string; readonly namespace: string | undefined };

/** @param otherwise where the API does not know that kind of object: its definition is not installed */
async function known<T>(otherwise: T, { what, verbs, namespace }: Asked, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (cause) {
		if (!(cause instanceof KubernetesRefused)) throw cause;
		if (cause.status === 404) return otherwise;
		if (cause.status !== 403) throw cause;
		const where = namespace === undefined ? 'of the cluster' : `in namespace ${namespace}`;
		throw new MissingRight(`the right to ${verbs} ${what} ${where} is missing`, { cause });
	}
}

/** As RBAC calls it: `deployments.apps`. */
const nameOf = ({ group, plural }: Collection) => (group.includes('/') ? `${plural}.${group.split('/')[0]}` : plural);
