import { join } from 'node:path';
import { podsOn, type Selectors } from '../../components/discovery/discovery.ts';
import type { Membership } from '../../domain/pod.ts';
import type { Cluster } from '../../drivers/kubernetes/kubernetes.ts';
import { quantityOf } from './quantity.ts';

/** A pod of Milvus on this node. */
export type PodHere = {
	readonly namespace: string;
	readonly name: string;
	readonly membership: Membership;
	/** What one of its containers may use at most; undefined where one has no limit. */
	readonly memoryBytes: number | undefined;
	/** The folders of the node that its containers have: where, and at which path. */
	readonly mounts: readonly { readonly onNode: string; readonly inPod: string }[];
};

export type PodsHere = { readonly milvus: readonly PodHere[] /** Of all kinds. */; readonly count: number };

/** What a pod asks of its node: `v1.PodSpec`, as far as it is read here. */
type Needs = {
	readonly spec?: {
		readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
		readonly containers?: readonly {
			readonly resources?: { readonly limits?: { readonly memory?: string } };
			readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
		}[];
	};
};

/**
 * The pods of a node as the agent would see them.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function podsHere(
	cluster: Cluster,
	options: { readonly node: string; readonly namespaces: 'all' | readonly string[]; readonly selectors: Selectors },
	signal: AbortSignal,
): Promise<PodsHere> {
	const milvus: PodHere[] = [];
	let count = 0;
	for await (const { raw, membership } of podsOn(cluster, options, signal)) {
		count++;
		const { name, namespace = '' } = raw.metadata;
		if (membership) milvus.push({ namespace, name, membership, ...needsOf(raw as Needs) });
	}
	return { milvus, count };
}

function needsOf({ spec }: Needs): Pick<PodHere, 'memoryBytes' | 'mounts'> {
	const containers = spec?.containers ?? [];
	const limits = containers.map(({ resources }) => quantityOf(resources?.limits?.memory ?? ''));
	const folders = new Map(spec?.volumes?.map(({ name, hostPath }) => [name, hostPath?.path]));
	const mounts = containers.flatMap(({ volumeMounts = [] }) =>
		volumeMounts.flatMap(({ name, mountPath, subPath = '' }) => {
			const folder = folders.get(name);
			return folder === undefined ? [] : [{ onNode: join(folder, subPath), inPod: join(mountPath, '.') }];
		}),
	);
	const memoryBytes = limits.every((limit) => limit !== undefined) ? Math.max(0, ...limits) : undefined;
	return { memoryBytes, mounts };
}
