import { once } from 'node:events';
import { lstat, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { isSystemError } from '../base/errors.ts';
import { systemPath } from '../base/filename.ts';
import { printable } from '../base/printable.ts';
import { formatBytes } from '../base/quantity.ts';
import { read, retrieve } from '../components/storage/storage.ts';
import type { Backend } from '../domain/backend.ts';
import { type StoredCore, storedFile } from '../domain/stored-file.ts';
import { type ReportsOptions, withReports } from './cluster-reports.ts';
import { meantCrash } from './crash.ts';
import { FailedError, UserError } from './errors.ts';
import { interruptible } from './interruption.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { explained, openStore, storedCoreOf } from './store.ts';

type Options = SettingsOptions & ReportsOptions & { readonly output?: string; readonly force?: boolean };

export function fetchCommand(program: Command): void {
	withReports(withConfig(program.command('fetch')))
		.description(
			'get the stored core of a crash, as it is stored, and compare it with its checksum; after an interruption the same command goes on where it stopped',
		)
		.argument('<id>', 'as `list` gives it, or its first characters')
		.option(
			'-o, --output <path>',
			'the file to write, or a folder for it, or - for standard output (default: its name in the store, in the current folder)',
		)
		.option('--force', 'replace the file if there is one')
		.action(run);
}

async function run(id: string, options: Options): Promise<void> {
	const settings = await loadSettings(options);
	const report = await meantCrash(id, settings, options);
	const core = storedCoreOf(report);
	const store = openStore(settings.config);
	await interruptible(async ({ signal }) => {
		try {
			if (options.output === '-') await toStandardOutput(store, core, signal);
			else await toFile(store, core, await placeFor(core, options), options, signal);
		} catch (error) {
			throw await explained(store, report, core, error, signal);
		}
	});
}

async function toStandardOutput(store: Backend, core: StoredCore, signal: AbortSignal): Promise<void> {
	if (process.stdout.isTTY) throw new UserError('a core is nothing for a terminal: send it to a file or a program, or leave `-o -` out');
	for await (const chunk of read(store, core, signal)) if (!process.stdout.write(chunk)) await once(process.stdout, 'drain', { signal });
}

async function toFile(store: Backend, core: StoredCore, file: string, options: Options, signal: AbortSignal): Promise<void> {
	// By its name it is known that it is the beginning of this core.
	const part = join(dirname(file), `.${basename(file).slice(0, 200)}.${core.sha256.slice(0, 12)}.part`);
	try {
		using progress = createProgress();
		await retrieve(store, core, part, signal, (share) => progress.step('fetching', share));
		await expectFree(file, options);
		await rename(systemPath(part), systemPath(file));
	} catch (error) {
		await tellWhatStays(part, core);
		throw isSystemError(error) ? new FailedError(`${printable(file)} can't be written: ${error.message}`, { cause: error }) : error;
	}
	process.stdout.write(`${printable(file)}\n`);
}

async function tellWhatStays(part: string, core: StoredCore): Promise<void> {
	const size = (await stat(systemPath(part)).catch(() => undefined))?.size ?? 0;
	if (size === 0)
		await rm(systemPath(part), { force: true }).catch(() => {}); // the error before says why it can't be done there
	else
		process.stderr.write(
			`${formatBytes(size)} of ${formatBytes(core.sizeBytes)} are in ${printable(part)}; the same command again goes on from there\n`,
		);
}

/** The path of the file that is to be. */
async function placeFor(core: StoredCore, options: Options): Promise<string> {
	if (options.output === '') throw new UserError('the name of the output is empty');
	const name = basename(storedFile(core));
	const given = resolve(options.output ?? name);
	const isFolder = (await stat(systemPath(given)).catch(() => undefined))?.isDirectory() ?? false;
	const file = isFolder ? join(given, name) : given;
	await expectFree(file, options);
	return file;
}

async function expectFree(file: string, { force }: Options): Promise<void> {
	const there = await lstat(systemPath(file)).catch(() => undefined); // what stands in the way, writing tells
	if (!there) return;
	if (!there.isFile() && !there.isSymbolicLink()) throw new UserError(`${printable(file)} is there already, and is not a regular file`);
	if (!force) throw new UserError(`${printable(file)} is there already: give another name with -o, or replace it with --force`);
}
