import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { SoakStore } from './stores.ts';

export type Observer = {
	/** What stood under each name whenever it was seen to be another: SHA-256 in hex. */
	readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
	/** How many files were read. */
	readonly count: () => number;
	/** Ends it, when what it is at is done. */
	stop(): Promise<void>;
};

/** Looks at a store while agents write there, a fifth of the time, and reads whatever stands there under a final name. */
export function observe(store: SoakStore): Observer {
	const seen = new Map<string, Set<string>>();
	const known = new Map<string, string>();
	let count = 0;
	let isOver = false;

	async function look(): Promise<void> {
		for (const [name, mark] of await store.list()) {
			if (known.get(name) === mark) continue;
			const bytes = await store.read(name);
			if (!bytes) continue;
			count++;
			known.set(name, mark);
			const sums = seen.get(name) ?? new Set();
			seen.set(name, sums.add(createHash('sha256').update(bytes).digest('hex')));
		}
	}

	async function run(): Promise<void> {
		while (!isOver) {
			const from = performance.now();
			await look();
			await delay(Math.max(20, 4 * (performance.now() - from)));
		}
	}
	const running = run();
	running.catch(() => {}); // who stops it hears of it
	return {
		seen,
		count: () => count,
		stop: async () => {
			isOver = true;
			await running;
		},
	};
}
