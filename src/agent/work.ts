import { sweepScratch } from '../components/analyzer/analyzer.ts';
import { collector } from '../components/collector/collector.ts';
import type { Config } from '../config/config.ts';
import { type Backend, BackendUnavailable } from '../domain/backend.ts';
import type { Journal } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { pause } from './pause.ts';
import type { Pieces } from './pieces.ts';
import { startPipeline } from './pipeline.ts';

export type Work = {
	/** Rejects when a piece fails, which it does only by a bug; else it lasts until the stop. */
	readonly ended: Promise<void>;
	/** Ends all pieces, once; what is in hand is given back. @returns how much that was */
	stop(): Promise<number>;
};

/** For how long work may go on after it was told to stop. */
const graceMs = 6_000;
const healthIntervalMs = 30_000;
/** For how long the journal keeps what is settled. */
const keepMs = 90 * 24 * 3600_000;
const pruneIntervalMs = 24 * 3600_000;

/** Starts all that works on crashes. */
export async function startWork({ config, journal, backend, stages, collection }: Pieces, telemetry: Telemetry): Promise<Work> {
	await prepareScratch(config, telemetry);
	telemetry.storeMeasured(await backend.start());

	const stopping = new AbortController();
	const { signal } = stopping;
	const pipeline = startPipeline(stages, journal, telemetry, signal);
	const tasks = [
		pipeline.ended,
		collector({ intake: journal, telemetry, options: collection }).run(signal),
		watchHealth(backend, telemetry, signal),
		pruneDaily(journal, signal),
	];
	const ended = Promise.all(tasks).then(() => {});
	ended.catch(() => {}); // whoever waits for it hears of it
	async function stop(): Promise<number> {
		stopping.abort();
		const finished = new AbortController();
		await Promise.race([Promise.allSettled(tasks).then(() => finished.abort()), pause(graceMs, finished.signal)]);
		return pipeline.giveBack();
	}
	let stopped: Promise<number> | undefined;
	return {
		ended,
		stop() {
			stopped ??= stop();
			return stopped;
		},
	};
}

async function prepareScratch({ analyzer: { scratchPath } }: Config, telemetry: Telemetry): Promise<void> {
	try {
		await sweepScratch(scratchPath);
		telemetry.componentReady('analyzer');
	} catch (error) {
		telemetry.componentNotReady(
			'analyzer',
			`${scratchPath} can't be used: ${error instanceof Error ? error.message : String(error)} (analyzer.scratchPath)`,
		);
	}
}

async function watchHealth(backend: Backend, telemetry: Telemetry, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		try {
			await backend.health();
			telemetry.componentReady('storage');
		} catch (error) {
			if (!(error instanceof BackendUnavailable)) throw error;
			telemetry.componentNotReady('storage', error.message);
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
