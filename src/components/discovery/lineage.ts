import type { Owner, Pod } from '../../domain/pod.ts';
import { isKubernetesError, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Ancestor, Lineage } from './membership.ts';
import { controllerOf } from './read-pod.ts';

export type LineageOptions = {
	/** Reads one object by its path in the API; undefined when it is not there any more. */
	readonly lookUp: (path: string) => Promise<KubernetesObject | undefined>;
	/** Told once for an owner of which the API says nothing. Absent: then that is thrown. */
	readonly onUnknown?: (owner: string, reason: string) => void;
	readonly now?: () => number;
};

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
/** What owns what hardly ever changes, but may be labelled late. */
const rememberMs = 60 * 60_000;
/** What could not be found out is asked again after so long. */
const retryMs = 60_000;

type Remembered = {
	readonly lineage: Lineage;
	readonly until: number /** The API said nothing when it was asked last. */;
	readonly isTroubled: boolean;
};

/** Follows pods to who owns them. What it finds is remembered, so that the API is asked once for all the pods of an owner. */
export function createLineages({ lookUp, onUnknown, now = Date.now }: LineageOptions) {
	const remembered = new Map<string, Remembered>();
	const asked = new Map<string, Promise<Lineage>>();

	/** @throws what looking up throws, where nobody is told of it instead */
	return async function lineageOf({ owner, namespace }: Pick<Pod, 'owner' | 'namespace'>): Promise<Lineage> {
		if (!owner) return { ancestors: [], isComplete: true };
		const known = freshly(owner.uid) ?? asked.get(owner.uid);
		if (known) return known;
		const found = follow(owner, namespace).finally(() => asked.delete(owner.uid));
		asked.set(owner.uid, found);
		return found;
	};

	function freshly(uid: string): Lineage | undefined {
		const known = remembered.get(uid);
		return known && now() < known.until ? known.lineage : undefined;
	}

	async function follow(first: Owner, namespace: string): Promise<Lineage> {
		const ancestors: Ancestor[] = [];
		const owners: Owner[] = [];
		let owner: Owner | undefined = first;
		let isComplete = true;
		let isTroubled = false;
		while (owner && ancestors.length < mostSteps) {
			const known = freshly(owner.uid);
			if (known?.isComplete) {
				ancestors.push(...known.ancestors);
				break;
			}
			owners.push(owner);
			const { apiVersion, kind, name } = owner;
			const found: KubernetesObject | undefined = await read(owner, namespace).catch((error) => {
				if (!onUnknown || !isKubernetesError(error)) throw error;
				if (!remembered.get(first.uid)?.isTroubled) onUnknown(`${kind} ${namespace}/${name}`, error.message);
				isTroubled = true;
				return undefined;
			});
			const { labels = {}, annotations = {} } = found?.metadata ?? {};
			ancestors.push({ apiVersion, kind, name, labels, annotations, ...(found && { found: stateOf(found.metadata) }) });
			isComplete = found !== undefined || collectionOf(owner) === undefined;
			owner = found && controllerOf(found.metadata);
		}
		if (!isComplete) {
			// What was known before it could not be read any more is better than half of it.
			const before = remembered.get(first.uid)?.lineage;
			const lineage = before?.isComplete ? before : { ancestors, isComplete };
			remember(first.uid, { lineage, isTroubled, until: now() + retryMs });
			return lineage;
		}
		for (const [step, { uid }] of owners.entries())
			remember(uid, { lineage: { ancestors: ancestors.slice(step), isComplete }, isTroubled, until: now() + rememberMs });
		return { ancestors, isComplete };
	}

	/** @returns undefined for what is not there any more, or whose kind nobody asks for */
	async function read(owner: Owner, namespace: string): Promise<KubernetesObject | undefined> {
		const { apiVersion, name, uid } = owner;
		const collection = collectionOf(owner);
		if (collection === undefined) return undefined;
		const found = await lookUp(resource(apiVersion, collection, namespace, name));
		// Another object of the same name is not the owner.
		return found?.metadata.uid === uid ? found : undefined;
	}

	function remember(uid: string, what: Remembered): void {
		remembered.delete(uid);
		remembered.set(uid, what);
		for (const [oldest] of remembered) {
			if (remembered.size <= mostRemembered) break;
			remembered.delete(oldest);
		}
	}
}

const stateOf = ({ uid, deletionTimestamp, creationTimestamp }: KubernetesObject['metadata']) => ({
	uid,
	isEnding: deletionTimestamp !== undefined,
	madeAt: Date.parse(creationTimestamp ?? '') || 0,
});

/** Undefined for what nobody asks for. Whoever makes a pod may write anything into it: what is no name is of no owner. */
function collectionOf({ apiVersion, kind, name }: Owner): string | undefined {
	const [, group] = /^([a-z.]+)\/v\d[a-z0-9]*$/.exec(apiVersion) ?? [];
	return /^[a-z0-9][a-z0-9.-]*$/.test(name) ? collections[`${group}/${kind}`] : undefined;
}
