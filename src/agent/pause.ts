import { setTimeout as delay } from 'node:timers/promises';

/** Waits so long, or until the signal. */
export const pause = (milliseconds: number, signal: AbortSignal) => delay(milliseconds, undefined, { signal }).catch(() => {}); // aborted: the caller looks
