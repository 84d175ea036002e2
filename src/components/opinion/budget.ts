import { type Book, emptyBook, type Permit } from '../../domain/ledger.ts';
import type { Given } from '../../domain/opinion.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { asOf, beginOf, expiryMs, fitted, hourMs, isAhead, isOfMonth, mostRecent, nextMonth, refreshMs, sum } from './book.ts';
import { fits, type Pool } from './fair-share.ts';

const soonMs = 12 * 60_000;

export type Limits = {
	/** In the currency of the configured prices. */
	readonly maxCostPerMonth: number;
	readonly maxPerHour: number;
	/** For how long an answer is good; absent: 30 days. */
	readonly rememberMs?: number;
	/** Of a machine by itself: all is its own. */
	readonly isAlone?: boolean;
};

export type Question = {
	/** A hash: two of the same have the same answer. */
	readonly about: string;
	/** Who asks: the node's name. */
	readonly party: string;
	/** The most that it may cost. */
	readonly cost: number;
	/** Unique. */
	readonly ticket: string;
	/** How long it may take; absent: five minutes. */
	readonly mostMs?: number;
};

/**
 * Whether a question may be asked; where it may, it counts from now on, and its cost is reserved. Pure.
 *
 * The rule: the hour's questions and the month's money belong in equal shares to all who asked or were refused in that time, and nobody has more than its share
 * while another has not had that one's; only of money, what is unused is released to all evenly until the end of the month. And no node, not even one that asks alone,
 * has the last fifth of what the others left: it is for who comes late, until it comes free anyway, which is in twelve minutes for a question, and evenly until
 * the end of the month for money.
 *
 * @param limits undefined: nothing is refused, but all is counted and remembered
 */
export function permit(book: Book, question: Question, limits: Limits | undefined, now: EpochMs): readonly [Book, Permit] {
	const { about, party, cost, ticket, mostMs = 0 } = question;
	const current = asOf(book, now, limits?.rememberMs);
	const unchanged = isAhead(book, now) ? fitted(current) : book;
	const known = answered(current, about);
	if (known) return [unchanged, known];
	const asked = current.open.find((one) => one.about === about && now < untilOf(one));
	if (asked) return [unchanged, { is: 'underway', until: untilOf(asked) }];
	const refusal = limits && refusalOf(current, question, limits, now);
	if (refusal) {
		const told = current.waiting.find((one) => one.party === party);
		if (told && now - told.at < refreshMs) return [unchanged, refusal];
		const waiting = [...current.waiting.filter((one) => one.party !== party), { party, at: now, since: told?.since ?? now }];
		return [fitted({ ...current, waiting }), refusal];
	}
	const next = {
		...current,
		recent: [...current.recent, { at: now, party }].slice(-mostRecent),
		open: [...current.open, { ticket, about, party, at: now, cost, ...(mostMs > expiryMs && { until: now + mostMs }) }],
		waiting: current.waiting.filter((one) => one.party !== party),
	};
	return [fitted(next), { is: 'granted', ticket }];
}

/** Until when one who asks is waited for. */
const untilOf = ({ at, until = at + expiryMs }: Book['open'][number]): EpochMs => until;

/** The answer to a question, where there is one. Pure. */
export const remembered = (book: Book, about: string, now: EpochMs, rememberMs?: number) => answered(asOf(book, now, rememberMs), about);

function answered({ answers }: Book, about: string): Extract<Permit, { is: 'answered' }> | undefined {
	const known = answers.findLast((answer) => answer.about === about);
	return known && { is: 'answered', given: known.given };
}

/**
 * What a question has cost, and the answer, where there is one: it is remembered. A ticket that is not known any more changes nothing: what it might have
 * cost was counted. Pure.
 */
export function settled(
	book: Book,
	ticket: string,
	{ cost, given }: { readonly cost: number; readonly given?: Given },
	now: EpochMs,
): Book {
	const current = asOf(book, now, Infinity);
	const asked = current.open.find((one) => one.ticket === ticket);
	if (!asked) return book;
	const { about, party, at } = asked;
	const { name, spent } = current.month;
	const isSpent = cost > 0 && isOfMonth(name, at);
	return fitted({
		...current,
		open: current.open.filter((one) => one.ticket !== ticket),
		month: { name, spent: isSpent ? { ...spent, [party]: (spent[party] ?? 0) + cost } : spent },
		answers: given ? [...current.answers.filter((one) => one.about !== about), { about, at: now, given }] : current.answers,
	});
}

/** What is left for all together, of the month's money and the hour's questions. Pure. @returns undefined without limits */
export function left(
	book: Book | undefined,
	limits: Limits | undefined,
	now: EpochMs,
): { readonly money: number; readonly questions: number } | undefined {
	if (!limits) return undefined;
	const current = asOf(book ?? emptyBook, now);
	const of = ({ max, used }: Pool) => Math.max(0, max - sum(used.values()));
	return { money: of(moneyOf(current, limits, now)), questions: of(hourOf(current, limits, '', now)) };
}

function refusalOf(book: Book, { party, cost }: Question, limits: Limits, now: EpochMs): Permit | undefined {
	const hour = hourOf(book, limits, party, now);
	if (!fits(hour, party, 1)) {
		const isAllAsked = sum(hour.used.values()) >= hour.max;
		const reason = isAllAsked
			? `the ${hour.max === 1 ? 'one question of this hour is' : `${hour.max} questions of this hour are`} asked (aiAnalysis.maxAnalysisPerHour)`
			: `what is left of the ${hour.max} questions of this hour is for other nodes (aiAnalysis.maxAnalysisPerHour)`;
		return { is: 'refused', reason, until: roomAt(book, party, now) };
	}
	if (cost === 0) return undefined;
	const month = moneyOf(book, limits, now);
	if (fits(month, party, cost)) return undefined;
	const spent = sum(Object.values(book.month.spent));
	if (spent + cost > month.max)
		return {
			is: 'refused',
			reason: `what is left of the ${month.max} for this month is less than the question may cost (aiAnalysis.maxCostPerMonth)`,
			until: nextMonth(now),
		};
	const reason = `what is left of the ${month.max} for this month is reserved, or for other nodes as yet (aiAnalysis.maxCostPerMonth)`;
	return { is: 'refused', reason, until: Math.min(now + hourMs, nextMonth(now)) };
}

/** When one of the hour's questions comes free, or soon will. */
function roomAt({ recent }: Book, party: string, now: EpochMs): EpochMs {
	const times = recent.flatMap((one) => [one.at + hourMs, ...(one.party === party ? [one.at + hourMs - soonMs] : [])]);
	return Math.min(now + hourMs, ...times.filter((at) => at > now));
}

function hourOf({ recent, waiting }: Book, { maxPerHour, isAlone = false }: Limits, party: string, now: EpochMs): Pool {
	const max = Math.min(maxPerHour, mostRecent);
	const used = new Map<string, number>();
	for (const one of recent) used.set(one.party, (used.get(one.party) ?? 0) + 1);
	const comesFree = recent.filter((one) => one.party === party && one.at + hourMs - now <= soonMs).length;
	return { max, used, waiting: sinceOf(waiting.filter(({ at }) => now - at < hourMs)), isCounted: true, kept: 1, comesFree, isAlone };
}

function moneyOf({ month, open, waiting }: Book, { maxCostPerMonth: max, isAlone = false }: Limits, now: EpochMs): Pool {
	const used = new Map(Object.entries(month.spent));
	for (const { party, cost, at } of open) if (cost > 0 && isOfMonth(month.name, at)) used.set(party, (used.get(party) ?? 0) + cost);
	const begin = beginOf(month.name);
	const end = nextMonth(begin);
	const kept = Math.min(1, Math.max(0, (end - now) / (end - begin)));
	return { max, used, waiting: sinceOf(waiting), isCounted: false, kept, comesFree: 0, isAlone };
}

const sinceOf = (waiting: Book['waiting']) => new Map(waiting.map(({ party, since }) => [party, since]));
