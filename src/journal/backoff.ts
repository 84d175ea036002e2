const first = 1_000;

/** The longest delay before another try: no work is ever due further ahead. */
export const longestDelayMs = 5 * 60_000;

/** Delay before the next try: doubles from one second to five minutes, with up to a fifth less so that many do not come back at once. */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
	return Math.round(Math.min(longestDelayMs, first * 2 ** (attempts - 1)) * (1 - random() / 5));
}
