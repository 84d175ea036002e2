import type { Book } from '../../domain/ledger.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** By how much the clocks of two nodes may differ. */
const skewMs = 60_000;
/** An hour by any two clocks. */
export const hourMs = 3600_000 + skewMs;
/** For how long one who asks is waited for. It may have died, before the call or after it. */
export const expiryMs = 5 * 60_000;
/** How old what is written of who waits may become before it is written anew. */
export const refreshMs = 10 * 60_000;
const rememberedMs = 30 * 24 * 3600_000;

/** As JSON. A ConfigMap holds 1 MiB. */
const mostBytes = 600_000;
const mostAnswers = 40;
/** The most questions in an hour, whatever is configured. */
export const mostRecent = 2_000;
const mostParties = 1_000;
const nameOfOthers = '(others)';

/** The book at this time: what is over is gone, and what lies in the future, by a clock that was ahead, is now. */
export function asOf(book: Book, now: EpochMs, rememberMs = rememberedMs): Book {
	const clamped = <T extends { readonly at: EpochMs }>(all: readonly T[]) =>
		all.map((one) => (one.at > now + skewMs ? { ...one, at: now } : one));
	const { name, spent } = monthAsOf(book.month, now);
	const open = clamped(book.open);
	// Nothing was heard for an hour: what it might have cost is spent.
	const counted = { ...spent };
	for (const { party, cost, at } of open)
		if (cost > 0 && now - at >= hourMs && isOfMonth(name, at)) counted[party] = (counted[party] ?? 0) + cost;
	return {
		...book,
		recent: clamped(book.recent).filter(({ at }) => now - at < hourMs),
		month: { name, spent: counted },
		open: open.filter(({ at }) => now - at < hourMs),
		waiting: clamped(book.waiting).filter(({ at }) => now - at < hourMs || isOfMonth(name, at)),
		answers: clamped(book.answers).filter(({ at }) => now - at < rememberMs),
	};
}

/** Whether something in it lies in the future, which has to be written as now, lest it be now each time. */
export const isAhead = ({ month, recent, open, waiting, answers }: Book, now: EpochMs): boolean =>
	month.name > nameOf(now + skewMs) || [recent, open, waiting, answers].some((all) => all.some(({ at }) => at > now + skewMs));

/** Without what would make it too large: the oldest answers first, as these can be had again; money is never forgotten. */
export function fitted(book: Book): Book {
	const month = { name: book.month.name, spent: fewer(book.month.spent) };
	const answers = book.answers.slice(-mostAnswers);
	const waiting = book.waiting.slice(-mostParties);
	const fits = () => Buffer.byteLength(JSON.stringify({ ...book, month, waiting, answers })) < mostBytes;
	while (answers.length > 0 && !fits()) answers.shift();
	return { ...book, month, waiting, answers };
}

/** The first moment of a month like `2026-11`. */
export const beginOf = (month: string): EpochMs => Date.parse(`${month}-01T00:00:00Z`);

/** Whether what was asked then belongs to that month, by any clock. */
export const isOfMonth = (name: string, at: EpochMs): boolean => at >= beginOf(name) - skewMs;

/** The first moment of the next calendar month in UTC. */
export function nextMonth(now: EpochMs): EpochMs {
	const date = new Date(now);
	return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

export const sum = (numbers: Iterable<number>): number => Iterator.from(numbers).reduce((all, one) => all + one, 0);

/** Of two clocks one is in the next month before the other: it is the later of the two for both. One that is far ahead loses its month, but no money. */
function monthAsOf(month: Book['month'], now: EpochMs): Book['month'] {
	const [name, ahead] = [nameOf(now), nameOf(now + skewMs)];
	if (month.name === ahead || month.name === name) return month;
	return month.name > name ? { ...month, name } : { name, spent: {} };
}

const nameOf = (time: EpochMs) => new Date(time).toISOString().slice(0, 7);

/** Of those that have spent least, together. */
function fewer(spent: Readonly<Record<string, number>>): Record<string, number> {
	const all = Object.entries(spent);
	if (all.length <= mostParties) return { ...spent };
	const byCost = all.toSorted(([, one], [, other]) => other - one);
	const [most, rest] = [byCost.slice(0, mostParties / 2), byCost.slice(mostParties / 2)];
	const others = Object.fromEntries(most)[nameOfOthers] ?? 0;
	return { ...Object.fromEntries(most), [nameOfOthers]: others + sum(rest.map(([, cost]) => cost)) };
}
