import { describe, expect, test } from 'vitest';
import { watching } from '../../src/components/cleaner/watch.ts';
import type { Phase } from '../../src/domain/cleanup-object/cleanup-object.ts';
import { storedCleanup } from '../support/stored-cleanup.ts';

const minute = 60_000;
const decision = (phase: Phase = 'Pending', { dueAt = 1, uid = 'u' } = {}) => storedCleanup({ phase, dueAt, since: 0 }, uid);

/** A controller that looks at each minute, at what is there then. */
function looking() {
	let now = 1e6;
	const watched = watching(5 * minute, () => now);
	return {
		...watched,
		look(...decisions: ReturnType<typeof decision>[]): void {
			now += minute;
			watched.saw(decisions);
		},
	};
}

describe('what a controller has seen itself', () => {
	test('is nothing removed for until it was seen for the whole delay, whatever the object says', () => {
		const { look, waitsFor } = looking();
		look(decision());
		expect(waitsFor(decision())).toBe('this controller has seen the decision for 0 ms of 5 min');
		for (let minutes = 1; minutes <= 4; minutes++) look(decision());
		expect(waitsFor(decision())).toBe('this controller has seen the decision for 4 min of 5 min');
		look(decision());
		expect(waitsFor(decision())).toBeUndefined();
	});

	test('is not what it has never seen', () => {
		const { look, waitsFor } = looking();
		for (let minutes = 0; minutes <= 9; minutes++) look(decision('Pending', { uid: 'another' }));
		expect(waitsFor(decision())).toContain('for 0 ms of 5 min');
		expect(waitsFor(decision('Pending', { uid: 'another' }))).toBeUndefined();
	});

	test('goes on while its removal is begun, and is tried again', () => {
		const { look, waitsFor } = looking();
		for (const phase of ['Pending', 'Running', 'Failed', 'Running', 'Pending', 'Failed'] as const) look(decision(phase));
		expect(waitsFor(decision())).toBeUndefined();
	});

	test.for(['Vetoed', 'DryRun', 'Recovered', 'Done'] as const)('begins anew after it was %s', (phase) => {
		const { look, waitsFor } = looking();
		for (let minutes = 0; minutes <= 5; minutes++) look(decision());
		look(decision(phase));
		expect(waitsFor(decision())).toContain('for 0 ms of 5 min');
		look(decision());
		expect(waitsFor(decision())).toContain('for 0 ms of 5 min');
	});

	test('begins anew where it was decided anew between two looks, or was not there at one', () => {
		const { look, waitsFor } = looking();
		for (let minutes = 0; minutes <= 5; minutes++) look(decision());
		look(decision('Pending', { dueAt: 2 }));
		expect(waitsFor(decision('Pending', { dueAt: 2 }))).toContain('for 0 ms of 5 min');
		for (let minutes = 1; minutes <= 5; minutes++) look(decision('Pending', { dueAt: 2 }));
		expect(waitsFor(decision('Pending', { dueAt: 2 }))).toBeUndefined();
		look();
		look(decision('Pending', { dueAt: 2 }));
		expect(waitsFor(decision('Pending', { dueAt: 2 }))).toContain('for 0 ms of 5 min');
	});
});
