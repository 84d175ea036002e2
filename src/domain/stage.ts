import type { Event, Kind } from './events.ts';

export type EpochMs = number;

/** What a stage answers for one event. The journal carries it out in one transaction. */
export type Outcome =
	| { readonly is: 'done'; readonly emit: readonly Event[] }
	| { readonly is: 'retry'; readonly reason: string }
	| { readonly is: 'wait'; readonly until: EpochMs; readonly joinKey: string }
	| { readonly is: 'rejected'; readonly reason: string };

/** One step of the pipeline: from an event of the kinds it reads to an outcome. Throwing is for surprises; the event is kept. */
export type Stage<K extends Kind = Kind> = {
	readonly reads: readonly K[];
	readonly concurrency: number;
	handle(event: Event<K>, signal: AbortSignal): Promise<Outcome>;
};

export const done = (...emit: readonly Event[]): Outcome => ({ is: 'done', emit });
/** The world's fault (network, disk): tried again, later and later. */
export const retry = (reason: string): Outcome => ({ is: 'retry', reason });
/** Until then, or until an event with that join key arrives. */
export const wait = (until: EpochMs, joinKey: string): Outcome => ({ is: 'wait', until, joinKey });
export const rejected = (reason: string): Outcome => ({ is: 'rejected', reason });
