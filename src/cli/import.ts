import { opendir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type Imported, type Importer, openImporter } from '../agent/agent.ts';
import { isSystemError } from '../base/errors.ts';
import { printable } from '../base/printable.ts';
import type { Config } from '../config/config.ts';
import { isKept } from '../domain/stored-file.ts';
import { JournalInUse, JournalUnavailable } from '../journal/journal.ts';
import { CorefileError, NoUnpackerError } from '../readers/corefile/corefile.ts';
import { headline } from '../report/report.ts';
import { noLog } from '../telemetry/log.ts';
import { createTelemetry } from '../telemetry/telemetry.ts';
import { exitCodes, FailedError, fileProblem, UserError } from './errors.ts';
import { interruptible } from './interruption.ts';
import { writeJson } from './output.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions & { readonly json?: boolean };

export function importCommand(program: Command): void {
	withConfig(program.command('import'))
		.description(
			'analyse and store cores from elsewhere as if they had been found here, each once; in the store of an earlier agent the name of a core says which pod it came from. The agent of this machine must not run meanwhile',
		)
		.argument('<path>', 'a core file, or a folder: then all that is in it, and in its folders')
		.option('--json', 'print what has become of each file as JSON, when all are done')
		.action(run);
}

async function run(path: string, { json, ...options }: Options): Promise<void> {
	const { config } = await loadSettings(options);
	process.umask(0o077); // what is written may hold what the crashed process knew
	const place = resolve(path);
	const isFolder = await stat(place).then(
		(found) => found.isDirectory(),
		(error) => {
			throw fileProblem(place, error) ?? error;
		},
	);
	await interruptible(async ({ signal }) => {
		using importer = await opened(config, signal);
		const counts = { imported: 0, known: 0, failed: 0, notCores: 0 };
		const files: unknown[] = [];
		for await (const file of isFolder ? filesBelow(place) : [place]) {
			const became = await brought(importer, file, signal);
			counts[became.is === 'no core' ? 'notCores' : became.is]++;
			if (became.is === 'no core' && !isFolder) throw new UserError(`${printable(file)}: ${became.reason}`);
			if (json) files.push({ file, ...inShort(became) });
			else process.stdout.write(inWords(file, became));
		}
		if (json) writeJson({ ...counts, files });
		else if (isFolder) process.stdout.write(inTotal(counts));
		if (counts.failed > 0) process.exitCode = exitCodes.failed;
	});
}

async function opened(config: Config, signal: AbortSignal): Promise<Importer> {
	try {
		return await openImporter(config, createTelemetry(noLog()), signal);
	} catch (error) {
		if (!(error instanceof JournalInUse)) throw error;
		throw new UserError(
			`an agent is running with the journal ${config.journal.path}: copy the files into ${config.collector.coredumpPath} (collector.coredumpPath), where it finds those that are younger than collector.maxFileAge, or stop it for as long as the import takes`,
		);
	}
}

type Became = Imported | { readonly is: 'no core'; readonly reason: string };

async function brought(importer: Importer, file: string, signal: AbortSignal): Promise<Became> {
	using progress = createProgress();
	progress.step(`importing ${printable(file)}`);
	try {
		return await importer.bring(file, signal);
	} catch (error) {
		signal.throwIfAborted();
		if (error instanceof CorefileError) return { is: 'no core', reason: error.message };
		if (error instanceof JournalUnavailable) throw new FailedError(error.message, { cause: error });
		if (error instanceof NoUnpackerError || isSystemError(error)) return { is: 'failed', reason: error.message };
		throw error;
	}
}

/** Of a report as much as tells which crash it is of; `show` has the whole. */
function inShort(became: Became) {
	if (became.is !== 'imported') return became;
	const { id, storage } = became.report;
	return { is: became.is, id, headline: headline(became.report), storage };
}

function inTotal({ notCores, ...counts }: Readonly<Record<'imported' | 'known' | 'failed' | 'notCores', number>>): string {
	const told = Object.entries({ ...counts, 'not cores': notCores }).filter(([, count]) => count > 0);
	return `${told.map(([what, count]) => `${count} ${what}`).join(', ') || 'no files'}\n`;
}

function inWords(file: string, became: Became): string {
	const shown = printable(file);
	switch (became.is) {
		case 'imported': {
			const { id, storage } = became.report;
			const where = isKept(storage) ? `stored as ${storage.location}` : `not stored: ${storage?.reason}`;
			return `${id}  ${headline(became.report)}\n  ${shown}\n  ${printable(where)}\n`;
		}
		case 'known':
			return `${became.id}  is known already: ${shown}\n`;
		case 'failed':
			return `failed: ${shown}: ${printable(became.reason)}\n`;
		case 'no core':
			return '';
		default:
			return became satisfies never;
	}
}

/** Without those that are being written, and the reports beside stored cores. */
async function* filesBelow(folder: string): AsyncGenerator<string, void> {
	try {
		for await (const entry of await opendir(folder, { recursive: true }))
			if (entry.isFile() && !entry.name.startsWith('.') && !entry.name.endsWith('.json')) yield join(entry.parentPath, entry.name);
	} catch (error) {
		throw fileProblem(folder, error) ?? error;
	}
}
