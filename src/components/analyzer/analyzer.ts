import { isSystemError } from '../../base/errors.ts';
import { systemPath } from '../../base/filename.ts';
import { ContentLost, isBackendError } from '../../domain/backend.ts';
import { type Bodies, type Event, followsFrom } from '../../domain/events.ts';
import { notAnalysed } from '../../domain/fold.ts';
import { done, rejected, retry, type Stage } from '../../domain/stage.ts';
import { CorefileError, NoUnpackerError } from '../../readers/corefile/corefile.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type AnalyseOptions, analyse } from './analyse.ts';
import { copyOf, type StoredCopy } from './copy.ts';
import { ScratchError } from './scratch.ts';

export { type AnalyseOptions, analyse, type Step } from './analyse.ts';
export { containerOf, type LayersOf } from './container.ts';
export type { StoredCopy } from './copy.ts';
export { type KnownIssueEntry, knownIssuesState, loadKnownIssues } from './knownissues/knownissues.ts';
export { findModules, type SymbolPlaces, unusedExecutable } from './modules.ts';
export { checkScratch, rawCopy, ScratchError, scratchFolder, sweepScratch } from './scratch.ts';
export { type SlimFileOptions, slimFile } from './slim-file.ts';
export { forgedPaths } from './unwinding.ts';

type Deps = {
	readonly telemetry: Telemetry;
	/** For a core that is looked into once more when its original is gone. */
	readonly storedCopy?: StoredCopy;
	readonly options: Omit<AnalyseOptions, 'copy' | 'signal' | 'onProgress'>;
};

/** Says what crashed and why. One at a time: a debugger takes memory. */
export function analyzer({ telemetry, storedCopy, options }: Deps): Stage<'CoredumpFile'> {
	return {
		reads: ['CoredumpFile'],
		concurrency: 1,
		async handle(event, signal, attempt) {
			const { key, revision = 1, body } = event;
			const path = body.core?.path ?? body.log?.path ?? '';
			telemetry.analysisStarted(key, path);
			const start = performance.now();
			await using stack = new AsyncDisposableStack();
			try {
				const copy = await copyOf(event, { storedCopy, scratch: options.scratch }, stack, signal);
				const given = { ...options, copy, signal };
				const results = attempt?.isLastTry ? await withoutGdb(body, given) : await analyse(body, given);
				telemetry.analysisEnded(key, path, results.analysis, performance.now() - start);
				return done({ kind: 'AnalysisResults', ...followsFrom(event), body: { ...results, ...(body.isAnew && { isAnew: true }) } });
			} catch (error) {
				const lost = lossIn(error, path, body.core ? 'core file' : 'log');
				if (lost !== undefined) {
					telemetry.analysisImpossible(key, path, lost);
					if (body.isAnew) return rejected(lost);
					// What was found out before it went stays, with what came since.
					if (revision > 1) return done();
					return done({ kind: 'StorageEvent', key, body: { is: 'lost', reason: lost } });
				}
				// Disk full, too many open files, no permission: it may be better later.
				if (isSystemError(error) || error instanceof NoUnpackerError) return retry(error.message);
				if (isBackendError(error) || error instanceof ScratchError) return retry(error.message);
				throw error;
			}
		},
		// What was found out before is better than nothing.
		goOn: (event, reason) => (event.body.isAnew ? [] : [withoutAnalysis(event, reason)]),
	};
}

const withoutAnalysis = (event: Event<'CoredumpFile'>, reason: string): Event<'AnalysisResults'> => ({
	kind: 'AnalysisResults',
	...followsFrom(event),
	body: {
		core: event.body.core,
		analysis: {
			...notAnalysed,
			association: event.body.association ?? notAnalysed.association,
			notes: [`the analysis was given up: ${reason}`],
		},
	},
});

/** Why there is nothing to be analysed any more, if that is what the error says. */
function lossIn(error: unknown, path: string, what: string): string | undefined {
	if (error instanceof CorefileError || error instanceof ContentLost) return error.message;
	if (!(error instanceof Error && 'code' in error && 'path' in error)) return undefined;
	return error.code === 'ENOENT' && error.path === String(systemPath(path)) ? `the ${what} is gone` : undefined;
}

/** gdb takes the most memory and does the most: what it may be to blame for shall not cost the rest. */
async function withoutGdb(found: Bodies['CoredumpFile'], options: AnalyseOptions): Promise<Bodies['AnalysisResults']> {
	const { core, analysis } = await analyse(found, { ...options, gdb: undefined });
	return { core, analysis: { ...analysis, notes: [...analysis.notes, 'gdb was left out: all earlier tries of the analysis failed'] } };
}
