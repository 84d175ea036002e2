import { manifestOf } from '../../src/components/monitor/publisher/manifest.ts';
import type { Association, CrashReport, Repeats, Restart } from '../../src/domain/report.ts';
import type { Manifest, Stored } from './kubernetes/api.ts';
import type { Cluster } from './kubernetes/cluster.ts';
import { ended, podReport } from './pod-report.ts';
import { idOf } from './publishing.ts';

const collection = (namespace: string) => `/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/crashreports`;

/** A namespace with CrashReports as agents on nodes have written them, which are gone at the end of the block: others count them too. */
export async function crashReports(cluster: Cluster) {
	const own = await cluster.namespace();
	const namespace = own.name;
	const path = (index: number) => `${collection(namespace)}/${nameOf(index)}`;
	/** As the agent on a node would write it. */
	async function put(report: CrashReport, repeats: Repeats, more: object = {}): Promise<Stored> {
		const { status, ...manifest } = manifestOf(report, repeats, { node: 'node-1', namespace });
		const metadata = { ...manifest.metadata, ...more };
		const stored = await cluster.create({ ...manifest, metadata } as unknown as Manifest);
		await cluster.call('PATCH', `${collection(namespace)}/${metadata.name}/status`, { status });
		return stored;
	}
	return {
		namespace,
		path,
		/** How a container ended, and perhaps how often more like that. @param times the newest first */
		ended(index: number, times: readonly Date[], association: Partial<Association>, more: Partial<Restart> = {}): Promise<Stored> {
			const [last, ...others] = times.map((at) => at.toISOString());
			const time = others.at(-1) ?? last;
			if (last === undefined || time === undefined) throw new Error('a crash without a time');
			const report = podReport({
				...{ id: idOf(index), time, association: { namespace, ...association }, restart: ended({ finishedAt: time, ...more }) },
			});
			const span = { count: times.length, firstTime: time, lastTime: last };
			return put(report, times.length === 1 ? span : { ...span, recentTimes: [last, ...others] });
		},
		/** @param lastTime of the crashes that it stands for */
		async create(index: number, lastTime = new Date(), more: object = {}): Promise<Stored> {
			const time = lastTime.toISOString();
			const report = podReport({ id: idOf(index), time, association: { namespace, pod: podName } });
			return put(report, { count: 1, firstTime: time, lastTime: time }, more);
		},
		/** One more crash is folded into it. */
		amend: (index: number, lastTime = new Date()) =>
			cluster.call('PATCH', `${path(index)}/status`, { status: { count: 2, lastTime: lastTime.toISOString() } }),
		/** The indices of those that are there, of so many. */
		async among(count: number): Promise<number[]> {
			const names = new Set((await cluster.list(collection(namespace))).map(({ metadata }) => metadata.name));
			return Array.from({ length: count }, (_, index) => index).filter((index) => names.has(nameOf(index)));
		},
		async [Symbol.asyncDispose]() {
			await cluster.call('DELETE', collection(namespace));
			await own[Symbol.asyncDispose]();
		},
	};
}

const podName = 'my-release-querynode-0';
const nameOf = (index: number) => `${podName}-${idOf(index)}`;

export const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 3600_000);
