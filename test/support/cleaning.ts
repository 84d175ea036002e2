import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CleanerDeps, type CleanerOptions, cleaner } from '../../src/components/cleaner/cleaner.ts';
import { instancesIn } from '../../src/components/discovery/discovery.ts';
import { reportTable } from '../../src/components/monitor/monitor.ts';
import { helm } from '../../src/drivers/helm/helm.ts';
import { connect, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import { find } from './kubernetes/programs.ts';
import { listening } from './telemetry.ts';

const usual: CleanerOptions = {
	maxRestartCount: 5,
	windowMs: 3600_000,
	delayMs: 1_000,
	countOutOfMemory: false,
	timeoutMs: 60_000,
	maxCleanupsPerHour: 1,
	allowVolumeLoss: false,
	isEnforced: () => false,
	enforcement: () => 'not carried out',
	by: 'a test',
	intervalMs: 100,
};
const selectors = {
	helmReleaseLabels: ['app.kubernetes.io/name=milvus', 'helm.sh/chart=milvus'],
	operatorLabels: ['app.kubernetes.io/managed-by=milvus-operator', 'milvus.io/instance'],
};

/** Where it can't be had, tests that need it are skipped. */
const helmProgram = await find('helm').then(
	(folder) => join(folder, 'helm'),
	() => 'helm',
);

/** Helm, on the cluster of a kubeconfig. */
export const helmOf = (kubeconfig: string) =>
	helm({ kubeconfig: () => readFileSync(kubeconfig, 'utf8'), environment: process.env, program: helmProgram });

/** Looks for instances that do nothing but crash, as the leader does but oftener, until the end of the block. */
export async function cleaning(kubeconfig: string, options: Partial<CleanerOptions> = {}, deps: Partial<CleanerDeps> = {}) {
	const requests: RequestMade[] = [];
	const cluster = await connect({ kubeconfig, environment: {}, onRequest: (made) => requests.push(made) });
	const { telemetry, lines } = listening();
	const reports = reportTable({ firstDelayMs: 50, longestDelayMs: 500 });
	const stop = new AbortController();
	const run = cleaner({
		reports,
		instances: (cluster, namespace, signal) => instancesIn(cluster, { namespace, namespaces: 'all', selectors }, signal),
		contents: async () => ({ contents: { is: 'unknown', reason: 'a test' } }),
		helm: helmOf(kubeconfig),
		telemetry,
		options: { ...usual, ...options },
		...deps,
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
