import { done, retry, type Stage } from '../../domain/stage.ts';
import { CorefileError, NoUnpackerError } from '../../readers/corefile/corefile.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type AnalyseOptions, analyse } from './analyse.ts';

export { type AnalyseOptions, analyse, type Step } from './analyse.ts';
export { loadKnownIssues } from './knownissues/knownissues.ts';
export { findModules, type SymbolPlaces, unusedExecutable } from './modules.ts';
export { checkScratch, rawCopy, ScratchError, scratchFolder, sweepScratch } from './scratch.ts';

type Deps = { readonly telemetry: Telemetry; readonly options: Omit<AnalyseOptions, 'signal' | 'onProgress'> };

/** Says what crashed and why. One at a time: a debugger takes memory. */
export function analyzer({ telemetry, options }: Deps): Stage<'CoredumpFile'> {
	return {
		reads: ['CoredumpFile'],
		concurrency: 1,
		async handle({ key, body }, signal) {
			const path = body.core?.path ?? body.log?.path ?? '';
			telemetry.analysisStarted(key, path);
			const start = performance.now();
			try {
				const results = await analyse(body, { ...options, signal });
				telemetry.analysisEnded(key, path, results.analysis, performance.now() - start, options.gdb !== undefined);
				return done({ kind: 'AnalysisResults', key, body: results });
			} catch (error) {
				const lost = error instanceof CorefileError ? error.message : isGone(error) ? 'the core file is gone' : undefined;
				if (lost !== undefined) {
					telemetry.analysisImpossible(key, path, lost);
					return done({ kind: 'StorageEvent', key, body: { is: 'lost', reason: lost } });
				}
				if (isOutsideFault(error) || error instanceof NoUnpackerError) return retry(error.message);
				throw error;
			}
		},
	};
}

const isGone = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error;

/** Disk full, too many open files, no permission: it may be better later. */
const isOutsideFault = (error: unknown): error is Error => error instanceof Error && 'syscall' in error;
