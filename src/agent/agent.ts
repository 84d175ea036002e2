import { defined } from '../base/defined.ts';
import { startMonitor } from '../components/monitor/monitor.ts';
import type { Config } from '../config/config.ts';
import { JournalError } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { controllerPart, type OfCluster } from './controller.ts';
import { nodePart } from './node.ts';
import { type Mode, monitorOptions, type OnCluster } from './pieces.ts';
import { type Change, type ConfigSource, configChanges, type NamedFiles, withFiles } from './reload.ts';

export { podTable } from '../components/discovery/discovery.ts';
export { layersOf } from './container-files.ts';
export type { OfCluster } from './controller.ts';
export { type Imported, type Importer, openImporter } from './import.ts';
export { modelOf, requestAbout } from './model.ts';
export type { Mode, OnCluster } from './pieces.ts';
export { type Asked, askAnew, isUnderway, joinAgent } from './reanalysis.ts';
export { storeOf } from './store.ts';

/** What the agent is to do: work on the crashes of its machine, be it one of a cluster, for the whole cluster, or both. */
export type Job = {
	readonly mode: Mode;
	readonly node?: { readonly onCluster: OnCluster | undefined } | undefined;
	readonly controller?: OfCluster | undefined;
};

export type AgentOptions = {
	readonly config: Config;
	/** Where that came from. */
	readonly source: ConfigSource;
	readonly job: Job;
	readonly version: string;
	readonly telemetry: Telemetry;
};

/**
 * Runs the agent until the signal: builds its pieces, starts them in order, and stops them in reverse order. When the configuration
 * changes, what depends on it is stopped and started so in between; the rest goes on.
 *
 * @throws {JournalError} the journal is in use by another agent, or can't be used
 * @throws {ConfigError} a file that the configuration names is wrong
 */
export async function runAgent({ config, source, job, version, telemetry }: AgentOptions, signal: AbortSignal): Promise<void> {
	process.umask(0o077); // what it writes may hold what the crashed process knew
	const { mode, node, controller } = job;
	const named: NamedFiles = (from) => (node ? from.analyzer.knownIssues : []);
	let inForce = withFiles(config, named);
	await using running = new AsyncDisposableStack();
	const parts = [
		...(node ? [running.use(await nodePart(inForce, node.onCluster, telemetry))] : []),
		...(controller ? [running.use(controllerPart(config, controller, telemetry))] : []),
	];
	telemetry.configLoaded();
	telemetry.agentStarted({ version, ...factsOf(config, job) });
	const monitor = running.use(await startMonitor(telemetry, monitorOptions(config, mode)));
	const changes = running.use(configChanges(source, named, telemetry));
	for (const part of parts) await part.start();

	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	try {
		for (;;) {
			const change = await Promise.race([changes.next(inForce, either), ...parts.map(({ failed }) => failed)]);
			if (!change) break;
			const exchanges = await accepted(change);
			if (!exchanges) continue;
			inForce = change;
			await monitor.change(monitorOptions(change.config, mode));
			for (const exchange of exchanges) await exchange(signal);
			if (signal.aborted) break;
		}
	} finally {
		stop.abort();
		const givenBack = await Promise.all(parts.map((part) => part.stop()));
		telemetry.agentStopped({ givenBack: givenBack.reduce((sum, count) => sum + count) });
	}

	/** What puts another configuration in place; nothing when its journal can't be opened. */
	async function accepted(change: Change) {
		try {
			const exchanges = [];
			for (const part of parts) exchanges.push(await part.prepare(change));
			telemetry.configChanged(change.keys, change.config.log.level);
			for (const warning of change.warnings) telemetry.configWarning(warning);
			return exchanges;
		} catch (error) {
			if (!(error instanceof JournalError)) throw error;
			telemetry.configRefused(error.message);
			return undefined;
		}
	}
}

function factsOf({ collector, journal }: Config, { node, controller }: Job) {
	const cluster = node?.onCluster?.cluster ?? controller?.cluster;
	return defined({
		mode: cluster ? 'cluster' : 'standalone',
		...(node && { cores: collector.coredumpPath, journal: journal.path, node: node.onCluster?.node }),
		role: cluster && (node && controller ? 'both' : node ? 'node' : 'controller'),
		cluster: cluster?.server,
		identity: controller?.identity,
	});
}
