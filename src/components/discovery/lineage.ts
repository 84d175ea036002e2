import type { Owner, Pod } from '../../domain/pod.ts';
import { type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Ancestor, Lineage } from './membership.ts';
import { controllerOf } from './read-pod.ts';

/** Reads one object by its path in the API; undefined when it is not there any more. */
export type LookUp = (path: string) => Promise<KubernetesObject | undefined>;

/** The owners that tell who brought a pod into being. Others (jobs, sets of other projects) end the chain. */
const collections: Readonly<Record<string, string>> = {
	'apps/ReplicaSet': 'replicasets',
	'apps/Deployment': 'deployments',
	'apps/StatefulSet': 'statefulsets',
	'milvus.io/Milvus': 'milvuses',
	'milvus.io/MilvusCluster': 'milvusclusters',
};

/** Pods of one ReplicaSet have the same owners; so many are remembered. */
const mostRemembered = 1_000;
/** Pod, ReplicaSet, Deployment, Milvus, MilvusCluster; longer chains are somebody's circle. */
const mostSteps = 6;
/** An owner that is younger than what it owns may get its labels late; a chain is looked up anew after so long. */
const rememberMs = 10 * 60_000;

/** Follows pods to who owns them. What it finds is remembered, so that the API is asked once for all the pods of an owner. */
export function createLineages(lookUp: LookUp, now: () => number = Date.now) {
	const remembered = new Map<string, { readonly lineage: Lineage; readonly at: number }>();

	/** @throws what looking up throws; undefined where an owner is gone, so that nobody can say what was above it */
	return async function lineageOf({ owner, namespace }: Pick<Pod, 'owner' | 'namespace'>): Promise<Lineage | undefined> {
		if (!owner) return [];
		const known = remembered.get(owner.uid);
		if (known && now() - known.at < rememberMs) return known.lineage;
		const lineage = await follow(owner, namespace);
		if (!lineage) return known?.lineage;
		remembered.delete(owner.uid);
		remembered.set(owner.uid, { lineage, at: now() });
		for (const [oldest] of remembered) {
			if (remembered.size <= mostRemembered) break;
			remembered.delete(oldest);
		}
		return lineage;
	};

	async function follow(first: Owner, namespace: string): Promise<Lineage | undefined> {
		const lineage: Ancestor[] = [];
		let owner: Owner | undefined = first;
		while (owner && lineage.length < mostSteps) {
			const { apiVersion, kind, name, uid } = owner as Owner;
			const collection = collections[`${apiVersion.replace(/\/[^/]*$/, '')}/${kind}`];
			const found: KubernetesObject | undefined =
				collection === undefined ? undefined : await lookUp(resource(apiVersion, collection, namespace, name));
			// Another object of the same name is not the owner.
			if (collection !== undefined && found?.metadata.uid !== uid) return undefined;
			lineage.push({ apiVersion, kind, name, labels: found?.metadata.labels ?? {}, annotations: found?.metadata.annotations ?? {} });
			owner = found && controllerOf(found.metadata);
		}
		return lineage;
	}
}
