import { sum } from './book.ts';

/** Something of which there is so much within a time. */
export type Pool = {
	readonly max: number;
	/** By party: who has had something. */
	readonly used: ReadonlyMap<string, number>;
	/** Parties that were refused, and since when. */
	readonly waiting: ReadonlyMap<string, number>;
	/** It goes in ones, not in fractions. */
	readonly isCounted: boolean;
	/** How much of what is left aside for others is so still: from 1 to 0. */
	readonly kept: number;
	/** What of the asker's own comes free soon. */
	readonly comesFree: number;
	/** There is nobody else, and nobody comes late. */
	readonly isAlone: boolean;
};

/** Whether a party may have so much more. Who has had nothing may have what there is. */
export function fits(pool: Pool, party: string, amount: number): boolean {
	const own = pool.used.get(party) ?? 0;
	const free = pool.max - sum(pool.used.values());
	if (amount > free) return false;
	if (pool.isAlone) return true;
	if (own > 0) return own + amount <= mostFor(party, pool);
	const goFirst = pool.isCounted ? [...pool.waiting.keys()].filter((one) => goesFirst(one, party, pool)).length : 0;
	return amount <= free - goFirst;
}

function mostFor(party: string, pool: Pool): number {
	const { max, used, waiting, isCounted, kept, comesFree } = pool;
	const others = [...new Set([...used.keys(), ...waiting.keys()])].filter((one) => one !== party);
	const share = level(
		max,
		[party, ...others].map((one) => used.get(one) ?? 0),
	);
	const keptFor = others.map((one) => {
		const unused = Math.max(0, share - (used.get(one) ?? 0)) * kept;
		return isCounted ? Math.max(Math.floor(unused), goesFirst(one, party, pool) ? 1 : 0) : unused;
	});
	const rest = max - sum(others.map((one) => used.get(one) ?? 0));
	const fifth = (rest / 5) * kept;
	const forLate = Math.max(0, (isCounted ? Math.round(fifth) : fifth) - comesFree);
	return rest - Math.max(sum(keptFor), forLate);
}

/** The share of each, max–min: whoever has had more of what there is than an equal share keeps that, and what is left is for the others. */
function level(max: number, had: readonly number[]): number {
	const equal = max / had.length;
	const within = had.filter((one) => one <= equal);
	return within.length === had.length || within.length === 0 ? equal : level(max - sum(had.filter((one) => one > equal)), within);
}

/** Where there are more parties than questions, no share is a whole one: then it is for who has had least, and of these for who waits longest. */
function goesFirst(one: string, other: string, { used, waiting }: Pool): boolean {
	const since = waiting.get(one);
	if (one === other || since === undefined) return false;
	const [had, otherHad] = [used.get(one) ?? 0, used.get(other) ?? 0];
	return had < otherHad || (had === otherHad && since < (waiting.get(other) ?? Infinity));
}
