import { hostname } from 'node:os';
import { analyzer } from '../components/analyzer/analyzer.ts';
import { type CollectorOptions, remover } from '../components/collector/collector.ts';
import type { MonitorOptions } from '../components/monitor/monitor.ts';
import { sidecar, storage } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import type { Reports } from '../domain/reports.ts';
import { corePattern } from '../drivers/host/host.ts';
import { type LocalBackend, localBackend } from '../drivers/local/local.ts';
import { Journal } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { goOnOf, readersOf, type Stages } from './pipeline.ts';
import type { ConfigWithFiles } from './reload.ts';

export type Mode = 'standalone' | 'node';

/** Everything that works on crashes, as one configuration wants it. */
export type Pieces = ConfigWithFiles & {
	readonly journal: Journal;
	readonly backend: LocalBackend;
	readonly stages: Stages;
	readonly collection: CollectorOptions;
};

/**
 * Makes the pieces; none of them runs yet. An open journal is taken over where its path stays the same.
 *
 * @throws {JournalError} the journal is in use by another agent, or can't be used
 */
export async function makePieces(
	{ config, knownIssues }: ConfigWithFiles,
	mode: Mode,
	telemetry: Telemetry,
	before?: Pieces,
): Promise<Pieces> {
	const backend = localBackend(config.storage.localPath, config.storage.minFreeSpace, telemetry.storeGrew);
	const reports: Reports = { report: (id) => journal.view.report(id) };
	const stages = await stagesOf({ config, knownIssues }, mode, backend, reports, telemetry);
	const collection = await collectorOptions(config);
	const { path } = config.journal;
	const journal =
		before?.config.journal.path === path
			? before.journal
			: new Journal(path, readersOf(stages), { goOn: goOnOf(stages), onRejected: telemetry.workRejected });
	return { config, knownIssues, journal, backend, stages, collection };
}

export const monitorOptions = ({ monitor: { prometheusEnabled, metricsPort, healthPort } }: Config, mode: Mode): MonitorOptions => ({
	address: mode === 'standalone' ? '127.0.0.1' : '0.0.0.0',
	metricsPort: prometheusEnabled ? metricsPort : undefined,
	healthPort,
});

async function stagesOf(
	{ config, knownIssues }: ConfigWithFiles,
	mode: Mode,
	backend: LocalBackend,
	reports: Reports,
	telemetry: Telemetry,
): Promise<Stages> {
	const { analyzer: analysis, collector: collection, storage: store } = config;
	return {
		analyzer: analyzer({
			telemetry,
			options: {
				places: { sysroot: '/', paths: analysis.symbols.paths },
				gdb: analysis.enableGdbAnalysis ? { timeoutMs: analysis.gdbTimeout } : undefined,
				scratch: { path: analysis.scratchPath, maxBytes: analysis.scratchSize },
				panicKeywords: analysis.panicKeywords,
				knownIssues,
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
		sidecar: sidecar({ backend, reports, telemetry }),
		remover: remover({ telemetry, removeOriginal: collection.removeOriginal }),
	};
}

const collectorOptions = async ({ collector: { coredumpPath, watchInterval, maxFileAge, ignorePatterns } }: Config) => ({
	directory: coredumpPath,
	corePattern: await corePattern(),
	watchIntervalMs: watchInterval,
	maxFileAgeMs: maxFileAge,
	ignorePatterns,
});
