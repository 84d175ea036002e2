import { describe, expect, test } from 'vitest';
import { overBudget } from '../../src/components/cleaner/budget.ts';
import type { Phase } from '../../src/domain/cleanup-object/cleanup-object.ts';
import { storedCleanup } from '../support/stored-cleanup.ts';

const now = Date.parse('2026-11-23T07:00:00Z');
const minute = 60_000;

const begun = (uid: string, minutesAgo: number, phase: Phase = 'Done') =>
	storedCleanup({ phase, dueAt: 0, since: 0, removal: { beganAt: now - minutesAgo * minute, attempts: 1 } }, uid);
const notBegun = (uid: string) => storedCleanup({ phase: 'Pending', dueAt: 0, since: 0 }, uid);

describe('within an hour', () => {
	test('no more are removed than are allowed, and the reason names the setting', () => {
		expect(overBudget([notBegun('me')], { uid: 'me' }, 1, now)).toBeUndefined();
		expect(overBudget([notBegun('me'), notBegun('b')], { uid: 'me' }, 1, now)).toBeUndefined();
		expect(overBudget([notBegun('me'), begun('b', 59)], { uid: 'me' }, 1, now)).toBe(
			'1 removals within the last hour, of at most 1 (cleaner.maxCleanupsPerHour)',
		);
		expect(overBudget([begun('b', 59)], { uid: 'me' }, 2, now)).toBeUndefined();
		expect(overBudget([begun('b', 59), begun('c', 0)], { uid: 'me' }, 2, now)).toContain('2 removals');
	});

	test('what began longer ago counts no more', () => {
		expect(overBudget([begun('b', 60)], { uid: 'me' }, 1, now)).toBeUndefined();
	});

	test.for(['Running', 'Failed', 'Done'] as const)('one that is %s counts: it was begun', (phase) => {
		expect(overBudget([begun('b', 1, phase)], { uid: 'me' }, 1, now)).toBeDefined();
	});

	test('its own removal does not hold one up', () => {
		expect(overBudget([begun('me', 1, 'Failed')], { uid: 'me' }, 1, now)).toBeUndefined();
	});

	test('of two that have announced theirs none finds room before the other', () => {
		const both = [begun('a', 0, 'Running'), begun('b', 0, 'Running')];
		for (const uid of ['a', 'b']) expect(overBudget(both, { uid }, 1, now)).toBeDefined();
	});

	test('where none is allowed, none is removed', () => {
		expect(overBudget([notBegun('me')], { uid: 'me' }, 0, now)).toBeDefined();
	});
});
