import { delimiter } from 'node:path';
import type { ObjectName } from '../../src/domain/contents.ts';
import { cli } from './cli.ts';
import { crashReports } from './crash-reports.ts';
import type { Held, Written } from './holding-proxy.ts';
import type { Manifest, Stored } from './kubernetes/api.ts';
import type { Cluster } from './kubernetes/cluster.ts';
import { crashLoop } from './kubernetes/crash-loop.ts';
import { freeLease } from './kubernetes/definitions.ts';
import { endingPods } from './kubernetes/ending-pods.ts';
import { installedRelease } from './kubernetes/installed-release.ts';
import { presentIn } from './kubernetes/present.ts';
import { find } from './kubernetes/programs.ts';
import { type RemovingAgent, removingAgent } from './removing-agent.ts';
import { until } from './until.ts';

/**
 * A namespace in which controllers remove releases that do nothing but crash, and one for these controllers: real agents with the real helm, one after the
 * other or several, each with a way of its own to the API server.
 */
export async function removingAgents(cluster: Cluster) {
	await using stack = new AsyncDisposableStack();
	const reports = stack.use(await crashReports(cluster));
	const { namespace } = reports;
	const agents = stack.use(await cluster.namespace()).name;
	stack.use(endingPods(cluster, [namespace]));
	const collection = `/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/instancecleanups`;
	stack.defer(async () => void (await cluster.call('DELETE', collection)));
	await freeLease(cluster, agents);
	const path = [await find('helm'), process.env.PATH].join(delimiter);
	const controllers: RemovingAgent[] = [];
	let reported = 0;
	const isNote = (path: string) =>
		new RegExp(
			`^/apis/authorization|/namespaces/${agents}/|/namespaces/${namespace}/(instancecleanups|events|secrets/sh.helm.release.*)`,
		).test(path);
	const paths = (isIt: (one: Written) => boolean) =>
		controllers
			.flatMap(({ written }) => written)
			.filter(isIt)
			.map(({ path }) => path)
			.toSorted();
	async function crash(release: string): Promise<void> {
		const selector = `labelSelector=app.kubernetes.io/name=milvus,app.kubernetes.io/instance=${release}`;
		const [pod] = await until(
			`pods of ${release}`,
			async () => cluster.list(`/api/v1/namespaces/${namespace}/pods?${selector}`),
			({ length }) => length > 0,
		);
		reported += 10;
		await crashLoop(cluster, { reports, pod: pod as Stored, instance: { name: release, kind: 'helm' }, first: reported });
	}
	const cleanups = () => cluster.list(collection);
	const kept = stack.move();
	return {
		...{ namespace, agents, cleanups, controllers: controllers as readonly RemovingAgent[] },
		/** One that leads, or waits to. */
		async controller(): Promise<RemovingAgent> {
			const one = kept.use(await removingAgent(cluster, { path, namespace, agents, name: `controller-${controllers.length + 1}` }));
			controllers.push(one);
			await one.says(' leads');
			return one;
		},
		/** A release that does nothing but crash. */
		async crashing(release: string) {
			await installedRelease(cluster, { namespace, release });
			await crash(release);
		},
		/** One that was restored. */
		crashesAgain: crash,
		/** By its InstanceCleanup, as somebody does who sits before it. */
		restore: (name: string) => cli(['restore', name, '--apply', '--kubeconfig', cluster.kubeconfig], { environment: { PATH: path } }),
		/** What all removals were to take with them. */
		goes: async (): Promise<readonly (ObjectName & Manifest)[]> =>
			(await cleanups()).flatMap(({ status }) => status.contents.goes).map((one: ObjectName) => ({ ...one, metadata: one })),
		/** The paths that any of the controllers has deleted, and helm for them. */
		deleted: () => paths(({ method, status }) => method === 'DELETE' && status === 200),
		/** What else they have changed beyond what they write down. */
		touched: () => paths(({ method, path }) => method !== 'DELETE' && !isNote(path)),
		/** By the names of the instances. */
		phases: async (): Promise<Record<string, string | undefined>> =>
			Object.fromEntries((await cleanups()).map(({ spec, status }) => [spec.instance, status?.phase])),
		/** Of the InstanceCleanup that somebody is held at. */
		phaseAt: async ({ request: { path } }: Held) => (await cluster.call('GET', path)).status.phase as string,
		present: () => presentIn(cluster, namespace, all),
		records: () => cluster.list(`/api/v1/namespaces/${namespace}/secrets?fieldSelector=type=helm.sh/release.v1`),
		saved: () => cluster.list(`/api/v1/namespaces/${agents}/secrets?fieldSelector=type=diagnostics.milvus.io/saved-instance`),
		[Symbol.asyncDispose]: () => kept.disposeAsync(),
	};
}

const all = 'deployments,replicasets,statefulsets,pods,services,configmaps,secrets,persistentvolumeclaims';
