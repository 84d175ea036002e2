import type { Association, CrashReport, Repeats } from './report.ts';
import type { EpochMs } from './stage.ts';

/** Grows by one with each change of a report; a report has the number of its last one. */
export type ChangeNumber = number;

/** What is to be told of crashes to the outside, and how far that has come. It lasts, like the journal that keeps it. */
export interface Outbox {
	/** Reports that are to be published, or published anew, after a change; those that changed first come first. */
	unpublished(after: ChangeNumber, most: number): Promise<readonly Changed[]>;
	/** A report as it is now. */
	report(id: string): Promise<CrashReport | undefined>;
	/** How many crashes a published report stands for. */
	repeats(id: string): Promise<Repeats>;
	/** The report is published as it was at that change, or is not to be published any more; 0: it is to be published anew. */
	setPublished(id: string, change: ChangeNumber): Promise<void>;
	/** All reports that changed after a change, those that changed first come first, with the times of the crashes. */
	changedSince(after: ChangeNumber, most: number): Promise<readonly (Changed & { readonly time: EpochMs })[]>;
	/** Up to which change everybody has been told who is told of each crash. */
	told(): Promise<ChangeNumber>;
	setTold(change: ChangeNumber): Promise<void>;
	/** The report in which a crash is published: its own, or one that stands for several; undefined: in none yet. */
	publishedIn(id: string): Promise<string | undefined>;
	/** What is known of the crashes of a pod, a component or an instance since a time. */
	tally(of: Whose, since: EpochMs): Promise<Tally>;
	/** Resolves when something may have changed, at that time, or at the signal. */
	changed(until: EpochMs, signal: AbortSignal): Promise<void>;
}

export type Changed = { readonly id: string; readonly change: ChangeNumber };

/** The crashes of that pod, or of that component or instance. */
export type Whose = { readonly all: 'pod' | 'component' | 'instance'; readonly of: Association };

/** How many crashes there were of each sort. One may be of several. */
export type Tally = { readonly [S in TallySort]: Span };
export type TallySort =
	| 'crashes'
	/** Without the restarts with which an instance finds its dependencies. */
	| 'pastStart'
	| 'stored'
	| 'lost';

/** So many, the first and the last. Without any, the times are 0. */
export type Span = { readonly count: number; readonly first: EpochMs; readonly last: EpochMs };
