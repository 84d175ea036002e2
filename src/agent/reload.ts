import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type KnownIssueEntry, knownIssuesState, loadKnownIssues } from '../components/analyzer/analyzer.ts';
import { type Config, ConfigError, changedKeys, type Loaded } from '../config/config.ts';
import { folderWatch } from '../drivers/inotify/inotify.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { pause } from './pause.ts';

/** Where the configuration comes from. */
export type ConfigSource = {
	/** Absent: the defaults are in force, and there is nothing to read again. */
	readonly file: string | undefined;
	/** Reads it anew. @throws {ConfigError} */
	load(): Promise<Pick<Loaded, 'config' | 'warnings'>>;
};

/** A configuration, and what is in the files that it names. */
export type ConfigWithFiles = { readonly config: Config; readonly knownIssues: readonly KnownIssueEntry[] };

/** A configuration that is right, and differs in these keys from the one in force: in their values, or in what is in the files behind them. */
export type Change = ConfigWithFiles & { readonly warnings: readonly string[]; readonly keys: readonly string[] };

/** The files that a configuration names, as far as they are looked at. */
export type NamedFiles = (config: Config) => readonly string[];

/** @throws {ConfigError} a file that the configuration names is wrong */
export const withFiles = (config: Config, named: NamedFiles): ConfigWithFiles => ({ config, knownIssues: loadKnownIssues(named(config)) });

/** How often the files are compared, for changes that inotify does not tell of: behind a link, or on another machine's file system. */
const compareIntervalMs = 5_000;
/** A file that is being written is taken once it has stayed the same for so long: half of it may be a right one. */
const quietMs = 200;
const mostWritingMs = 5_000;

/** Notices that the configuration is another: at SIGHUP, when something happens in the folder of its file, and by comparing it and the files that it names. */
export function configChanges({ file, load }: ConfigSource, namedBy: NamedFiles, telemetry: Telemetry) {
	const watch = file === undefined ? undefined : folderWatch(dirname(file));
	let request = new AbortController();
	const onHangup = () => request.abort();
	process.on('SIGHUP', onHangup);
	let seen: string | undefined;
	/** The known issues that were loaded last, be they in force or refused, and what their files were like. */
	let named: readonly string[] = [];
	let seenNamed = '';

	/**
	 * Waits for the next change. A wrong file is told of, and waited out.
	 *
	 * @returns nothing at the signal
	 */
	async function next(inForce: ConfigWithFiles, signal: AbortSignal): Promise<Change | undefined> {
		for (; !signal.aborted; await somethingHappens(signal)) {
			const isAsked = request.signal.aborted;
			if (isAsked) request = new AbortController();
			if (file === undefined) {
				if (isAsked) telemetry.configHasNoFile();
				continue;
			}
			const content = await quiet(() => contentOf(file), seen, signal);
			const state = await quiet(stateOfNamed, seenNamed, signal);
			if (signal.aborted || (content === seen && state === seenNamed && !isAsked)) continue;
			seen = content;
			seenNamed = state;
			const change = await look(inForce, isAsked);
			if (change) return change;
		}
		return undefined;
	}

	async function look(inForce: ConfigWithFiles, isAsked: boolean): Promise<Change | undefined> {
		try {
			const { config, warnings } = await load();
			if (!isDeepStrictEqual(named, namedBy(config))) {
				named = namedBy(config);
				seenNamed = await stateOfNamed();
			}
			const next = withFiles(config, namedBy);
			const keys = changesOf(inForce, next);
			if (keys.length > 0) return { ...next, warnings, keys };
			telemetry.configUnchanged(isAsked);
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			telemetry.configRefused(error.message);
		}
		return undefined;
	}

	const stateOfNamed = async () => knownIssuesState(named);

	async function somethingHappens(signal: AbortSignal): Promise<void> {
		const either = AbortSignal.any([signal, request.signal]);
		if (!watch) {
			if (!either.aborted) await once(either, 'abort');
			return;
		}
		await watch.wait(compareIntervalMs, either);
		if (watch.take().length === 0) watch.renew();
	}

	return {
		next,
		[Symbol.dispose]() {
			process.off('SIGHUP', onHangup);
			watch?.[Symbol.dispose]();
		},
	};
}

function changesOf(before: ConfigWithFiles, after: ConfigWithFiles): readonly string[] {
	const keys = changedKeys(before.config, after.config);
	const isOther = !isDeepStrictEqual(before.knownIssues, after.knownIssues);
	return isOther && !keys.includes(knownIssuesKey) ? [...keys, knownIssuesKey] : keys;
}

const knownIssuesKey = 'analyzer.knownIssues';

/** What is read, once it has stopped changing. */
async function quiet(read: () => Promise<string>, seen: string | undefined, signal: AbortSignal): Promise<string> {
	let content = await read();
	for (let waitedMs = 0; content !== seen && waitedMs < mostWritingMs && !signal.aborted; waitedMs += quietMs) {
		await pause(quietMs, signal);
		const now = await read();
		if (now === content) break;
		content = now;
	}
	return content;
}

/** Why it can't be read is told by loading it. */
const contentOf = (file: string) => readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => `unreadable: ${error.code}`);
