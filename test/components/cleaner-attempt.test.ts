import { expect, test } from 'vitest';
import { attemptOf, failedAttempt, goneAttempt, nextAttempt } from '../../src/components/cleaner/attempt.ts';
import type { Removal } from '../../src/domain/cleanup-object/cleanup-object.ts';

const now = Date.parse('2026-11-23T07:30:00.000Z');
const [atNow, before, later] = ['2026-11-23T07:30:00.000Z', '2026-11-23T07:00:00.000Z', '2026-11-23T08:00:00.000Z'];
const failed: Removal = { by: 'first', beganAt: before, attempts: 2, actedAt: before, words: 'refused', nextTryAt: before };

test('a further attempt is of whoever begins it, and keeps of those before how many there were and when the instance was touched', () => {
	expect(nextAttempt(failed, 'second', now)).toEqual({ by: 'second', beganAt: atNow, attempts: 3, actedAt: before });
	expect(nextAttempt(undefined, 'second', now)).toEqual({ by: 'second', beganAt: atNow, attempts: 1 });
});

test('an attempt stays that of whoever began it; where none is told of, it is the first', () => {
	expect(attemptOf(failed, 'second', now)).toEqual(failed);
	expect(attemptOf(undefined, 'second', now)).toEqual({ by: 'second', beganAt: atNow, attempts: 1 });
});

test('a failure says why, and when it is tried again; what was said of the one before is not said any more', () => {
	expect(failedAttempt(failed, 'another reason', Date.parse(later))).toEqual({ ...failed, words: 'another reason', nextTryAt: later });
	const { nextTryAt: _, ...rest } = failed;
	expect(failedAttempt(failed, 'for good', undefined)).toEqual({ ...rest, words: 'for good' });
});

test('that it has gone is told beside what was told', () => {
	expect(goneAttempt(failed, now)).toEqual({ ...failed, goneAt: atNow });
});
