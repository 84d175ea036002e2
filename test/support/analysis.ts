import { statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type AnalyseOptions, analyse, loadKnownIssues } from '../../src/components/analyzer/analyzer.ts';
import { examine } from '../../src/components/collector/collector.ts';
import { defaultPanicKeywords } from '../../src/config/config.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import { crashId, fileId } from '../../src/domain/identity.ts';
import { type Core, type CrashReport, crashReport, type Log } from '../../src/domain/report.ts';
import { exec, temporaryFolder } from './crash.ts';

/**
 * Analyses a core as the command does, and checks that the report has its published shape.
 *
 * @param log what the process wrote
 */
export async function analyseCore(
	core: string,
	options: Partial<AnalyseOptions> = {},
	log?: string,
): Promise<CrashReport & { readonly core: Core }> {
	const { event } = await examine(resolve(core), { now: Date.now() });
	const report = await reportOf({ ...event, body: { ...event.body, log: log === undefined ? null : logAt(log) } }, options);
	return { ...report, core: report.core as Core };
}

/** The same of a log alone. */
export async function analyseLog(path: string): Promise<CrashReport> {
	const time = new Date().toISOString();
	const body = { core: null, log: logAt(path), time, foundAt: time };
	return reportOf({ kind: 'CoredumpFile', key: crashId({ by: 'file', fileId: fileId(statSync(path, { bigint: true })) }), body });
}

/**
 * The same of the end of a container that left no core.
 *
 * @param log what the process wrote
 */
export async function analyseEnd(body: Omit<Partial<Event<'CoredumpFile'>['body']>, 'core' | 'log'>, log?: string): Promise<CrashReport> {
	const time = new Date().toISOString();
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'container.log');
	if (log !== undefined) writeFileSync(path, log);
	const whole = { core: null, log: log === undefined ? null : logAt(path), time, foundAt: time, ...body };
	return reportOf({ kind: 'CoredumpFile', key: crashId({ by: 'container', podUid: 'a', container: 'b', run: 'c' }), body: whole });
}

const logAt = (path: string): Log => ({ path, sizeBytes: statSync(path).size });

async function reportOf(event: Event<'CoredumpFile'>, options: Partial<AnalyseOptions> = {}): Promise<CrashReport> {
	await using scratch = await temporaryFolder();
	const body = await analyse(event.body, {
		places: { sysroot: '/', paths: [] },
		gdb: { timeoutMs: 60_000 },
		scratch: { path: scratch.path, maxBytes: 1e9 },
		panicKeywords: defaultPanicKeywords,
		knownIssues: loadKnownIssues([]),
		...options,
	});
	return crashReport.parse(fold(fold(undefined, event), { kind: 'AnalysisResults', key: event.key, body }));
}

/** The functions of each thread's stack as gdb itself prints them, the crashed one first. A thread that has not begun yet has no caller, of which gdb makes one at 0. */
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
			[
				...text
					.replaceAll(/^#[1-9]\d*\s+0x0+ in \?\? .*$/gm, '')
					.matchAll(/^#\d+\s+(?:0x[0-9a-f]+ in )?(<signal handler called>|\?\?|.+?)(?: \((?!\*).*)?$/gm),
			].map(([, name]) => (name === '??' ? undefined : name)),
		);
}
