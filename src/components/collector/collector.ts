import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeOf, isSystemError, messageOf } from '../../base/errors.ts';
import { fileNameText, systemPath } from '../../base/filename.ts';
import type { Intake } from '../../domain/intake.ts';
import { folderWatch } from '../../drivers/inotify/inotify.ts';
import { NoUnpackerError } from '../../readers/corefile/corefile.ts';
import { problemCore } from '../../readers/corename/corename.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type Examined, half, originalOf } from './examine.ts';
import { refusalOf } from './refusal.ts';
import { type Candidate, createJudge, type VerdictOptions } from './verdict.ts';

export { type CorrelationOptions, correlation } from './correlation.ts';
export { type Examined, examine } from './examine.ts';
export { recorder } from './recorder.ts';
export { remover } from './remover.ts';

export type CollectorOptions = VerdictOptions & {
	readonly directory: string;
	/** How often the folder is looked through whole; in between, inotify tells. */
	readonly watchIntervalMs: number;
	/** Whether a core is one half of a crash, and whose it is must still be found out. */
	readonly isOnCluster?: boolean;
};

type Deps = { readonly intake: Intake; readonly telemetry: Telemetry; readonly options: CollectorOptions; readonly now?: () => number };

/** So many files of a storm are made durable at a time. */
const batchSize = 100;

/** Finds the core files in one folder, each once, as soon as it is complete. */
export function collector({ intake, telemetry, options, now = Date.now }: Deps) {
	const { directory } = options;
	const { judge, forget } = createJudge(options, now);
	/** Files that need no further look as long as they stay as they are. */
	const dealtWith = new Map<string, string>();
	/** Files that are not finished, and when to look again. */
	const unfinished = new Map<string, number>();
	const unreadable = new Set<string>();

	async function run(signal: AbortSignal): Promise<void> {
		using watch = folderWatch(directory);
		for (let rescanAt = 0; !signal.aborted; ) {
			const isRescan = now() >= rescanAt;
			if (isRescan) {
				rescanAt = now() + options.watchIntervalMs;
				watch.renew();
			}
			const due = [...unfinished].filter(([, lookAgainAt]) => lookAgainAt <= now()).map(([name]) => name);
			await collect(isRescan ? await list() : [...new Set([...watch.take(), ...due])], signal);
			await watch.wait(Math.min(rescanAt, ...unfinished.values()) - now(), signal);
		}
	}

	async function list(): Promise<string[]> {
		try {
			const names = (await readdir(systemPath(directory), { encoding: 'buffer' })).map(fileNameText);
			telemetry.componentReady('collector');
			forgetAllBut(new Set(names));
			return names;
		} catch (error) {
			telemetry.componentNotReady('collector', folderProblem(directory, error));
			return [];
		}
	}

	function forgetAllBut(names: ReadonlySet<string>): void {
		for (const known of [dealtWith, unfinished, unreadable]) {
			for (const name of known.keys()) {
				if (names.has(name)) continue;
				known.delete(name);
				forget(name);
			}
		}
	}

	async function collect(names: readonly string[], signal: AbortSignal): Promise<void> {
		for (let at = 0; at < names.length && !signal.aborted; at += batchSize) {
			const found: Examined[] = [];
			for (const name of names.slice(at, at + batchSize)) {
				const examined = await look(name);
				if (examined) found.push(examined);
			}
			if (found.length > 0) await report(found);
		}
	}

	async function report(found: readonly Examined[]): Promise<void> {
		const events = options.isOnCluster ? found.map(half) : found.map(({ event }) => event);
		const added = new Set((await intake.append(...events)).map(({ key }) => key));
		for (const { key, body } of found.map(({ event }) => event))
			if (added.has(key)) telemetry.coreFound(key, body.core.path, body.core.sizeBytes);
	}

	async function look(name: string): Promise<Examined | undefined> {
		// A leading dot marks files that are still being written: systemd's coredump.c, and this agent's own.
		if (name.startsWith('.')) return undefined;
		const path = join(directory, name);
		unfinished.delete(name);
		try {
			const candidate = await candidateAt(path);
			if (!candidate) return undefined;
			const original = originalOf(candidate.file, basename(candidate.path));
			if (dealtWith.get(name) === original) return undefined;
			const verdict = (await intake.isKnown(original)) ? undefined : await judge(name, candidate);
			if (verdict?.is === 'unfinished') {
				telemetry.coreAwaited(path, verdict.reason);
				unfinished.set(name, verdict.lookAgainAt);
				return undefined;
			}
			dealtWith.set(name, original);
			if (verdict?.is === 'left alone') telemetry.coreSkipped(path, verdict.why, verdict.detail);
			return verdict?.is === 'core' ? verdict.examined : undefined;
		} catch (error) {
			await notLooked(name, path, error);
			return undefined;
		}
	}

	/** Looked at again at each rescan; told of once. What the journal throws is not the file's, and goes on. */
	async function notLooked(name: string, path: string, error: unknown): Promise<void> {
		const code = codeOf(error);
		if (!(error instanceof NoUnpackerError || isSystemError(error))) throw error;
		if (code === 'ENOENT' || unreadable.has(name)) return; // gone while we looked, or told before
		unreadable.add(name);
		telemetry.coreUnreadable(path, await refusalOf(path, error, options.isOnCluster === true));
	}

	return { run };
}

/** What abrt still writes to: libreport's dump_dir.c. */
const unfinishedProblem = '.new';

/** The file at a path, or the core in the problem directory of abrt that is there. Links are not followed. */
async function candidateAt(path: string): Promise<Candidate | undefined> {
	const file = await lstat(systemPath(path), { bigint: true });
	if (file.isFile()) return { path, file };
	if (!file.isDirectory() || path.endsWith(unfinishedProblem)) return undefined;
	const core = await problemCore(path);
	return core === undefined ? undefined : { path: core, file: await lstat(systemPath(core), { bigint: true }) };
}

function folderProblem(directory: string, error: unknown): string {
	const code = codeOf(error);
	if (code === 'ENOENT')
		return `${directory} is not there: set collector.coredumpPath to where cores are written (milvus-coredump-agent doctor tells)`;
	if (code === 'EACCES') return `${directory} can't be read by uid ${process.getuid?.()}: run as root, or set collector.coredumpPath`;
	return `${directory} can't be read: ${messageOf(error)}`;
}
