import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import { analyse } from '../components/analyzer/analyzer.ts';
import { examine } from '../components/collector/collector.ts';
import { defaultPanicKeywords } from '../config/config.ts';
import { fold } from '../domain/fold.ts';
import type { CrashReport } from '../domain/report.ts';
import { coredumpAttributes } from '../drivers/attributes/attributes.ts';
import { reportText } from '../report/report.ts';
import { fileProblem } from './errors.ts';
import { interruptible } from './interruption.ts';
import { paintFor, writeJson } from './output.ts';
import { symbolPlaces } from './places.ts';
import { createProgress } from './progress.ts';

type Options = { readonly exe?: string; readonly sysroot: string; readonly json?: boolean; readonly gdb: boolean };

const gdbTimeoutMs = 5 * 60_000;

export function analyzeCommand(program: Command): void {
	program
		.command('analyze')
		.description(
			'say what crashed and why, from one core of any origin (plain, .zst, .gz, .lz4, .xz, a directory of abrt, a report of apport); needs no agent and no configuration',
		)
		.argument('<core>', 'the core file')
		.option('--exe <file>', 'the executable that crashed, if it is not where the core says')
		.option('--sysroot <dir>', 'the root of the file system in which it ran, such as an unpacked container image', '/')
		.option('--json', 'print the whole report as JSON')
		.option('--no-gdb', 'use only what the core itself says')
		.action(run);
}

async function run(core: string, options: Options): Promise<void> {
	const report = await interruptible(({ signal }) => analyzeFile(resolve(core), options, signal));
	if (options.json) writeJson(report);
	else process.stdout.write(reportText(report, { paint: paintFor(process.stdout), now: Date.now() }));
}

async function analyzeFile(path: string, { gdb, ...places }: Options, signal: AbortSignal): Promise<CrashReport> {
	using progress = createProgress();
	try {
		const { event: found } = await examine(path, { attributes: await coredumpAttributes(path), now: Date.now() });
		const body = await analyse(found.body, {
			places: await symbolPlaces(places),
			gdb: gdb ? { timeoutMs: gdbTimeoutMs } : undefined,
			scratch: { path: tmpdir(), maxBytes: Number.POSITIVE_INFINITY },
			panicKeywords: defaultPanicKeywords,
			signal,
			onProgress: progress.step,
		});
		const analysed = fold(fold(undefined, found), { kind: 'AnalysisResults', key: found.key, body });
		return analysed as CrashReport;
	} catch (error) {
		throw fileProblem(printable(path), error) ?? error;
	}
}
