/**
 * What somebody must look at. It is looked at as it is then, so that what is added ten times meanwhile is looked at once; and by one at a time:
 * what is added while somebody has it in hand is handed out again after that.
 */
export function workList() {
	const waiting = new Set<string>();
	const inHand = new Set<string>();
	let changed = Promise.withResolvers<void>();

	function tell(): void {
		changed.resolve();
		changed = Promise.withResolvers();
	}

	function take(): string | undefined {
		for (const key of waiting) {
			if (inHand.has(key)) continue;
			waiting.delete(key);
			inHand.add(key);
			return key;
		}
		return undefined;
	}

	return {
		add(key: string): void {
			waiting.add(key);
			tell();
		},
		/** Works on what there is until the signal; several may do so beside each other. Rejects with what the work throws. */
		async work(look: (key: string) => Promise<void>, signal: AbortSignal): Promise<void> {
			signal.addEventListener('abort', tell);
			while (!signal.aborted) {
				const key = take();
				if (key === undefined) {
					await changed.promise;
					continue;
				}
				await look(key);
				inHand.delete(key);
				tell();
			}
			signal.removeEventListener('abort', tell);
		},
	};
}
