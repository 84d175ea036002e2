import type { CrashReport } from './report.ts';
import { instanceKey } from './sightings.ts';
import type { EpochMs } from './stage.ts';

/** What is known of earlier crashes. Read-only. */
export interface History {
	/** Other crashes with the same fingerprint that happened before a given one. */
	earlier(fingerprint: string, before: EpochMs): Earlier;

	/**
	 * How many cores of one series were kept: those that are stored, and those that went to make room.
	 *
	 * @param series as `seriesOf` gives it
	 * @param least only those that are worth so much, or more
	 * @param besides the id of a crash that is not counted
	 */
	kept(series: string, least: number, besides: string): number;
}

/** A core that is stored. */
export type KeptCore = {
	/** Of its crash. */
	readonly id: string;
	readonly foundAt: EpochMs;
	readonly location: string;
	readonly sizeBytes: number;
} & Merit;

/** By what stored cores are chosen among. */
export type Merit = { readonly fingerprint: string | null; readonly worth: number };

/** All that are stored; `oldest`: when the first of them was found. */
export type KeptSum = { readonly sizeBytes: number; readonly oldest?: EpochMs };

/**
 * What the crashes have in common of which a few cores tell as much as all: one bug, in one instance (without one, of one program on one host), of one
 * image (without one, of one build). Undefined where nothing tells which bug it is.
 */
export function seriesOf({ fingerprint, association, process, modules }: CrashReport): string | undefined {
	if (fingerprint === null) return undefined;
	const where = instanceKey(association) ?? [association.host ?? '', process.name ?? ''];
	return JSON.stringify([fingerprint, where, imageOrBuild({ association, process, modules })]);
}

/** What ran: an image; without one a build of the program; empty where neither is known. */
export const imageOrBuild = ({ association, process, modules }: Pick<CrashReport, 'association' | 'process' | 'modules'>): string =>
	association.image ?? modules.find(({ path }) => path === process.executable)?.buildId ?? '';

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
