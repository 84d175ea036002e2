import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { analyzer, checkScratch, loadKnownIssues, ScratchError, sweepScratch } from '../components/analyzer/analyzer.ts';
import { collector, remover } from '../components/collector/collector.ts';
import { startMonitor } from '../components/monitor/monitor.ts';
import { storage } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { type Backend, BackendUnavailable } from '../domain/backend.ts';
import type { Reports } from '../domain/reports.ts';
import { corePattern } from '../drivers/host/host.ts';
import { localBackend } from '../drivers/local/local.ts';
import { Journal } from '../journal/journal.ts';
import type { Component, Telemetry } from '../telemetry/telemetry.ts';
import { readersOf, type Stages, startPipeline } from './pipeline.ts';

export type Mode = 'standalone' | 'node';
export type AgentOptions = { readonly config: Config; readonly mode: Mode; readonly version: string; readonly telemetry: Telemetry };

/** For how long work may go on after the signal to stop. */
const graceMs = 6_000;
const healthIntervalMs = 10_000;
/** For how long the journal keeps what is settled. */
const keepMs = 90 * 24 * 3600_000;
const pruneIntervalMs = 24 * 3600_000;

/**
 * Runs the agent until the signal: builds its pieces, starts them in order, and stops them in reverse order.
 *
 * @throws {JournalError} the journal is in use by another agent, or can't be used
 */
export async function runAgent({ config, mode, version, telemetry }: AgentOptions, signal: AbortSignal): Promise<void> {
	process.umask(0o077); // what it writes may hold what the crashed process knew
	const backend = localBackend(config.storage.localPath, config.storage.minFreeSpace);
	const reports: Reports = { report: (id) => journal.view.report(id) };
	const stages = await stagesOf(config, mode, backend, reports, telemetry);

	await using running = new AsyncDisposableStack();
	const journal = running.use(new Journal(config.journal.path, readersOf(stages), Date.now, telemetry.workRejected));
	telemetry.componentReady('journal');
	telemetry.agentStarted({ version, mode, cores: config.collector.coredumpPath, journal: config.journal.path });
	running.use(await startMonitor(telemetry, monitorOptions(config, mode)));
	await sweepScratch(config.analyzer.scratchPath);
	telemetry.storeMeasured(await backend.start());

	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	const pipeline = startPipeline(stages, journal, telemetry, either);
	const tasks = [
		pipeline.ended,
		collector({ intake: journal, telemetry, options: await collectorOptions(config) }).run(either),
		watchHealth(healthOf(config, backend), telemetry, either),
		pruneDaily(journal, either),
	];
	try {
		// Before the signal a task ends only by failing.
		await Promise.race([Promise.all(tasks), aborted(either)]);
	} finally {
		stop.abort();
		await Promise.race([Promise.allSettled(tasks), delay(graceMs)]);
		telemetry.agentStopped({ givenBack: pipeline.giveBack() });
	}
}

async function stagesOf(config: Config, mode: Mode, backend: Backend, reports: Reports, telemetry: Telemetry): Promise<Stages> {
	const { analyzer: analysis, collector: collection, storage: store } = config;
	return {
		analyzer: analyzer({
			telemetry,
			options: {
				places: { sysroot: '/', paths: analysis.symbols.paths },
				gdb: analysis.enableGdbAnalysis ? { timeoutMs: analysis.gdbTimeout } : undefined,
				scratch: { path: analysis.scratchPath, maxBytes: analysis.scratchSize },
				panicKeywords: analysis.panicKeywords,
				knownIssues: loadKnownIssues(analysis.knownIssues),
				corePattern: await corePattern(),
				host: mode === 'standalone' ? hostname() : undefined,
			},
		}),
		storage: storage({
			backend,
			reports,
			telemetry,
			options: {
				valueThreshold: analysis.valueThreshold,
				maxFileSizeBytes: collection.maxFileSize,
				compression: store.compressionEnabled ? store.compression : 'none',
			},
		}),
		collector: remover({ telemetry, removeOriginal: collection.removeOriginal }),
	};
}

const collectorOptions = async ({ collector: { coredumpPath, watchInterval, maxFileAge, ignorePatterns } }: Config) => ({
	directory: coredumpPath,
	corePattern: await corePattern(),
	watchIntervalMs: watchInterval,
	maxFileAgeMs: maxFileAge,
	ignorePatterns,
});

const monitorOptions = ({ monitor: { prometheusEnabled, metricsPort, healthPort } }: Config, mode: Mode) => ({
	address: mode === 'standalone' ? '127.0.0.1' : '0.0.0.0',
	metricsPort: prometheusEnabled ? metricsPort : undefined,
	healthPort,
});

/** What each component needs of the disk: why it can't work now, if it can't. */
type Health = Readonly<Partial<Record<Component, () => Promise<string | undefined>>>>;

const healthOf = ({ analyzer: { scratchPath } }: Config, backend: Backend): Health => ({
	storage: () => problemOf(() => backend.health(), BackendUnavailable),
	analyzer: async () => {
		const problem = await problemOf(() => checkScratch(scratchPath), ScratchError);
		return problem && `${problem} (analyzer.scratchPath)`;
	},
});

async function problemOf(check: () => Promise<void>, expected: new (message: string) => Error): Promise<string | undefined> {
	try {
		await check();
		return undefined;
	} catch (error) {
		if (error instanceof expected) return error.message;
		throw error;
	}
}

async function watchHealth(health: Health, telemetry: Telemetry, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		for (const [component, check] of Object.entries(health) as [Component, () => Promise<string | undefined>][]) {
			const problem = await check();
			if (problem === undefined) telemetry.componentReady(component);
			else telemetry.componentNotReady(component, problem);
		}
		await pause(healthIntervalMs, signal);
	}
}

async function pruneDaily(journal: Journal, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		journal.prune(keepMs);
		await pause(pruneIntervalMs, signal);
	}
}

async function aborted(signal: AbortSignal): Promise<void> {
	if (!signal.aborted) await once(signal, 'abort');
}

/** Waits so long, or until the signal. */
const pause = (milliseconds: number, signal: AbortSignal) => delay(milliseconds, undefined, { signal }).catch(() => {}); // aborted: the caller looks
