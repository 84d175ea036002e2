/** What writes to the API server: the first come before the others. */
const priorities = ['reports', 'events'] as const;
export type Priority = (typeof priorities)[number];

/** So many writes at once, and then so many each second. */
export function tokenBucket({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }, now = () => performance.now()) {
	let tokens = burst;
	let filledAt = now();
	let timer: NodeJS.Timeout | undefined;
	const waiting = { reports: new Set<() => void>(), events: new Set<() => void>() } as const satisfies Record<Priority, Set<() => void>>;

	function serve(): void {
		tokens = Math.min(burst, tokens + ((now() - filledAt) / 1000) * perSecond);
		filledAt = now();
		for (const name of priorities) {
			for (const go of waiting[name]) {
				if (tokens < 1) break;
				tokens -= 1;
				waiting[name].delete(go);
				go();
			}
		}
		clearTimeout(timer);
		if (priorities.some((name) => waiting[name].size > 0)) timer = setTimeout(serve, Math.ceil(((1 - tokens) / perSecond) * 1000));
	}

	return {
		/** Resolves when one more write may be made; rejects with the signal's reason. */
		async take(name: Priority, signal: AbortSignal): Promise<void> {
			signal.throwIfAborted();
			const { promise, resolve, reject } = Promise.withResolvers<void>();
			const abort = () => {
				waiting[name].delete(resolve);
				reject(signal.reason);
			};
			signal.addEventListener('abort', abort);
			waiting[name].add(resolve);
			serve();
			try {
				await promise;
			} finally {
				signal.removeEventListener('abort', abort);
			}
		},
	};
}
