import { type CleanerOptions, cleaner } from '../../src/components/cleaner/cleaner.ts';
import { instancesIn } from '../../src/components/discovery/discovery.ts';
import { reportTable } from '../../src/components/monitor/monitor.ts';
import type { Contents } from '../../src/domain/contents.ts';
import { connect, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import { listening } from './telemetry.ts';

const usual: CleanerOptions = {
	maxRestartCount: 5,
	windowMs: 3600_000,
	delayMs: 1_000,
	countOutOfMemory: false,
	enforcement: () => 'not carried out',
	intervalMs: 100,
};
const selectors = {
	helmReleaseLabels: ['app.kubernetes.io/name=milvus', 'helm.sh/chart=milvus'],
	operatorLabels: ['app.kubernetes.io/managed-by=milvus-operator', 'milvus.io/instance'],
};

/** Looks for instances that do nothing but crash, as the leader does but oftener, until the end of the block. */
export async function cleaning(
	kubeconfig: string,
	options: Partial<CleanerOptions> = {},
	contents: Contents = { is: 'unknown', reason: 'a test' },
) {
	const requests: RequestMade[] = [];
	const cluster = await connect({ kubeconfig, environment: {}, onRequest: (made) => requests.push(made) });
	const { telemetry, lines } = listening();
	const reports = reportTable({ firstDelayMs: 50, longestDelayMs: 500 });
	const stop = new AbortController();
	const run = cleaner({
		reports,
		instances: (cluster, namespace, signal) => instancesIn(cluster, { namespace, namespaces: 'all', selectors }, signal),
		contents: async () => contents,
		telemetry,
		options: { ...usual, ...options },
	});
	const running = Promise.all([reports.follow(cluster, () => {}, stop.signal), run(cluster, stop.signal)]);
	running.catch(() => {}); // told at the end
	return {
		lines,
		/** The phases into which it brought instances, in order: `search Pending`. */
		turns: () => lines.flatMap(({ instance, phase }) => (phase === undefined ? [] : [`${instance} ${phase}`])),
		writes: () => requests.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb)),
		looks: () => requests.filter(({ verb, resource }) => verb === 'list' && resource.startsWith('instancecleanups')).length,
		state: () => telemetry.states.get('cleaner'),
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
			cluster[Symbol.dispose]();
		},
	};
}
