import { expect, test } from 'vitest';
import { createBreaker } from '../../src/components/opinion/breaker.ts';

const later = { retry: 'later', words: 'busy' } as const;
const minuteMs = 60_000;

test('two failures are none to speak of, three in a row open it, each more for twice as long, up to half an hour', () => {
	const breaker = createBreaker();
	let now = 0;
	breaker.failed(later, now);
	breaker.failed(later, now);
	expect(breaker.state(now)).toEqual({ is: 'closed' });
	for (const minutes of [1, 2, 4, 8, 16, 30, 30]) {
		breaker.failed(later, now);
		expect(breaker.state(now)).toEqual({ is: 'open', until: now + minutes * minuteMs, reason: 'busy' });
		now += minutes * minuteMs;
		expect(breaker.state(now)).toEqual({ is: 'closed' });
	}
	breaker.answered();
	breaker.failed(later, now);
	expect(breaker.state(now)).toEqual({ is: 'closed' });
});

test('a service that says when it may be asked again is not asked before', () => {
	const breaker = createBreaker();
	breaker.failed({ ...later, retryAt: 3000 }, 0);
	expect(breaker.state(2999)).toEqual({ is: 'open', until: 3000, reason: 'busy' });
	expect(breaker.state(3000)).toEqual({ is: 'closed' });
});

test('what only a change can help stops it but for one question an hour, as the account may be what was changed', () => {
	const breaker = createBreaker();
	breaker.failed({ retry: 'when changed', words: 'wrong key' }, 0);
	expect(breaker.state(59 * minuteMs)).toEqual({ is: 'stopped', until: 60 * minuteMs, reason: 'wrong key' });
	expect(breaker.state(60 * minuteMs)).toEqual({ is: 'closed' });
	breaker.reset();
	expect(breaker.state(0)).toEqual({ is: 'closed' });
});

test('that one question is refused says nothing of others', () => {
	const breaker = createBreaker();
	for (let count = 0; count < 9; count++) breaker.failed({ retry: 'never', words: 'blocked' }, 0);
	expect(breaker.state(0)).toEqual({ is: 'closed' });
});
