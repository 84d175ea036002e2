import { checkScratch, ScratchError, sweepScratch } from '../components/analyzer/analyzer.ts';
import { collector } from '../components/collector/collector.ts';
import type { Opinions } from '../components/opinion/opinion.ts';
import type { Config } from '../config/config.ts';
import { type Backend, isBackendError } from '../domain/backend.ts';
import type { Intake } from '../domain/intake.ts';
import type { Journal } from '../journal/journal.ts';
import type { Component, Telemetry } from '../telemetry/telemetry.ts';
import { clusterWork } from './cluster-work.ts';
import { pause } from './pause.ts';
import type { Pieces } from './pieces.ts';
import { startPipeline } from './pipeline.ts';
import { problemOf } from './problem.ts';
import { holdToLimits } from './retention.ts';
import { createSteadily, type Steadily } from './steadily.ts';

export type Work = {
	/** Rejects when a piece fails, which it does only by a bug; else it lasts until the stop. */
	readonly ended: Promise<void>;
	/** Ends all pieces, once; what is in hand is given back. @returns how much that was */
	stop(): Promise<number>;
};

/** For how long work may go on after it was told to stop. */
const graceMs = 6_000;
const healthIntervalMs = 10_000;
/** For how long the journal keeps what is settled. */
const keepMs = 90 * 24 * 3600_000;
const pruneIntervalMs = 24 * 3600_000;

/** Starts all that works on crashes. */
export async function startWork(pieces: Pieces, telemetry: Telemetry): Promise<Work> {
	const { config, journal, backend, stages, opinions, collection, onCluster } = pieces;
	await sweepScratch(config.analyzer.scratchPath);
	const stopping = new AbortController();
	const { signal } = stopping;
	const storedBytes = await backend.start(signal);
	if (storedBytes !== undefined) telemetry.storeMeasured(storedBytes);
	/** When the time to end is over: then the journal may be closed, whoever still works. */
	const over = new AbortController();
	const steadily = createSteadily(telemetry, signal);
	const pipeline = startPipeline({ stages, journal, telemetry, steadily }, signal);
	const intake = intakeOf(journal, steadily, over.signal);
	const tasks = [
		pipeline.ended,
		...(onCluster ? clusterWork(config, onCluster, { journal, intake, steadily, telemetry, over: over.signal }, signal) : []),
		collector({ intake, telemetry, options: collection }).run(signal),
		watchHealth(healthOf(config, backend, signal), opinions, telemetry, signal),
		opinions.begin(signal),
		holdToLimits(pieces, { journal, intake, steadily }, signal),
		pruneDaily(journal, { keepsStored: backend.kind === 'local' }, steadily, signal),
	];
	const ended = Promise.all(tasks).then(() => {});
	ended.catch(() => {}); // whoever waits for it hears of it
	async function stop(): Promise<number> {
		stopping.abort();
		const finished = new AbortController();
		await Promise.race([Promise.allSettled(tasks).then(() => finished.abort()), pause(graceMs, finished.signal)]);
		over.abort();
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

/** The journal as the collector sees it. At the signal it is not asked any more; what was found then is found again. */
const intakeOf = (journal: Journal, steadily: Steadily, over: AbortSignal): Intake => ({
	append: async (...events) => (await steadily(() => (over.aborted ? [] : journal.append(...events)))) ?? [],
	isKnown: async (original) => (await steadily(() => over.aborted || journal.isKnown(original))) ?? true, // told to stop: nothing is looked at any more
});

/** What each component needs of the disk: why it can't work now, if it can't. */
type Health = Readonly<Partial<Record<Component, () => Promise<string | undefined>>>>;

const healthOf = ({ analyzer: { scratchPath } }: Config, backend: Backend, signal: AbortSignal): Health => ({
	storage: () => problemOf(() => backend.health(signal), isBackendError, signal),
	analyzer: async () => {
		const problem = await problemOf(() => checkScratch(scratchPath), isScratchError, signal);
		return problem && `${problem} (analyzer.scratchPath)`;
	},
});

const isScratchError = (error: unknown): error is ScratchError => error instanceof ScratchError;

async function watchHealth(health: Health, opinions: Opinions, telemetry: Telemetry, signal: AbortSignal): Promise<void> {
	while (!signal.aborted) {
		opinions.tell();
		for (const [component, check] of Object.entries(health) as [Component, () => Promise<string | undefined>][]) {
			const problem = await check();
			if (signal.aborted) return;
			if (problem === undefined) telemetry.componentReady(component);
			else telemetry.componentNotReady(component, problem);
		}
		await pause(healthIntervalMs, signal);
	}
}

async function pruneDaily(
	journal: Journal,
	options: { readonly keepsStored: boolean },
	steadily: Steadily,
	signal: AbortSignal,
): Promise<void> {
	while (!signal.aborted) {
		await steadily(() => journal.prune(keepMs, options));
		await pause(pruneIntervalMs, signal);
	}
}
