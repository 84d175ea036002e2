import { parseCursor } from '../../readers/journald/journald.ts';
import { cursorAt, type Journalctl } from './journalctl.ts';

/** Entries that may be missing: those between where the reader was and where it goes on. */
export type Gap = {
	readonly is: 'gap';
	/**
	 * - `vacuumed`: the entry at the cursor is no longer there, journald has removed it and maybe others
	 * - `another journal`: there is nothing at the cursor's place or behind it: the clock was set back, or the journal is not the one it was
	 * - `no cursor`: what was given is none
	 */
	readonly why: 'vacuumed' | 'another journal' | 'no cursor';
	readonly fromMs?: number;
	readonly toMs?: number;
};

/** Where to begin. */
export type Place = {
	readonly afterCursor?: string | undefined;
	/** Until when the reader had seen all, which may be long after the last entry: what journald removed that is older was no loss. */
	readonly upToDateAtMs?: number | undefined;
	/** Without a cursor, or when it leads nowhere. */
	readonly sinceMs?: number | undefined;
};

/**
 * journalctl goes on behind a cursor whose entry is gone without a word, so it is asked first.
 *
 * @returns the place for journalctl, and the gap that is before it
 */
export async function startAt(
	journalctl: Journalctl,
	{ afterCursor, upToDateAtMs = 0, sinceMs }: Place,
	signal: AbortSignal,
): Promise<{ readonly args: readonly string[]; readonly gap?: Gap }> {
	const anew = sinceMs === undefined ? [] : [`--since=@${Math.floor(sinceMs / 1000)}`];
	if (afterCursor === undefined) return { args: anew };
	const place = parseCursor(afterCursor);
	if (place === undefined) return { args: anew, gap: { is: 'gap', why: 'no cursor' } };
	const found = await cursorAt(journalctl, afterCursor, signal);
	const next = found === undefined ? undefined : parseCursor(found);
	const fromMs = Math.max(place.timeMs, upToDateAtMs);
	if (next === undefined) return { args: anew, gap: { is: 'gap', why: 'another journal', fromMs } };
	if (next.identity === place.identity) return { args: [`--after-cursor=${found}`] }; // as it is numbered now
	const args = [`--cursor=${afterCursor}`]; // the entry there has not been seen
	return next.timeMs <= fromMs ? { args } : { args, gap: { is: 'gap', why: 'vacuumed', fromMs, toMs: next.timeMs } };
}
