import type { CrashReport } from './report.ts';
import type { EpochMs } from './stage.ts';

/** What is known of earlier crashes. Read-only. */
export interface History {
	/** Other crashes with the same fingerprint that happened before a given one. */
	earlier(fingerprint: string, before: EpochMs): Earlier;
}

export type Earlier = {
	readonly count: number;
	readonly first?: EpochMs;
	readonly last?: EpochMs;
};

/** Crashes with the same fingerprint. */
export type Group = {
	readonly fingerprint: string;
	readonly count: number;
	/** Of how many host names. */
	readonly hosts: number;
	/** In how many instances of Milvus; 0 outside a cluster. */
	readonly instances: number;
	readonly first: EpochMs;
	readonly last: EpochMs;
	/** The newest of them. */
	readonly newest: CrashReport;
};
