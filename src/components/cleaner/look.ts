import type { InstanceNow } from '../../domain/instance-now.ts';
import type { Instance } from '../../domain/pod.ts';
import { type Cluster, type KubernetesObject, KubernetesRefused, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { operatorNow } from './operator-now.ts';
import type { Namespace, Upgrade } from './vetoes.ts';

/** The instances of a namespace that have a pod, as they are now. */
export type Instances = (cluster: Cluster, namespace: string, signal: AbortSignal) => Promise<readonly InstanceNow[]>;

/** Reads from the cluster what is asked for, each once, and forgets it with the pass. */
export function look(cluster: Cluster, instances: Instances, signal: AbortSignal) {
	const asked = new Map<string, Promise<readonly InstanceNow[]>>();
	let upgrades: Promise<readonly Upgrade[]> | undefined;
	let operator: Promise<string | undefined> | undefined;

	return {
		async instance({ namespace, name, kind }: Instance): Promise<InstanceNow> {
			const all = asked.get(namespace) ?? instances(cluster, namespace, signal);
			asked.set(namespace, all);
			const found = (await all).find(({ instance }) => instance.name === name && instance.kind === kind);
			return found ?? { instance: { namespace, name, kind }, pods: [] };
		},

		/** Undefined where there is none. */
		async namespace(name: string): Promise<Namespace | undefined> {
			const found = await cluster.get<KubernetesObject>(resource('v1', 'namespaces', undefined, name), signal);
			return found && { annotations: found.metadata.annotations ?? {}, isEnding: found.metadata.deletionTimestamp !== undefined };
		},

		/** Of the operator, in the whole cluster. */
		upgrades(): Promise<readonly Upgrade[]> {
			upgrades ??= upgradesOf(cluster, signal);
			return upgrades;
		},

		/** Why the operator does not work, in words; undefined where it does. */
		operator(): Promise<string | undefined> {
			operator ??= operatorNow(cluster, signal).then(
				(now) => (now.is === 'running' ? undefined : now.veto),
				(error) => {
					// Where only some namespaces are looked at, the operator may be in another.
					if (!(error instanceof KubernetesRefused && error.status === 403)) throw error;
					return `whether the Milvus operator runs is not known: ${error.message}`;
				},
			);
			return operator;
		},
	};
}

export type Look = ReturnType<typeof look>;

type MilvusUpgrade = KubernetesObject & {
	readonly spec?: { readonly milvus?: { readonly namespace?: string; readonly name?: string } };
	readonly status?: { readonly state?: string };
};

async function upgradesOf(cluster: Cluster, signal: AbortSignal): Promise<readonly Upgrade[]> {
	const all: Upgrade[] = [];
	try {
		for await (const { metadata, spec, status } of cluster.list<MilvusUpgrade>(
			resource('milvus.io/v1beta1', 'milvusupgrades'),
			{},
			signal,
		)) {
			const { namespace = '', name } = metadata;
			const of = { namespace: spec?.milvus?.namespace || namespace, name: spec?.milvus?.name ?? '' };
			all.push({ namespace, name, of, state: status?.state ?? '' });
		}
	} catch (error) {
		if (!(error instanceof KubernetesRefused && error.status === 404)) throw error; // the operator was never installed
	}
	return all;
}
