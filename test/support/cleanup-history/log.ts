import type { Left } from '../../../src/components/cleaner/decide-removal.ts';
import type { Kept } from './objects.ts';

/** How it really is with what is to be removed. */
export type Truth = {
	/** Too many crashes, and still crashing: as the rule has it, in other words. */
	readonly isBad: boolean;
	readonly isKept: boolean;
	readonly isEnforced: boolean;
	readonly isHeld: boolean;
	readonly left: Left['is'];
	/** When it was gone. */
	readonly goneAt: number | undefined;
};

/** What happened, in its order. */
export type Entry = {
	readonly at: number;
	/** The leader. */
	readonly by: string;
	/** Of what is to be removed; empty where it is about a leader alone. */
	readonly uid: string;
	readonly truth: Truth;
} & (
	| { readonly is: 'look'; readonly object: Kept | undefined; readonly isSecond: boolean }
	| { readonly is: 'write'; readonly before: Kept | undefined; readonly after: Kept | undefined }
	/** The instance is touched. @see hits the uid of what was there */
	| { readonly is: 'act'; readonly hits: string }
	| { readonly is: 'act ends' | 'comes' | 'killed' }
);

/** What of an entry is its own. */
export type Happening = Entry extends infer One ? (One extends Entry ? Omit<One, 'at' | 'truth'> : never) : never;
export type Log = (happening: Happening) => void;

/** What was removed in place of what was looked at: Helm asks for no uid, and it was exchanged at the last moment. */
export const mistaken = (log: readonly Entry[]): ReadonlySet<string> =>
	new Set(log.flatMap((entry) => (entry.is === 'act' && entry.hits !== entry.uid ? [entry.hits] : [])));
