import { hostname } from 'node:os';
import { analyzer, type SlimFileOptions, slimFile } from '../components/analyzer/analyzer.ts';
import { type CollectorOptions, correlation, remover } from '../components/collector/collector.ts';
import type { PodTable } from '../components/discovery/discovery.ts';
import type { MonitorOptions } from '../components/monitor/monitor.ts';
import { clusterLedger, type Opinions, opinions } from '../components/opinion/opinion.ts';
import { createRoom, eraser, type Room, type StorageOptions, sidecar, sparing, storage } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import type { Backend } from '../domain/backend.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Sightings } from '../domain/sightings.ts';
import type { Compression } from '../drivers/compression/compression.ts';
import { corePattern, hostRoot } from '../drivers/host/host.ts';
import type { Cluster } from '../drivers/kubernetes/kubernetes.ts';
import { Journal, JournalUnavailable, type JournalView, ledgerIn } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { layersOf } from './container-files.ts';
import { modelsOf, opinionOptions } from './model.ts';
import { goOnOf, patientOf, readersOf, type Stages } from './pipeline.ts';
import type { ConfigWithFiles } from './reload.ts';
import { storeOf } from './store.ts';
import { storedCopyFrom } from './stored-copy.ts';
import { symbolPlaces } from './symbols.ts';

export type Mode = 'standalone' | 'node';

/** The cluster, seen from one of its nodes. */
export type OnCluster = {
	readonly cluster: Cluster;
	/** The agent's own. */
	readonly namespace: string;
	readonly node: string;
	readonly pods: PodTable;
	/** Whether what is recorded of a crash in the host's journal will be known soon. */
	readonly journald: { isExpected: boolean };
};

type NameOnce = Journal['nameOnce'];

type View = Pick<JournalView, 'report' | 'bookmark' | 'kept' | keyof Sightings>;

/** Everything that works on crashes, as one configuration wants it. */
export type Pieces = ConfigWithFiles & {
	readonly journal: Journal;
	readonly backend: Backend;
	readonly room: Room;
	readonly stages: Stages;
	readonly opinions: Opinions;
	readonly collection: CollectorOptions;
	/** Absent on a machine of its own. */
	readonly onCluster: OnCluster | undefined;
};

/**
 * Makes the pieces; none of them runs yet. An open journal is taken over where its path stays the same.
 *
 * @throws {JournalError} the journal is in use by another agent, or can't be used
 */
export async function makePieces(
	{ config, knownIssues }: ConfigWithFiles,
	onCluster: OnCluster | undefined,
	telemetry: Telemetry,
	before?: Pieces,
): Promise<Pieces> {
	const backend = sparing(storeOf(config, onCluster?.node ?? hostname(), telemetry), { onBack: () => hurry(journal) });
	const room = createRoom();
	const view: View = {
		bookmark: (name) => journal.view.bookmark(name),
		report: (id) => journal.view.report(id),
		kept: (...of) => journal.view.kept(...of),
		record: (key) => journal.view.record(key),
		hasCore: (key) => journal.view.hasCore(key),
		restartsSince: (time) => journal.view.restartsSince(time),
		notesSince: (time) => journal.view.notesSince(time),
		hasRecovered: (container, restartCount) => journal.view.hasRecovered(container, restartCount),
		correlation: (key) => journal.view.correlation(key),
		correlationWith: (restart) => journal.view.correlationWith(restart),
		openCorrelations: (time) => journal.view.openCorrelations(time),
	};
	const pattern = await corePattern();
	const nameOnce: NameOnce = (id, name) => journal.nameOnce(id, name);
	const ledger: Ledger = onCluster
		? clusterLedger({ cluster: onCluster.cluster, namespace: onCluster.namespace })
		: { change: (change, signal) => ledgerIn(journal).change(change, signal) };
	const asked = opinions({
		models: modelsOf(config.aiAnalysis, telemetry.modelCalled),
		reports: view,
		ledger,
		telemetry,
		options: opinionOptions(config.aiAnalysis, onCluster?.node),
	});
	const stages = {
		...stagesOf({ config, knownIssues }, onCluster, { backend, room, nameOnce }, view, pattern, telemetry),
		opinion: asked.stage,
	};
	const collection = { ...collectorOptions(config, pattern), isOnCluster: onCluster !== undefined };
	const { path } = config.journal;
	const journal =
		before?.config.journal.path === path
			? before.journal
			: new Journal(path, readersOf(stages), { goOn: goOnOf(stages), patient: patientOf(stages), onRejected: telemetry.workRejected });
	return { config, knownIssues, journal, backend, room, stages, opinions: asked, collection, onCluster };
}

/** What waits for the store need not wait longer. */
function hurry(journal: Journal): void {
	try {
		journal.hurry('storage', 'sidecar', 'eraser');
	} catch (error) {
		if (!(error instanceof JournalUnavailable)) throw error; // it is due in minutes anyway
	}
}

export const monitorOptions = ({ monitor: { prometheusEnabled, metricsPort, healthPort } }: Config, mode: Mode): MonitorOptions => ({
	address: mode === 'standalone' ? '127.0.0.1' : '0.0.0.0',
	metricsPort: prometheusEnabled ? metricsPort : undefined,
	healthPort,
});

function stagesOf(
	{ config, knownIssues }: ConfigWithFiles,
	onCluster: OnCluster | undefined,
	{ backend, room, nameOnce }: Pick<Pieces, 'backend' | 'room'> & { readonly nameOnce: NameOnce },
	view: View,
	pattern: string | undefined,
	telemetry: Telemetry,
): Stages {
	const { analyzer: analysis, collector: collection } = config;
	/** In the agent's own container `/` is the image of the agent. */
	const isOnMachine = !onCluster || hostRoot(collection.coredumpPath) === '';
	const slimming: SlimFileOptions = {
		places: { sysroot: isOnMachine ? '/' : undefined, ...symbolPlaces(analysis, telemetry) },
		layersOf: onCluster && layersOf(config.discovery, onCluster.pods, view),
		scratch: { path: analysis.scratchPath, maxBytes: analysis.scratchSize },
	};
	return {
		...(onCluster && {
			correlation: correlation({
				...onCluster,
				sightings: view,
				telemetry,
				options: {
					node: onCluster.node,
					timeoutMs: collection.correlationTimeout,
					get hasJournald() {
						return onCluster.journald.isExpected;
					},
					directory: collection.coredumpPath,
					corePattern: pattern,
				},
			}),
		}),
		analyzer: analyzer({
			telemetry,
			storedCopy: storedCopyFrom(backend, view),
			options: {
				gdb: analysis.enableGdbAnalysis ? { timeoutMs: analysis.gdbTimeout } : undefined,
				...slimming,
				panicKeywords: analysis.panicKeywords,
				knownIssues,
				corePattern: pattern,
				host: onCluster ? undefined : hostname(),
			},
		}),
		storage: storage({
			backend,
			reports: view,
			history: view,
			nameOnce,
			room,
			slimOf: (core, report, signal) => slimFile(core, report, slimming, signal),
			telemetry,
			options: storageOptions(config),
		}),
		eraser: eraser({ backend, telemetry }),
		sidecar: sidecar({ backend, reports: view, telemetry }),
		remover: remover({ telemetry, removeOriginal: collection.removeOriginal }),
	};
}

export const storageOptions = ({ analyzer, collector, storage }: Config): StorageOptions => ({
	valueThreshold: analyzer.valueThreshold,
	maxFileSizeBytes: collector.maxFileSize,
	compression: storage.compressionEnabled ? compressionOf(storage) : 'none',
	sampling: storage.sampling,
});

const compressionOf = ({ compression, compressionLevel: level, compressionThreads: threads }: Config['storage']): Compression =>
	compression === 'zstd' ? { is: compression, level, threads } : { is: compression, level };

const collectorOptions = (
	{ collector: { coredumpPath, watchInterval, maxFileAge, ignorePatterns } }: Config,
	pattern: string | undefined,
) => ({
	directory: coredumpPath,
	corePattern: pattern,
	watchIntervalMs: watchInterval,
	maxFileAgeMs: maxFileAge,
	ignorePatterns,
});
