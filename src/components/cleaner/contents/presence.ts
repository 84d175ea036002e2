import type { ObjectName } from '../../../domain/contents.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, type ObjectMeta } from '../../../drivers/kubernetes/kubernetes.ts';
import type { ManifestObject } from '../../../readers/helmrelease/helmrelease.ts';
import { MissingRight, metadataOf } from './listing.ts';

/** An object of a manifest, and what there is of it in the cluster. */
export type Found = {
	readonly object: ObjectName;
	readonly made: ManifestObject;
	/** `hidden`: there is no right to see it. */
	readonly now: ObjectMeta | 'absent' | 'hidden';
};

type Kind = { readonly plural: string; readonly isNamespaced: boolean };
type Discovered = KubernetesObject & {
	readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
};

/** Looks for objects of manifests: the API is asked once for each kind, and for metadata only, as Secrets may be among them. */
export function createPresence(cluster: Cluster, signal: AbortSignal | undefined) {
	const kinds = new Map<string, Promise<ReadonlyMap<string, Kind> | 'hidden'>>();
	const collections = new Map<string, Promise<ReadonlyMap<string, ObjectMeta> | 'hidden'>>();

	/** @param namespace of those that tell none */
	return async function find(made: ManifestObject, namespace: string): Promise<Found> {
		const { apiVersion, name } = made;
		const known = await remembered(kinds, apiVersion, () => kindsOf(apiVersion));
		const kind = known === 'hidden' ? undefined : known.get(made.kind);
		const own = kind?.isNamespaced === false ? undefined : (made.namespace ?? namespace);
		const object: ObjectName = { apiVersion, kind: made.kind, name, ...(own !== undefined && { namespace: own }) };
		if (known === 'hidden') return { object, made, now: 'hidden' };
		if (!kind) return { object, made, now: 'absent' }; // its definition has gone, and all of it with that
		const all = await remembered(collections, `${apiVersion}/${kind.plural}/${own}`, () => membersOf(apiVersion, kind, own));
		return { object, made, now: all === 'hidden' ? 'hidden' : (all.get(name) ?? 'absent') };
	};

	/** https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api */
	async function kindsOf(apiVersion: string): Promise<ReadonlyMap<string, Kind> | 'hidden'> {
		try {
			const { resources = [] } =
				(await cluster.get<Discovered>(`/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`, signal)) ?? {};
			const whole = resources.filter(({ name }) => !name.includes('/')); // else a subresource
			return new Map(whole.map(({ name, kind, namespaced }) => [kind, { plural: name, isNamespaced: namespaced }]));
		} catch (error) {
			if (!(error instanceof KubernetesRefused)) throw error;
			return error.status === 404 ? new Map() : 'hidden';
		}
	}

	async function membersOf(apiVersion: string, { plural }: Kind, namespace: string | undefined) {
		try {
			const all = await metadataOf(cluster, { group: apiVersion, plural }, namespace, signal);
			return new Map(all.map((metadata) => [metadata.name, metadata]));
		} catch (error) {
			if (error instanceof MissingRight) return 'hidden';
			throw error;
		}
	}
}

function remembered<T>(memory: Map<string, Promise<T>>, key: string, find: () => Promise<T>): Promise<T> {
	const found = memory.get(key) ?? find();
	memory.set(key, found);
	return found;
}
