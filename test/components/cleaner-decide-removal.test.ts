import { describe, expect, test } from 'vitest';
import { type DecideOptions, type Decision, decide, type Sight } from '../../src/components/cleaner/decide.ts';
import { type Left, nextTryAfter, type RemovalSoFar } from '../../src/components/cleaner/decide-removal.ts';

const now = Date.parse('2026-11-23T07:00:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;
const graceMs = minute;
const options: DecideOptions = {
	delayMs: 5 * minute,
	keepMs: day,
	timeoutMs: 10 * minute,
	watchMs: 12 * minute,
	keepRemovedMs: 7 * day,
	graceMs,
};

const all: Left = { is: 'all' };
const half = { is: 'half', what: 'release search is uninstalling' } as const;
const ending: Left = { is: 'ending', what: 'pods are still there: p' };
const nothing: Left = { is: 'nothing' };
const another: Left = { is: 'another', what: 'Milvus search (uid v)' };
const each = [all, half, ending, nothing, another];

/** An instance that is still as bad as it was when its removal was begun. */
const seen = (left: Left | undefined, sight: Partial<Sight> = {}): Sight => ({
	...{ isOver: true, isCrashing: true, isGone: false, vetoes: [], isEnforced: true, waits: [] },
	...(left && { left }),
	...sight,
});
const begun = (phase: Decision['phase'], removal: Partial<RemovalSoFar> = {}, since = now - minute): Decision => ({
	...{ phase, dueAt: now - 5 * minute, since },
	removal: { beganAt: now - minute, attempts: 1, ...removal },
});
/** Somebody has written the phase, and nothing besides. */
const untold = (phase: Decision['phase'], since: number): Decision => ({ phase, dueAt: now - 5 * minute, since });
const next = (decision: Decision, sight: Sight) => decide(decision, sight, options, now);
const fails = (why: string) => ({ is: 'phase', phase: 'Failed', why: expect.stringContaining(why) });

describe('a removal that runs', () => {
	test('is left alone while whoever won it may still be about to act, and given back when nothing comes of it', () => {
		const justBegan = begun('Running', { beganAt: now - graceMs + 1 });
		for (const left of [all, undefined]) {
			expect(next(justBegan, seen(left))).toEqual({ is: 'nothing' });
			expect(next(begun('Running', { beganAt: now - graceMs }), seen(left))).toMatchObject({ is: 'phase', phase: 'Pending' });
		}
		expect(next(begun('Running', { beganAt: now - day, actedAt: now - graceMs + 1 }), seen(all))).toEqual({ is: 'nothing' });
		expect(next(begun('Running', { beganAt: now - day, actedAt: now - graceMs }), seen(all))).toMatchObject({ phase: 'Pending' });
		expect(next(untold('Running', now - graceMs), seen(all))).toMatchObject({ phase: 'Pending' });
	});

	test('is gone on with where Helm has begun, whoever it was, and whether it still crashes or not', () => {
		for (const sight of [{}, { isCrashing: false }, { isOver: false }, { isGone: true }, { waits: ['no room'] }])
			expect(next(begun('Running', { actedAt: now - graceMs }), seen(half, sight))).toMatchObject({ is: 'remove' });
		expect(next(begun('Running'), seen(half))).toMatchObject({ is: 'remove' });
		expect(next(begun('Running', { actedAt: now - graceMs + 1 }), seen(half))).toEqual({ is: 'nothing' });
	});

	test('is not begun again and again where each attempt is cut off half-way', () => {
		expect(next(begun('Running', { attempts: 4 }), seen(half))).toMatchObject({ is: 'remove' });
		expect(next(begun('Running', { attempts: 5 }), seen(half))).toEqual(fails(half.what));
	});

	test('stops half-way where somebody keeps it, or it is not enforced any more, and says how far it came', () => {
		expect(next(begun('Running'), seen(half, { vetoes: ['one', 'other'] }))).toEqual({ ...fails('half-way'), nextTryAt: now });
		expect(next(begun('Running'), seen(half, { vetoes: ['one', 'other'] }))).toMatchObject(fails('one; other'));
		expect(next(begun('Running'), seen(half, { isEnforced: false }))).toMatchObject({ ...fails('not enforced'), nextTryAt: now });
	});

	test('is waited for while it goes, and hangs when it takes longer than uninstalling may', () => {
		const acted = (ago: number) => begun('Running', { beganAt: now - day, actedAt: now - ago });
		expect(next(acted(options.timeoutMs - 1), seen(ending))).toEqual({ is: 'kept', why: `it is on its way out: ${ending.what}` });
		const hangs = next(acted(options.timeoutMs), seen(ending));
		expect(hangs).toEqual({ is: 'phase', phase: 'Failed', why: `it hangs: ${ending.what}` });
		expect(next(begun('Running', { beganAt: now - options.timeoutMs }), seen(ending))).toMatchObject(fails('hangs'));
		// What goes cannot be called back.
		expect(next(acted(1), seen(ending, { vetoes: ['one'], isEnforced: false }))).toMatchObject({ is: 'kept' });
	});

	test('is done when it has stayed away for so long as it takes to be brought back', () => {
		expect(next(begun('Running', { actedAt: now }), seen(nothing))).toEqual({ is: 'gone', why: 'it is gone' });
		expect(next(begun('Running', { goneAt: now - options.watchMs }), seen(nothing))).toMatchObject({ is: 'phase', phase: 'Done' });
		const watched = next(begun('Running', { goneAt: now - options.watchMs + 1000 }), seen(nothing));
		expect(watched).toMatchObject({ is: 'kept', why: expect.stringContaining('is watched until 2026-11-23T07:00:01.000Z') });
		expect(decide(begun('Running', { goneAt: now }), seen(nothing), { ...options, watchMs: 0 }, now)).toMatchObject({ phase: 'Done' });
		// It does not matter any more what it was like.
		expect(next(begun('Running'), seen(nothing, { vetoes: ['one'], isEnforced: false, isOver: false, isGone: true }))).toMatchObject({
			is: 'gone',
		});
	});

	test('has failed where what was removed came back, and is over where somebody else exchanged it before', () => {
		expect(next(begun('Running', { actedAt: now }), seen(another))).toEqual(fails(`came back: ${another.what}`));
		expect(next(begun('Running', { actedAt: now, goneAt: now }), seen(another))).toMatchObject(fails('came back'));
		expect(next(begun('Running'), seen(another))).toMatchObject({ is: 'phase', phase: 'Recovered', why: 'it is not there any more' });
	});
});

describe('a removal that failed', () => {
	const words = 'helm: timed out';
	const failed = (removal: Partial<RemovalSoFar> = {}, since?: number) => begun('Failed', { words, attempts: 2, ...removal }, since);

	test.for([half, all])('is tried again when its time has come, and says until when it waits: $is', (left) => {
		expect(next(failed({ nextTryAt: now }), seen(left))).toMatchObject({ is: 'remove' });
		const early = next(failed({ nextTryAt: now + 1000 }), seen(left));
		expect(early).toEqual({ is: 'kept', why: `${words}; it is tried again at 2026-11-23T07:00:01.000Z` });
		const held = next(failed({ nextTryAt: now }), seen(left, { waits: ['no room', 'too early'] }));
		expect(held).toEqual({ is: 'kept', why: `${words}; it is tried again, and waits: no room; too early` });
	});

	test.for([half, all])('is not tried again without end: $is', (left) => {
		const why = `${words}; it is not tried again after 5 attempts`;
		expect(next(failed({ attempts: 5 }), seen(left))).toEqual({ is: 'kept', why });
		expect(next(untold('Failed', now), seen(left))).toMatchObject({
			is: 'kept',
			why: 'it could not be removed; it is not tried again after 0 attempts',
		});
	});

	test('and left it half-way is not gone on with against somebody, and never told as if nothing had happened', () => {
		expect(next(failed({ nextTryAt: now }), seen(half, { vetoes: ['one', 'other'] }))).toMatchObject({
			is: 'kept',
			why: expect.stringContaining('one; other'),
		});
		expect(next(failed({ nextTryAt: now }), seen(half, { isEnforced: false }))).toMatchObject({
			is: 'kept',
			why: expect.stringContaining('not enforced'),
		});
		for (const sight of [{ isCrashing: false }, { isOver: false }, { isGone: true }])
			expect(next(failed({ nextTryAt: now }), seen(half, sight))).toMatchObject({ is: 'remove' });
	});

	test('and left it whole is decided about as if it were new', () => {
		for (const left of [all, undefined]) {
			expect(next(failed({ nextTryAt: now }), seen(left, { isCrashing: false }))).toMatchObject({
				phase: 'Recovered',
				why: 'it has not crashed any more',
			});
			expect(next(failed({ nextTryAt: now }), seen(left, { isOver: false }))).toMatchObject({ phase: 'Recovered' });
			expect(next(failed({ nextTryAt: now }), seen(left, { vetoes: ['one', 'other'] }))).toMatchObject({
				phase: 'Vetoed',
				why: 'one; other',
			});
			expect(next(failed({ nextTryAt: now }), seen(left, { isEnforced: false }))).toMatchObject({
				is: 'decided',
				dueAt: now + options.delayMs,
			});
		}
	});

	test('is still told as hanging while it goes, and done when it is gone after all', () => {
		expect(next(failed(), seen(ending))).toEqual({ is: 'kept', why: `it hangs: ${ending.what}` });
		expect(next(failed(), seen(nothing, { vetoes: ['one'], isEnforced: false }))).toEqual({ is: 'gone', why: 'it is gone' });
	});

	test('as it came back stays as it is, and is forgotten after so long as what was removed is told of', () => {
		expect(next(failed({}, now - options.keepRemovedMs + 1), seen(another))).toEqual({ is: 'nothing' });
		expect(next(failed({}, now - options.keepRemovedMs), seen(another))).toEqual({ is: 'forgotten' });
		for (const left of [all, half, ending, nothing]) expect(next(failed({}, 0), seen(left)), left.is).not.toEqual({ is: 'forgotten' });
	});

	test('is tried at most five times, with growing delay', () => {
		expect([1, 2, 3, 4, 5, 6].map((attempts) => nextTryAfter(attempts, now))).toEqual([
			...[1, 2, 4, 8].map((minutes) => now + minutes * minute),
			...[undefined, undefined],
		]);
	});
});

describe('a removal that is done', () => {
	test('stays so whatever there is, and is forgotten after so long as what was removed is told of', () => {
		for (const left of [...each, undefined])
			for (const sight of [{}, { vetoes: ['one'] }, { isEnforced: false }, { isCrashing: false }, { waits: ['no room'] }]) {
				expect(next(begun('Done', {}, now - options.keepRemovedMs + 1), seen(left, sight))).toEqual({ is: 'nothing' });
				expect(next(begun('Done', {}, now - options.keepRemovedMs), seen(left, sight))).toEqual({ is: 'forgotten' });
			}
	});
});
