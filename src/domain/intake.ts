import type { Event } from './events.ts';

/** Where what happens in the world is reported. */
export interface Intake {
	/** Durable when it returns. @returns those of the events that were not known yet */
	append(...events: readonly Event[]): Promise<readonly Event[]>;

	/** True when an event named this file as its original, also when that event is long forgotten. */
	isKnown(original: string): Promise<boolean>;
}
