import { cleaner, contentsOf } from '../components/cleaner/cleaner.ts';
import { instancesIn } from '../components/discovery/discovery.ts';
import { type LeadersWork, leader } from '../components/leader/leader.ts';
import { expiry, reportTable } from '../components/monitor/monitor.ts';
import type { Config } from '../config/config.ts';
import type { ClusterReports } from '../domain/cluster-reports.ts';
import { leaseName } from '../domain/rights.ts';
import { helm } from '../drivers/helm/helm.ts';
import type { Cluster } from '../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Part } from './part.ts';
import { pause } from './pause.ts';
import { clearShared } from './shared-retention.ts';

/** The cluster, seen from who works for all of it. */
export type OfCluster = {
	readonly cluster: Cluster;
	/** Of the Lease: the agent's own. */
	readonly namespace: string;
	/** Of this process, and of no other before or after. */
	readonly identity: string;
};

/** For how long work may go on after it was told to stop; the Lease is not given back before. */
const graceMs = 6_000;

/** The keys that the work of a controller depends on. */
const concernsController = (key: string) => /^(monitor\.crashReports|storage|cleaner|discovery)\./.test(key);

type Work = { readonly reports: ClusterReports; readonly telemetry: Telemetry; readonly of: OfCluster };

/**
 * What the leader does for the cluster, each by itself and until the signal: it compares what should be with what is, and acts on the difference.
 * All that they know they know from the cluster, so that the next leader knows it too.
 */
function reconcilers(config: Config, telemetry: Telemetry, of: OfCluster): readonly LeadersWork[] {
	const { crashReports } = config.monitor;
	const reports = reportTable();
	const tell = (problem: string | undefined) =>
		problem === undefined ? telemetry.expiryWorks() : telemetry.componentNotReady('expiry', problem);
	const limits = { maxAgeMs: crashReports.retentionDays * dayMs, maxNumber: crashReports.maxNumber };
	const isShared = config.storage.backend !== 'local';
	if (!config.cleaner.enabled) telemetry.cleanerWorks('switched off (cleaner.enabled)');
	if (!isShared) telemetry.retentionWorks('each node clears its own store');
	return [
		(cluster, signal) => reports.follow(cluster, tell, signal),
		expiry({ reports, telemetry, options: limits }),
		...(isShared ? [clearShared(config, telemetry)] : []),
		...(config.cleaner.enabled ? [cleaning(config, { reports, telemetry, of })] : []),
	];
}

/** Says of instances that do nothing but crash what becomes of them, and removes them where that is enforced. */
function cleaning({ cleaner: options, discovery, storage }: Config, { reports, telemetry, of }: Work): LeadersWork {
	const { namespaces, helmReleaseLabels, operatorLabels } = discovery;
	const selectors = { helmReleaseLabels, operatorLabels };
	const isEnforced = (namespace: string) => options.mode === 'enforce' && options.namespaces.includes(namespace);
	return cleaner({
		reports,
		instances: (cluster, namespace, signal) => instancesIn(cluster, { namespace, namespaces, selectors }, signal),
		contents: contentsOf,
		helm: helm({ kubeconfig: () => of.cluster.kubeconfig(), environment: process.env }),
		telemetry,
		options: {
			maxRestartCount: options.maxRestartCount,
			windowMs: options.restartTimeWindow,
			delayMs: options.cleanupDelay,
			countOutOfMemory: options.countOutOfMemory,
			timeoutMs: options.uninstallTimeout,
			maxCleanupsPerHour: options.maxCleanupsPerHour,
			allowVolumeLoss: options.allowVolumeLoss,
			isEnforced,
			enforcement: (namespace) => (isEnforced(namespace) ? enforced : enforcementIn(namespace, options)),
			by: of.identity,
			...(options.mode === 'enforce' && options.namespaces.length > 0 && { into: of.namespace }),
			...(storage.retentionDays > 0 && { keepSavedMs: storage.retentionDays * dayMs }),
		},
	});
}

const enforced = 'carried out when it is due: cleaner.mode is enforce, and the namespace is in cleaner.namespaces';

function enforcementIn(namespace: string, { mode, namespaces }: Config['cleaner']): string {
	const isListed = namespaces.includes(namespace);
	if (mode === 'enforce') return `not carried out: ${namespace} is not in cleaner.namespaces`;
	return `not carried out: cleaner.mode is dry-run${isListed ? '' : `, and it would not be enforced here, as ${namespace} is not in cleaner.namespaces`}`;
}

const dayMs = 24 * 3600_000;

/** The part that works for the whole cluster, in one process of those that have it. Another configuration is no reason to give up the lead. */
export function controllerPart(configured: Config, of: OfCluster, telemetry: Telemetry): Part {
	const { cluster, ...options } = of;
	const stopping = new AbortController();
	const failure = Promise.withResolvers<never>();
	failure.promise.catch(() => {}); // whoever waits for it hears of it
	let config = configured;
	let changed = new AbortController();
	let running: Promise<void> | undefined;

	/** All reconcilers, anew with each configuration. */
	async function work(fenced: Cluster, signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			const over = AbortSignal.any([signal, changed.signal]);
			await together(reconcilers(config, telemetry, of), fenced, over);
		}
	}

	return {
		async start() {
			running = leader({ cluster, telemetry, work, options: { ...options, name: leaseName } }).run(stopping.signal);
			running.catch(failure.reject);
		},
		failed: failure.promise,
		async prepare(change) {
			return async () => {
				config = change.config;
				if (!change.keys.some(concernsController)) return;
				const before = changed;
				changed = new AbortController();
				before.abort();
			};
		},
		async stop() {
			stopping.abort();
			const finished = new AbortController();
			const ended = running?.catch(() => {}).then(() => finished.abort()); // a failure is told as such
			await Promise.race([ended, pause(graceMs, finished.signal)]);
			return 0;
		},
		[Symbol.dispose]() {},
	};
}

/** When one of them fails, which it does only by a bug, the others end. */
async function together(all: readonly LeadersWork[], cluster: Cluster, signal: AbortSignal): Promise<void> {
	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	const runs = all.map((run) => run(cluster, either).finally(() => stop.abort()));
	await Promise.allSettled(runs);
	await Promise.all(runs);
}
