import { join } from 'node:path';
import { root } from '../crash.ts';
import type { Stored } from './api.ts';
import type { Cluster } from './cluster.ts';
import { helm } from './helm.ts';
import type { MadeRelease } from './helm-release.ts';
import { madeOf } from './workload.ts';

export type InstalledRelease = {
	readonly namespace: string;
	readonly release: string;
	/** Else a node is made for it. */
	readonly node?: string;
	/** As in values.yaml of the chart: but for what is said here, a standalone, nothing odd, and all volumes stay when it is uninstalled. */
	readonly values?: Readonly<Record<string, unknown>>;
};

/**
 * Installs the chart that has the kinds and labels of Milvus' own, by the real helm, and waits for the pods. Their kubelets can be played; once it is
 * uninstalled, `endingPods` ends them.
 *
 * @returns Deployments first, and those of Milvus first
 */
export async function installedRelease(cluster: Cluster, options: InstalledRelease): Promise<MadeRelease> {
	const { namespace, release } = options;
	const node = options.node ?? (await cluster.node());
	const values = { components: ['standalone'], oddities: false, ...options.values, node };
	await helm(
		...['install', release, join(root, 'test/support/kubernetes/charts/milvus')],
		...Object.entries(values).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
		...['--namespace', namespace, '--kubeconfig', cluster.kubeconfig],
	);
	const listed = await Promise.all(
		['deployments', 'statefulsets'].map((kind) => cluster.list(`/apis/apps/v1/namespaces/${namespace}/${kind}`)),
	);
	const workloads = listed.flat().filter(({ metadata }) => metadata.annotations?.['meta.helm.sh/release-name'] === release);
	const secret: Stored = await cluster.call('GET', `/api/v1/namespaces/${namespace}/secrets/sh.helm.release.v1.${release}.v1`);
	const { pods } = await madeOf(cluster, workloads);
	// So that the first pod is one of the first workload.
	const isMilvus = ({ metadata }: Stored) => metadata.labels?.['app.kubernetes.io/name'] === 'milvus';
	return { secret, workloads, pods: pods.toSorted((one, other) => Number(isMilvus(other)) - Number(isMilvus(one))) };
}
