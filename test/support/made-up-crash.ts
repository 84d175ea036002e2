import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../src/domain/events.ts';
import { fileId } from '../../src/domain/identity.ts';
import type { Analysis, CrashReport } from '../../src/domain/report.ts';
import { events } from './events.ts';
import { podReport } from './pod-report.ts';

type Change = Partial<Omit<Analysis, 'association' | 'score'>> & {
	readonly association?: Partial<CrashReport['association']>;
	readonly score?: number;
	readonly foundAt?: string;
	/** Of the core, which is a file of zeros that claims to be packed. */
	readonly sizeBytes?: number;
};

/** A crash of a query node up to its analysis, and a file in its core's place. */
export function madeUpCrash(folder: string, id: string, { association, score = 9.5, foundAt, sizeBytes = 100, ...change }: Change = {}) {
	const { found, analysed } = events(id);
	const path = join(folder, `core.${id}`);
	writeFileSync(path, Buffer.alloc(sizeBytes));
	const core = { path, sizeBytes, encoding: 'zstd', fileId: fileId(statSync(path, { bigint: true })) } as const;
	const analysis: Analysis = {
		...analysed.body.analysis,
		association: { ...podReport().association, ...association },
		score: { total: score, parts: [] },
		...change,
	};
	return {
		found: { ...found, body: { ...found.body, core, ...(foundAt === undefined ? {} : { foundAt }) } } satisfies Event<'CoredumpFile'>,
		analysed: { ...analysed, body: { core, analysis } } satisfies Event<'AnalysisResults'>,
	};
}
