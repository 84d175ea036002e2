import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import { analyse, loadKnownIssues } from '../components/analyzer/analyzer.ts';
import { defaultPanicKeywords } from '../config/config.ts';
import { fold } from '../domain/fold.ts';
import type { CrashReport } from '../domain/report.ts';
import { fileProblem, UserError } from './errors.ts';
import { evidenceOf } from './evidence.ts';
import { interruptible } from './interruption.ts';
import { type ReportForm, withForm, writeReport } from './output.ts';
import { type PlacesOptions, symbolPlaces, withPlaces } from './places.ts';
import { createProgress } from './progress.ts';
import { type PromptOptions, withPrompt, writePrompt } from './prompt.ts';
import type { SettingsOptions } from './settings.ts';

type Options = ReportForm &
	PromptOptions &
	PlacesOptions &
	Pick<SettingsOptions, 'config'> & {
		readonly log?: string;
		readonly knownIssues?: string;
		readonly gdb: boolean;
	};

const gdbTimeoutMs = 5 * 60_000;

export function analyzeCommand(program: Command): void {
	withPlaces(withPrompt(withForm(program.command('analyze'))), '/')
		.description(
			'say what crashed and why, from a core of any origin (plain, .zst, .gz, .lz4, .xz, a directory of abrt, a report of apport), from what the process wrote, or from both; needs no agent and no configuration',
		)
		.argument('<file>', 'the core file, or a log with the stack that the process printed')
		.option('--log <file>', 'what the process wrote, to go with its core')
		.option('--known-issues <path>', 'a file or a folder with known issues of your own, as for analyzer.knownIssues')
		.option('--no-gdb', 'without gdb, which adds lines of source code')
		.option('-c, --config <file>', 'the configuration whose aiAnalysis counts for --show-prompt')
		.action(run);
}

async function run(file: string, options: Options): Promise<void> {
	const report = await interruptible(({ signal }) => analyzeFile(resolve(file), options, signal));
	if (options.showPrompt) await writePrompt(report, options);
	else writeReport(report, options);
}

async function analyzeFile(path: string, { gdb, log, knownIssues: own, ...places }: Options, signal: AbortSignal): Promise<CrashReport> {
	const knownIssues = loadKnownIssues(own === undefined ? [] : [own]);
	using progress = createProgress();
	const found = await evidenceOf(path, log);
	try {
		const body = await analyse(found.body, {
			places: await symbolPlaces(places),
			gdb: gdb ? { timeoutMs: gdbTimeoutMs } : undefined,
			scratch: { path: tmpdir(), maxBytes: Number.POSITIVE_INFINITY },
			panicKeywords: defaultPanicKeywords,
			knownIssues,
			signal,
			onProgress: progress.step,
		});
		if (!found.body.core && body.analysis.kind === 'unknown' && body.analysis.threads.length === 0)
			throw new UserError(`${printable(path)} is no core dump, and as a log it tells of no crash`);
		const analysed = fold(fold(undefined, found), { kind: 'AnalysisResults', key: found.key, body });
		return analysed as CrashReport;
	} catch (error) {
		throw fileProblem(path, error) ?? (log && fileProblem(resolve(log), error)) ?? error;
	}
}
