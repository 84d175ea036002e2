import { join } from 'node:path';
import { root } from '../crash.ts';
import { until } from '../until.ts';
import { type ApiError, type Manifest, pathOf, type Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import type { Dependency } from './dependencies.ts';
import { endingPods } from './ending-pods.ts';
import { helm } from './helm.ts';
import { objectsOf } from './milvus-objects.ts';
import { defineMilvus, type MadeInstance, type OperatorInstance, replicasOf } from './milvus-operator.ts';
import { type MilvusSpec, milvusClusterOf, milvusOf } from './milvus-resources.ts';
import { operatorPod } from './operator-stand-in/operator-pod.ts';
import { milvusesIn, work } from './operator-stand-in/work.ts';
import { madeOf } from './workload.ts';

export type OperatorStandIn = AsyncDisposable & {
	/** Where it runs itself. */
	readonly namespace: string;
	/** Its own. */
	readonly deployment: Stored;
	/** The pod of that. */
	readonly pod: Stored;
	/**
	 * Makes a custom resource as a user does, of which the operator makes the rest. Its dependencies are installed by helm.
	 *
	 * @returns when its pods are there
	 */
	instance(options: StandInInstance): Promise<MadeInstance>;
	/** It looks anew, now and not only when it is time to. */
	resync(): void;
	/** It does nothing any more, and its pod is not ready. The pods of others go on ending. */
	stop(): Promise<void>;
	/** It runs again, and remembers nothing. */
	start(): Promise<void>;
};

export type StandInOptions = {
	/** Where the instances are for which it cares; it is alone there. */
	readonly namespace: string | readonly string[];
	/** How long until it looks anew at what it believes to be as it was: its `--sync-interval`, 600 s as the real one. */
	readonly resyncMs?: number;
	/** How long pods take to end. */
	readonly podsTakeMs?: number;
	/** For all pods; else one is made. */
	readonly node?: string;
};

export type StandInInstance = Pick<
	OperatorInstance,
	'namespace' | 'name' | 'mode' | 'ownedByMilvusCluster' | 'components' | 'annotations'
> & {
	/** What the specification says of dependencies. */
	readonly spec?: MilvusSpec['dependencies'];
	/** Those that are in the cluster. */
	readonly dependencies?: readonly Dependency[];
};

/**
 * Does what the Milvus operator was seen to do, at the real API and out of this process: gives each Milvus its finalizer, its Deployments and a status,
 * makes it of a MilvusCluster, and clears up behind it when it is deleted. As nobody runs the nodes, pods that are to end are ended here too.
 *
 * It is ready when it is returned. At the end of the block no finalizer of it is left.
 */
export async function operatorStandIn(cluster: Cluster, options: StandInOptions): Promise<OperatorStandIn> {
	const { resyncMs = 600_000, podsTakeMs = 0 } = options;
	const namespaces = [options.namespace].flat();
	const node = options.node ?? (await cluster.node());
	await defineMilvus(cluster);
	await using cleanup = new AsyncDisposableStack();
	const own = cleanup.use(await cluster.namespace());
	const shown = await operatorPod(cluster, { namespace: own.name, node });
	cleanup.use(endingPods(cluster, [...namespaces, own.name], { afterMs: podsTakeMs }));
	cleanup.defer(() => takeFinalizers(cluster, namespaces));

	let running: ReturnType<typeof work> | undefined;
	const run = () => {
		running ??= work(cluster, { namespaces, node, resyncMs });
	};
	async function halt(): Promise<void> {
		await running?.stop();
		running = undefined;
	}
	run();
	cleanup.defer(halt);
	const kept = cleanup.move();

	return {
		...{ namespace: own.name, deployment: shown.deployment, pod: shown.pod },
		instance: (wanted) => instance(cluster, node, wanted),
		resync: () => running?.resync(),
		async stop() {
			await halt();
			await shown.stop();
		},
		async start() {
			await shown.start();
			run();
		},
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

async function instance(cluster: Cluster, node: string, options: StandInInstance): Promise<MadeInstance> {
	const { namespace, name, mode, annotations = {}, dependencies = [] } = options;
	for (const dependency of dependencies)
		await helm(
			...['install', `${name}-${dependency}`, join(root, 'test/support/kubernetes/charts/dependency'), '--set', `node=${node}`],
			...['--namespace', namespace, '--kubeconfig', cluster.kubeconfig],
		);
	const spec: MilvusSpec = { mode, components: replicasOf(options), dependencies: options.spec ?? {} };
	const resource = { namespace, name, spec, annotations };
	const milvusCluster = options.ownedByMilvusCluster ? await cluster.create(milvusClusterOf(resource)) : null;
	const manifest = milvusOf(resource);
	if (!milvusCluster) await cluster.create(manifest);
	const milvus = await there(cluster, manifest);
	const workloads = await Promise.all(objectsOf(milvus, node).map((object) => there(cluster, object)));
	return {
		milvus,
		milvusCluster,
		...(await madeOf(
			cluster,
			workloads.filter(({ kind }) => kind === 'Deployment'),
		)),
	};
}

/** Waits until somebody has made that. */
async function there(cluster: Cluster, manifest: Manifest): Promise<Stored> {
	const look = () =>
		cluster.read(manifest).catch((error: ApiError) => {
			if (error.status !== 404) throw error;
		});
	return (await until(`${manifest.kind} ${manifest.metadata.name}`, look, (seen) => seen !== undefined)) as Stored;
}

/** As nobody does it any more, and namespaces would wait for it. */
async function takeFinalizers(cluster: Cluster, namespaces: readonly string[]): Promise<void> {
	for (const namespace of namespaces)
		for (const milvus of await cluster.list(milvusesIn(namespace)))
			await cluster.call('PATCH', pathOf(milvus), { metadata: { finalizers: null } }).catch((error: ApiError) => {
				if (error.status !== 404) throw error;
			});
}
