import type { Event, Kind } from './events.ts';

export type EpochMs = number;

/** What a stage answers for one event. The journal carries it out in one transaction. */
export type Outcome =
	| { readonly is: 'done'; readonly emit: readonly Event[] }
	| { readonly is: 'retry'; readonly reason: string }
	| { readonly is: 'wait'; readonly until: EpochMs; readonly joinKey: string }
	| { readonly is: 'rejected'; readonly reason: string };

/** What a stage may want to know of its earlier tries. */
export type Attempt = {
	/** Whether the event is given up if this try ends in an unexpected exception, or in the death of the process. */
	readonly isLastTry: boolean;
	/** Since when there is this to do. */
	readonly at: EpochMs;
};

/** One step of the pipeline: from an event of the kinds it reads to an outcome. Throwing is for surprises; the event is kept. */
export type Stage<K extends Kind = Kind> = {
	readonly reads: readonly K[];
	readonly concurrency: number;
	/**
	 * That the process died while it was at work says nothing against an event, of which it only passes on what it does not read: it is tried again, later
	 * and later. Absent: the third death is the end of it.
	 */
	readonly isPatient?: true;
	handle(event: Event<K>, signal: AbortSignal, attempt?: Attempt): Promise<Outcome>;
	/** What goes on all the same when the event is given up. Pure; without it the crash's way ends there. */
	goOn?(event: Event<K>, reason: string): readonly Event[];
};

export const done = (...emit: readonly Event[]): Outcome => ({ is: 'done', emit });
/** The world's fault (network, disk): tried again, later and later. */
export const retry = (reason: string): Outcome => ({ is: 'retry', reason });
/** Until then, or until an event with that join key arrives. */
export const wait = (until: EpochMs, joinKey: string): Outcome => ({ is: 'wait', until, joinKey });
export const rejected = (reason: string): Outcome => ({ is: 'rejected', reason });
