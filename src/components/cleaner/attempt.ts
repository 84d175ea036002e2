import { defined } from '../../base/defined.ts';
import type { Removal } from '../../domain/cleanup-object/cleanup-object.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** What is said of one more attempt to remove an instance, when it begins. @param before undefined: it is the first */
export function nextAttempt(before: Removal | undefined, by: string, now: EpochMs): Removal {
	const { actedAt, attempts = 0 } = before ?? {};
	return { by, beganAt: timeOf(now), attempts: attempts + 1, ...defined({ actedAt }) };
}

/** The attempt under way. @param told undefined: of none, though it is in a phase that only a removal leads to */
export const attemptOf = (told: Removal | undefined, by: string, now: EpochMs): Removal => told ?? nextAttempt(undefined, by, now);

/** @param nextTryAt undefined: it is not tried again by itself */
export const failedAttempt = ({ nextTryAt: _, ...attempt }: Removal, words: string, nextTryAt: EpochMs | undefined): Removal => ({
	...attempt,
	words,
	...defined({ nextTryAt: nextTryAt === undefined ? undefined : timeOf(nextTryAt) }),
});

export const goneAttempt = (attempt: Removal, now: EpochMs): Removal => ({ ...attempt, goneAt: timeOf(now) });

const timeOf = (at: EpochMs) => new Date(at).toISOString();
