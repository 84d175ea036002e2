import { z } from 'zod';
import { given } from './opinion.ts';
import type { EpochMs } from './stage.ts';

const at = z.int().min(0).describe('milliseconds since 1970');

/** What asking models has cost, and what they answered: one for all agents of a cluster, or for one machine. */
export const book = z.object({
	/** Questions of the last hour. */
	recent: z.array(z.object({ at, party: z.string() })),
	/** The calendar month in UTC, `2026-11`, and what each party has spent in it, in the currency of the configured prices. */
	month: z.object({ name: z.string(), spent: z.record(z.string(), z.number().min(0)) }),
	/** Questions that are being asked: what they may cost is reserved until they are settled. */
	open: z.array(z.object({ ticket: z.string(), about: z.string(), party: z.string(), at, cost: z.number().min(0) })),
	/** The newest last. */
	answers: z.array(z.object({ about: z.string(), at, given })),
});

export type Book = z.infer<typeof book>;

/** Where the book is kept. */
export interface Ledger {
	/**
	 * Reads the book, and puts in its place what is made of it: one step, whoever else does the same.
	 *
	 * @param change pure: it is tried again on what another has written meanwhile
	 * @throws {LedgerUnavailable} it can't be read or written now
	 */
	change<T>(change: (book: Book) => readonly [next: Book, result: T], signal: AbortSignal): Promise<T>;
}

/** What was kept can't be had now; trying again may help. */
export class LedgerUnavailable extends Error {
	override readonly name = 'LedgerUnavailable';
}

/** Whether a question may be asked. */
export type Permit =
	| { readonly is: 'granted'; readonly ticket: string }
	/** It was asked before. */
	| { readonly is: 'answered'; readonly given: z.infer<typeof given> }
	/** Somebody is asking it. */
	| { readonly is: 'underway'; readonly until: EpochMs }
	/** `until`: when there is budget again. */
	| { readonly is: 'refused'; readonly reason: string; readonly until: EpochMs };
