import { sum } from './book.ts';

/** Something of which there is so much within a time. */
export type Pool = {
	readonly max: number;
	/** By party: who has had something. */
	readonly used: ReadonlyMap<string, number>;
	/** Parties that were refused. */
	readonly waiting: ReadonlySet<string>;
	/** It goes in ones, not in fractions. */
	readonly isCounted: boolean;
	/** How much of what is left aside for others is so still: from 1 to 0. */
	readonly kept: number;
	/** What of the asker's own comes free soon. */
	readonly comesFree: number;
};

/** Whether a party may have so much more. Who has had nothing may have what there is. */
export function fits(pool: Pool, party: string, amount: number): boolean {
	const own = pool.used.get(party) ?? 0;
	const isThere = sum(pool.used.values()) + amount <= pool.max;
	return isThere && (own === 0 || own + amount <= mostFor(party, own, pool));
}

function mostFor(party: string, own: number, { max, used, waiting, isCounted, kept, comesFree }: Pool): number {
	const others = [...new Set([...used.keys(), ...waiting])].filter((one) => one !== party);
	const share = max / (others.length + 1);
	const keptFor = others.map((one) => {
		const had = used.get(one) ?? 0;
		const unused = Math.max(0, share - had) * kept;
		if (!isCounted) return unused;
		// Where there are more parties than questions, no share is a whole one: who waits and has had less goes first.
		return Math.max(Math.floor(unused), waiting.has(one) && had < own ? 1 : 0);
	});
	const rest = max - sum(others.map((one) => used.get(one) ?? 0));
	const fifth = (rest / 5) * kept;
	const forLate = Math.max(0, (isCounted ? Math.round(fifth) : fifth) - comesFree);
	return rest - Math.max(sum(keptFor), forLate);
}
