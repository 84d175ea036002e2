import { JournalUnavailable } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { pause } from './pause.ts';

/** Does one thing with the journal; while its disk is full or fails, it waits and tries again. @returns undefined when it was told to stop before that */
export type Steadily = <T>(step: () => T) => Promise<T | undefined>;

const retryAfterMs = 2_000;

/** For all that use one journal: it is ready again when none of them waits any more. */
export function createSteadily(telemetry: Telemetry, signal: AbortSignal): Steadily {
	const waiting = new Set<object>();
	telemetry.componentReady('journal');
	return async (step) => {
		for (;;) {
			try {
				const result = step();
				if (waiting.delete(step) && waiting.size === 0) telemetry.componentReady('journal');
				return result;
			} catch (error) {
				waiting.delete(step);
				if (!(error instanceof JournalUnavailable)) throw error;
				if (signal.aborted) return undefined;
				waiting.add(step);
				telemetry.componentNotReady('journal', error.message);
				await pause(retryAfterMs, signal);
			}
		}
	};
}
