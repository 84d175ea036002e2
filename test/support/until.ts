import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again until it is so; also where there is no test around it.
 *
 * @throws with what was seen last, when it takes too long
 */
export async function until<T>(what: string, look: () => T | Promise<T>, isSo: (seen: T) => boolean, limitMs = 60_000): Promise<T> {
	const end = performance.now() + limitMs;
	for (;;) {
		const seen = await look();
		if (isSo(seen)) return seen;
		if (performance.now() > end) throw new Error(`${what}: still ${JSON.stringify(seen)} after ${limitMs / 1000} s`);
		await delay(50);
	}
}
