import { z } from 'zod';
import { given } from './opinion.ts';
import type { EpochMs } from './stage.ts';

const at = z.int().min(0).describe('milliseconds since 1970');

const remembered = z.object({ about: z.string(), at, given });

/** What asking models has cost, and what they answered: one for all agents of a cluster, or for one machine. What a newer version adds is kept. */
export const book = z.looseObject({
	/** Questions of the last hour, also those that are being asked. */
	recent: z.array(z.object({ at, party: z.string() })),
	/** The calendar month in UTC, `2026-11`, and what each party has spent in it, in the currency of the configured prices. */
	month: z.object({ name: z.string().regex(/^\d{4}-\d{2}$/), spent: z.record(z.string(), z.number().min(0)) }),
	/** Questions that are being asked, or of which nothing was heard again: what they may cost is reserved until they are settled. */
	open: z.array(
		z.object({ ticket: z.string(), about: z.string(), party: z.string(), at, cost: z.number().min(0), until: at.exactOptional() }),
	),
	/** Who was refused: when last, and since when nothing else. */
	waiting: z.array(z.object({ party: z.string(), at, since: at })).default([]),
	/** The newest last. One that this version can't read is forgotten: it is asked again. */
	answers: z.array(z.unknown()).transform((all) => all.flatMap((one) => remembered.safeParse(one).data ?? [])),
});

export type Book = z.infer<typeof book>;

/** Nothing was asked yet. */
export const emptyBook: Book = { recent: [], month: { name: '1970-01', spent: {} }, open: [], waiting: [], answers: [] };

/** @returns undefined for what this version can't read */
export function readBook(text: string | undefined): Book | undefined {
	if (text === undefined || text.trim() === '') return emptyBook;
	try {
		return book.safeParse(JSON.parse(text)).data;
	} catch {
		return undefined; // no JSON
	}
}

/** Where the book is kept. */
export interface Ledger {
	/**
	 * Reads the book, and puts in its place what is made of it: one step, whoever else does the same.
	 *
	 * @param change pure: it is tried again on what another has written meanwhile; where it gives back the very same book, nothing is written
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
