/** How long to wait before each try: doubles from the first to the longest, with up to a half less so that many do not come back at once. */
export function delays(firstMs: number, longestMs: number, random: () => number = Math.random) {
	let tries = 0;
	return {
		next: (): number => Math.min(longestMs, firstMs * 2 ** Math.min(tries++, 30)) * (1 - random() / 2),
		/** It went well: the next trouble is a new one. */
		reset(): void {
			tries = 0;
		},
	};
}
