import { join } from 'node:path';
import { discovery, podTable, type Selectors } from '../../components/discovery/discovery.ts';
import type { Membership } from '../../domain/pod.ts';
import type { Cluster, Informed, InformerOptions, KubernetesObject } from '../../drivers/kubernetes/kubernetes.ts';
import { createLog } from '../../telemetry/log.ts';
import { createTelemetry } from '../../telemetry/telemetry.ts';
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

/** `v1.Pod`, as far as it is read here. */
type ApiPod = KubernetesObject & {
	readonly spec?: {
		readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
		readonly containers?: readonly {
			readonly resources?: { readonly limits?: { readonly memory?: string } };
			readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
		}[];
	};
	readonly status?: { readonly containerStatuses?: readonly object[] };
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
	const log = await createLog({ level: 'error', format: 'json', isColoured: false });
	log.level = 'silent'; // what is to be told of them is told by the checks
	const seen = new Map<string, ApiPod>();
	const pods = podTable();
	await discovery({
		cluster: asTheyAre(cluster, (pod) => seen.set(pod.metadata.uid, pod)),
		pods,
		intake: { append: async () => [], isKnown: async () => true },
		bookmark: { read: () => undefined, write: async () => {} },
		telemetry: createTelemetry(log, { isInCluster: true }),
		options: { ...options, podLogsPath: '', logFolder: '', maxAgeMs: 0 },
	}).run(signal);
	const milvus = [...pods.all()].flatMap(({ pod: { uid, namespace, name }, membership }) => {
		const raw = seen.get(uid);
		return membership && raw ? [{ namespace, name, membership, ...needsOf(raw) }] : [];
	});
	return { milvus, count: seen.size };
}

/** A cluster whose informer ends with what there is now, and tells nothing of how containers ended: nobody's last words are looked for. */
function asTheyAre(cluster: Cluster, onPod: (pod: ApiPod) => void): Cluster {
	async function* informer<Raw extends KubernetesObject, T>(
		{ path, trim, timing: _, ...selection }: InformerOptions<Raw, T>,
		signal: AbortSignal,
	): AsyncGenerator<Informed<T>, void> {
		const objects: T[] = [];
		for await (const object of cluster.list<Raw>(path, selection, signal)) {
			onPod(object as ApiPod);
			objects.push(trim({ ...object, status: {} }));
		}
		yield { is: 'synced', objects };
	}
	return { ...cluster, informer };
}

function needsOf({ spec }: ApiPod): Pick<PodHere, 'memoryBytes' | 'mounts'> {
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
