import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemPath } from '../base/filename.ts';
import { analyzer, loadKnownIssues, type SlimFileOptions, slimFile, sweepScratch } from '../components/analyzer/analyzer.ts';
import { type Examined, examine } from '../components/collector/collector.ts';
import { bearingsOf, createRoom, sidecar, storage } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import type { Event } from '../domain/events.ts';
import { fold } from '../domain/fold.ts';
import { crashId } from '../domain/identity.ts';
import type { CrashReport } from '../domain/report.ts';
import type { Outcome } from '../domain/stage.ts';
import { isKept } from '../domain/stored-file.ts';
import { Journal } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { storageOptions } from './pieces.ts';
import { storeOf } from './store.ts';
import { symbolPlaces } from './symbols.ts';

/** What became of a core that was to be brought in. */
export type Imported =
	| { readonly is: 'imported'; readonly report: CrashReport }
	| { readonly is: 'known'; readonly id: string }
	| { readonly is: 'failed'; readonly reason: string };

export type Importer = Disposable & {
	/**
	 * Has a core analysed and stored as if it had been found, if it is not known yet. A crash is in the journal when all of that is done.
	 *
	 * @throws {CorefileError | NoUnpackerError} not a core, or one that can't be read here
	 * @throws {JournalUnavailable}
	 */
	bring(path: string, signal: AbortSignal): Promise<Imported>;
};

/**
 * Takes the place of the agent, which must not run meanwhile.
 *
 * @throws {JournalInUse | JournalError}
 * @throws {ConfigError} a file that the configuration names is wrong
 */
export async function openImporter(config: Config, telemetry: Telemetry, signal: AbortSignal): Promise<Importer> {
	const { analyzer: analysis } = config;
	const knownIssues = loadKnownIssues(analysis.knownIssues);
	const backend = storeOf(config, hostname(), telemetry);
	const journal = new Journal(config.journal.path, {}, { isGuest: true });
	/** The crashes whose cores are stored, by checksum. */
	const storedAs = new Map<string, string>();
	/** Of the crash in hand. */
	let report: CrashReport | undefined;
	const reports = { report: () => report };
	const slimming: SlimFileOptions = {
		places: { sysroot: '/', ...symbolPlaces(analysis, telemetry) },
		scratch: { path: analysis.scratchPath, maxBytes: analysis.scratchSize },
	};
	const stages = {
		// Of another machine, perhaps: its host name, core_pattern and containers tell nothing.
		analyzer: analyzer({
			telemetry,
			options: {
				gdb: analysis.enableGdbAnalysis ? { timeoutMs: analysis.gdbTimeout } : undefined,
				...slimming,
				panicKeywords: analysis.panicKeywords,
				knownIssues,
			},
		}),
		storage: storage({
			backend,
			reports,
			history: journal.view,
			room: createRoom(),
			slimOf: (core, report, signal) => slimFile(core, report, slimming, signal),
			telemetry,
			options: storageOptions(config),
		}),
		sidecar: sidecar({ backend, reports, telemetry }),
	};
	try {
		for (const { id, storage } of journal.view.reports()) if (isKept(storage)) storedAs.set(storage.sha256, id);
		await sweepScratch(analysis.scratchPath);
		await backend.start(signal);
	} catch (error) {
		journal[Symbol.dispose]();
		throw error;
	}

	async function bring(path: string, signal: AbortSignal): Promise<Imported> {
		const examined = await examine(path, { now: Date.now() });
		const { original, key } = examined.event;
		const isKnown = original !== undefined && journal.isKnown(original);
		if (isKnown && journal.view.hasCore(key)) return { is: 'known', id: key };
		const sha256 = await digestOf(examined.event.body.core.path, signal);
		const stored = storedAs.get(sha256);
		if (stored !== undefined) return { is: 'known', id: stored };
		const found = asFound(examined, sha256);
		if (isKnown || journal.view.hasCore(found.key)) return { is: 'known', id: found.key };
		report = fold(undefined, found);
		const way: Event[] = [found];
		const pass = (outcome: Outcome): string | undefined => {
			if (outcome.is !== 'done') return 'reason' in outcome ? outcome.reason : outcome.is;
			for (const event of outcome.emit) {
				if (event.kind === 'StorageEvent' && event.body.is === 'lost') return event.body.reason;
				way.push(event);
				report = fold(report, event);
			}
			return undefined;
		};
		let problem = pass(await stages.analyzer.handle(found, signal));
		for (let at = 1; problem === undefined && at < way.length; at++) {
			const event = way[at];
			if (event?.kind === 'AnalysisResults') problem = pass(await stages.storage.handle(event, signal));
			else if (event?.kind === 'StorageEvent') problem = pass(await stages.sidecar.handle(event, signal));
		}
		if (problem !== undefined || !report) return { is: 'failed', reason: problem ?? 'it has no report' };
		journal.append(...way);
		if (isKept(report.storage)) storedAs.set(report.storage.sha256, report.id);
		return { is: 'imported', report };
	}

	return { bring, [Symbol.dispose]: () => journal[Symbol.dispose]() };
}

/**
 * A core as the collector would report it, but for what only its name tells. Where it lies says nothing of which crash it is of: a copy is of the same.
 */
function asFound({ event, isRecorded }: Examined, sha256: string): Event<'CoredumpFile'> {
	const { time } = event.body;
	const id = crashId({ by: 'content', sha256 });
	const bearings = bearingsOf(event.body.core.path);
	// So that it keeps its name in the store.
	if (bearings)
		return {
			...event,
			key: `${bearings.idStart}${id.slice(bearings.idStart.length)}`,
			body: {
				...event.body,
				time: bearings.timeMs === undefined ? time : new Date(bearings.timeMs).toISOString(),
				association: bearings.association,
			},
		};
	return isRecorded ? event : { ...event, key: id };
}

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
	await using file = await open(systemPath(path));
	const hash = createHash('sha256');
	for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024, signal })) hash.update(chunk);
	return hash.digest('hex');
}
