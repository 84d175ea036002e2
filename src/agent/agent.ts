import { defined } from '../base/defined.ts';
import { startMonitor } from '../components/monitor/monitor.ts';
import type { Config } from '../config/config.ts';
import { JournalError } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Mode, makePieces, monitorOptions, type OnCluster, type Pieces } from './pieces.ts';
import { type Change, type ConfigSource, configChanges, withFiles } from './reload.ts';
import { startWork } from './work.ts';

export { podTable } from '../components/discovery/discovery.ts';
export type { Mode, OnCluster } from './pieces.ts';
export type AgentOptions = {
	readonly config: Config;
	/** Where that came from. */
	readonly source: ConfigSource;
	readonly mode: Mode;
	/** Absent in mode standalone. */
	readonly onCluster?: OnCluster | undefined;
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
export async function runAgent({ config, source, mode, onCluster, version, telemetry }: AgentOptions, signal: AbortSignal): Promise<void> {
	process.umask(0o077); // what it writes may hold what the crashed process knew
	let pieces = await makePieces(withFiles(config), onCluster, telemetry);
	await using running = new AsyncDisposableStack();
	running.defer(() => pieces.journal[Symbol.dispose]());
	telemetry.componentReady('journal');
	telemetry.configLoaded();
	telemetry.agentStarted({
		version,
		mode,
		cores: config.collector.coredumpPath,
		journal: config.journal.path,
		...defined({ node: onCluster?.node, cluster: onCluster?.cluster.server }),
	});
	const monitor = running.use(await startMonitor(telemetry, monitorOptions(config, mode)));
	const changes = running.use(configChanges(source, telemetry));
	let work = await startWork(pieces, telemetry);

	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	try {
		for (;;) {
			const change = await Promise.race([changes.next(pieces, either), work.ended.then(() => undefined)]);
			if (!change) break;
			const before = pieces;
			pieces = (await accepted(change, before)) ?? before;
			if (pieces === before) continue;
			await monitor.change(monitorOptions(pieces.config, mode));
			if (!change.keys.some(concernsWork)) continue;
			telemetry.workStopped({ givenBack: await work.stop() });
			if (pieces.journal !== before.journal) before.journal[Symbol.dispose]();
			if (signal.aborted) break;
			work = await startWork(pieces, telemetry);
		}
	} finally {
		stop.abort();
		telemetry.agentStopped({ givenBack: await work.stop() });
	}

	/** The pieces for another configuration; none when its journal can't be opened. */
	async function accepted({ warnings, keys, ...configured }: Change, before: Pieces): Promise<Pieces | undefined> {
		try {
			const next = await makePieces(configured, onCluster, telemetry, before);
			telemetry.configChanged(keys, configured.config.log.level);
			for (const warning of warnings) telemetry.configWarning(warning);
			return next;
		} catch (error) {
			if (!(error instanceof JournalError)) throw error;
			telemetry.configRefused(error.message);
			return undefined;
		}
	}
}

/** All but what can be changed under running work. */
const concernsWork = (key: string) => !/^(log|monitor)\./.test(key);
