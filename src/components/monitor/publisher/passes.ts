import { setTimeout as delay } from 'node:timers/promises';
import type { Outbox } from '../../../domain/outbox.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { isKubernetesError, KubernetesUnavailable } from '../../../drivers/kubernetes/kubernetes.ts';

/** Does what there is to do. @returns when there will be more to do by itself */
export type Pass = () => Promise<EpochMs>;

/** In a crash storm each second brings many changes, which one pass takes up together. */
const gatherMs = 200;
const firstDelayMs = 1_000;
const longestDelayMs = 2 * 60_000;

/** Node's timers count no further. */
const longestTimerMs = 2 ** 31 - 1;

/** Waits so long, or until the signal. */
export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
	delay(Math.min(Math.max(0, milliseconds), longestTimerMs), undefined, { signal }).catch(() => {}); // aborted: whoever waits looks at the signal

/** A pass now, one after each change, and one whenever the last has said, until that time or the signal. */
export async function passes(outbox: Outbox, pass: Pass, until: EpochMs, signal: AbortSignal, now: () => EpochMs): Promise<void> {
	while (!signal.aborted && now() < until) {
		const over = new AbortController();
		const either = AbortSignal.any([signal, over.signal]);
		const changed = outbox.changed(until, either); // from here on, lest a change during the pass is missed
		try {
			const next = await pass();
			await Promise.race([changed, pause(Math.min(next, until) - now(), either)]);
		} finally {
			over.abort();
		}
		await pause(gatherMs, signal);
	}
}

/** Tells of the trouble of a piece of work; undefined: there is none. */
export type Tell = (problem: string | undefined) => void;

/** How long to wait before each further try, when the cluster is at fault. */
export function growingDelay(random: () => number = Math.random) {
	let tries = 0;
	return {
		next: (error: unknown): number => {
			const asked = error instanceof KubernetesUnavailable ? (error.retryAfterMs ?? 0) : 0;
			return Math.max(asked, Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(tries++, 20)) * (1 - random() / 2));
		},
		reset(): void {
			tries = 0;
		},
	};
}

export type GrowingDelay = ReturnType<typeof growingDelay>;

/** Work that is begun anew, later and later, as long as the cluster is at fault. It says itself when it went well. */
export async function untilSignal(
	work: (delayed: GrowingDelay) => Promise<void>,
	tell: (error: Error) => void,
	signal: AbortSignal,
): Promise<void> {
	const delayed = growingDelay();
	while (!signal.aborted) {
		try {
			await work(delayed);
		} catch (error) {
			if (signal.aborted) return;
			if (!isKubernetesError(error)) throw error;
			tell(error);
			await pause(delayed.next(error), signal);
		}
	}
}
