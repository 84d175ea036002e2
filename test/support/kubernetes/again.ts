import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from './api.ts';

/**
 * Does something, waits, and does it again, until it is stopped. What the API does not answer, or refuses because things have changed, and what a
 * program does not achieve, is tried again.
 *
 * @returns what stops it, when it has ended; it throws what went wrong otherwise
 */
export function again(look: () => Promise<void>, everyMs: number): { stop(): Promise<void> } {
	const stopping = new AbortController();
	async function run(): Promise<void> {
		while (!stopping.signal.aborted) {
			await look().catch((error) => {
				if (!mayPass(error)) throw error;
			});
			await delay(everyMs, undefined, { signal: stopping.signal }).catch(() => {}); // stopped
		}
	}
	const running = run();
	running.catch(() => {}); // told by whoever stops it
	return {
		stop() {
			stopping.abort();
			return running;
		},
	};
}

/** A namespace that is about to go forbids that anything is made in it. Connections and programs that fail have a code, as have Node's own mistakes. */
function mayPass(error: unknown): boolean {
	if (error instanceof ApiError) return [403, 404, 409, 429].includes(error.status) || error.status >= 500;
	const { code = 'ERR_' } = error as { readonly code?: string | number };
	return !String(code).startsWith('ERR_');
}
