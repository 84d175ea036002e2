import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { layersOf, podTable } from '../agent/agent.ts';
import { isSystemError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import { type Examined, examine } from '../components/collector/collector.ts';
import { deletionNote, retrieve } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { NotStored } from '../domain/backend.ts';
import type { Layers } from '../domain/layers.ts';
import type { Association, Core, CrashReport } from '../domain/report.ts';
import { isKept, storedFile } from '../domain/stored-file.ts';
import { isOriginalThere } from '../drivers/original/original.ts';
import { readJournal } from '../journal/journal.ts';
import { areOfCluster, clusterReports, type ReportsOptions } from './cluster-reports.ts';
import { FailedError, fileProblem, UserError } from './errors.ts';
import { isThere } from './files.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions } from './settings.ts';
import { findReport } from './show.ts';
import { explained, openStore, storedCoreOf } from './store.ts';

/** A core, and where it is looked into. */
export type Chosen = {
	/** Where it is now; if it must be fetched, in a folder of the caller. @throws {UserError} it is gone */
	coreIn(folder: string, signal: AbortSignal): Promise<Core>;
	readonly time: string;
	readonly scratch: string;
	/** What the agent of this machine has in its configuration, where it is one of its crashes. */
	readonly configured?: Config['analyzer'];
	/** Of which container it is, and of what the root of that was made, if that is known. */
	readonly container?: { readonly association: Partial<Association>; readonly layers: Layers | undefined };
};

/** A file, or the core of a crash. */
export async function chosenCore(target: string, options: SettingsOptions & ReportsOptions): Promise<Chosen> {
	if (await isThere(resolve(target))) {
		const { core, time } = await examined(resolve(target));
		return { coreIn: async () => core, time, scratch: tmpdir() };
	}
	if (target.includes('/')) throw new UserError(`${printable(target)}: there is no such file`);
	const { config } = await loadSettings(options);
	const { report, ...ran } = areOfCluster(options) ? await crashOfCluster(target, options) : await crashOfJournal(target, config);
	return { coreIn: (folder, signal) => coreOf(report, config, folder, signal), time: report.time, ...ran };
}

type Crash = Omit<Chosen, 'coreIn' | 'time'> & { readonly report: CrashReport };

async function crashOfJournal(target: string, { journal: { path }, analyzer, discovery }: Config): Promise<Crash> {
	using journal = readJournal(path);
	const report = findReport(journal, target);
	const { association } = report;
	const { containerId } = association;
	if (containerId === undefined) return { report, scratch: tmpdir(), configured: analyzer };
	const layers = await layersOf(discovery, podTable(), journal)({ ...association, containerId });
	return { report, scratch: analyzer.scratchPath, configured: analyzer, container: { association, layers } };
}

/** The files of its container are on its node. */
async function crashOfCluster(target: string, options: ReportsOptions): Promise<Crash> {
	using reports = await clusterReports(options);
	const report = await reports.find(target);
	return { report, scratch: tmpdir(), container: { association: report.association, layers: undefined } };
}

/** The stored core where it can be read as a file, else the original while it is there, else the stored core as it is fetched. */
async function coreOf(report: CrashReport, config: Config, folder: string, signal: AbortSignal): Promise<Core> {
	const { id, core } = report;
	const stored = isKept(report.storage) ? storedCoreOf(report) : undefined;
	if (!core && !stored) throw new UserError(`crash ${id} has no core`);
	// A mount that does not answer would hold us; the store has its limits.
	const isFile = stored && config.storage.backend !== 'nfs' && isAbsolute(stored.location);
	if (isFile && (await isThere(stored.location))) return (await examined(stored.location)).core;
	if (core && (await isOriginal(core))) return (await examined(core.path)).core;
	const fetched = stored && (await fetchedCore(report, config, folder, signal));
	if (fetched) return fetched;
	const places = [stored?.location, core?.path].filter((path) => path !== undefined).map(printable);
	const isReplaced = core && (await isThere(core.path));
	throw new UserError(`the core of crash ${id} is gone: it was ${places.join(' and ')}${isReplaced ? ', where another file is now' : ''}`);
}

/** Undefined where the store has it no more. */
async function fetchedCore(report: CrashReport, config: Config, folder: string, signal: AbortSignal): Promise<Core | undefined> {
	const stored = storedCoreOf(report);
	const store = openStore(config);
	const path = join(folder, basename(storedFile(stored)));
	using progress = createProgress();
	try {
		await retrieve(store, stored, path, signal, (share) => progress.step('fetching', share));
	} catch (error) {
		if (error instanceof NotStored && !(await deletionNote(store, storedFile(stored), signal))) return undefined;
		throw isSystemError(error)
			? new FailedError(`the core can't be put into ${folder}: ${error.message}`, { cause: error })
			: await explained(store, report, stored, error, signal);
	}
	return (await examined(path)).core;
}

async function isOriginal(core: Core): Promise<boolean> {
	try {
		return await isOriginalThere(core);
	} catch (error) {
		throw fileProblem(core.path, error) ?? error;
	}
}

async function examined(path: string): Promise<Examined['event']['body']> {
	try {
		return (await examine(path, { now: Date.now() })).event.body;
	} catch (error) {
		throw fileProblem(path, error) ?? error;
	}
}
