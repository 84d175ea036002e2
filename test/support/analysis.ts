import { resolve } from 'node:path';
import { type AnalyseOptions, analyse, loadKnownIssues } from '../../src/components/analyzer/analyzer.ts';
import { examine } from '../../src/components/collector/collector.ts';
import { defaultPanicKeywords } from '../../src/config/config.ts';
import { fold } from '../../src/domain/fold.ts';
import { type Core, type CrashReport, crashReport } from '../../src/domain/report.ts';
import { exec, temporaryFolder } from './crash.ts';

/** Analyses a core as the command does, and checks that the report has its published shape. */
export async function analyseCore(core: string, options: Partial<AnalyseOptions> = {}): Promise<CrashReport & { readonly core: Core }> {
	await using scratch = await temporaryFolder();
	const { event } = await examine(resolve(core), { now: Date.now() });
	const body = await analyse(event.body, {
		places: { sysroot: '/', paths: [] },
		gdb: { timeoutMs: 60_000 },
		scratch: { path: scratch.path, maxBytes: 1e9 },
		panicKeywords: defaultPanicKeywords,
		knownIssues: loadKnownIssues([]),
		...options,
	});
	const report = crashReport.parse(fold(fold(undefined, event), { kind: 'AnalysisResults', key: event.key, body }));
	return { ...report, core: report.core as Core };
}

/** The functions of each thread's stack as gdb itself prints them, the crashed one first. */
export async function gdbFunctions(core: string, executable: string): Promise<(string | undefined)[][]> {
	const { stdout } = await exec(
		'gdb',
		['-nx', '-batch', '-ex', 'set debuginfod enabled off', '-ex', 'thread apply all -ascending bt', executable, core],
		{ maxBuffer: 1 << 28 },
	);
	return stdout
		.split(/^Thread \d+ .*$/m)
		.slice(1)
		.map((text) =>
			[...text.matchAll(/^#\d+\s+(?:0x[0-9a-f]+ in )?(<signal handler called>|\?\?|.+?)(?: \((?!\*).*)?$/gm)].map(([, name]) =>
				name === '??' ? undefined : name,
			),
		);
}
