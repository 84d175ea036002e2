import type { BreakerState, Failed } from '../../domain/model-provider.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** Spares a service that does not answer, and an account that is not accepted. */
export type Breaker = {
	/** After the time of one that is not closed, one question tries for all. */
	state(now: EpochMs): BreakerState;
	answered(): void;
	failed(why: Pick<Failed, 'retry' | 'retryAt' | 'words'>, now: EpochMs): void;
	/** What it stopped for was changed. */
	reset(): void;
};

/** So many failures one after the other open it. */
const mostFailures = 3;
const firstPauseMs = 60_000;
const longestPauseMs = 30 * 60_000;
const stopMs = 3600_000;

export function createBreaker(): Breaker {
	let failures = 0;
	let now: BreakerState = { is: 'closed' };

	function reset() {
		failures = 0;
		now = { is: 'closed' };
	}

	return {
		state: (at) => (now.is !== 'closed' && now.until <= at ? { is: 'closed' } : now),
		answered: reset,
		reset,
		failed({ retry, retryAt, words }, at) {
			switch (retry) {
				case 'when changed':
					now = { is: 'stopped', until: at + stopMs, reason: words };
					return;
				case 'never':
				case 'shorter':
					return reset(); // it answered: that it does not take this question says nothing of others
				case 'later': {
					failures++;
					const pauseMs = failures < mostFailures ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - mostFailures));
					const until = Math.max(retryAt ?? 0, pauseMs === 0 ? 0 : at + pauseMs);
					if (until > at) now = { is: 'open', until, reason: words };
					return;
				}
				default:
					return retry satisfies never;
			}
		},
	};
}
