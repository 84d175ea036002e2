/** The same numbers for the same seed, so that a run can be repeated: mulberry32. */
export function seeded(seed: number) {
	let state = seed >>> 0;
	function next(): number {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}
	/** A whole number. */
	const between = (least: number, most: number) => Math.floor(least + next() * (most - least));
	return {
		between,
		isTrue: (probability: number) => next() < probability,
		one: <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T,
		/** Until something comes that comes so seldom on average. */
		gap: (mean: number) => Math.floor(-Math.log(1 - next()) * mean),
	};
}

export type Random = ReturnType<typeof seeded>;
