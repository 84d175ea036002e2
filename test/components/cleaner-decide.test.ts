import { describe, expect, test } from 'vitest';
import { type DecideOptions, type Decision, decide, type Sight } from '../../src/components/cleaner/decide.ts';
import type { Phase } from '../../src/domain/cleanup-object/cleanup-object.ts';
import { history, type Look, rules } from '../support/cleanup-history.ts';

const now = Date.parse('2026-11-23T07:00:00Z');
const minute = 60_000;
const options: DecideOptions = { delayMs: 5 * minute, keepMs: 7 * 24 * 60 * minute };
const bad: Sight = { isOver: true, isCrashing: true, isGone: false, vetoes: [] };
const kept: Sight = { ...bad, vetoes: ['one', 'other'] };
const well: Sight = { ...bad, isCrashing: false };
const rare: Sight = { ...bad, isOver: false };

const inPhase = (phase: Phase, due = 1): Decision => ({ phase, dueAt: now + due * minute, since: now - minute });
const next = (decision: Decision | undefined, sight: Sight) => decide(decision, sight, options, now);
const turnsTo = (phase: Phase, why?: string) => ({ is: 'phase', phase, ...(why !== undefined && { why }) });

describe('what is decided about an instance', () => {
	test('begins when it crashes too often and still does, and gives it time', () => {
		expect(next(undefined, bad)).toMatchObject({ is: 'decided', dueAt: now + 5 * minute });
		expect(next(undefined, kept)).toMatchObject({ is: 'decided' });
		for (const sight of [well, rare, { ...bad, isGone: true }]) expect(next(undefined, sight)).toEqual({ is: 'nothing' });
		expect(next(inPhase('Recovered'), bad)).toMatchObject({ is: 'decided', dueAt: now + 5 * minute });
	});

	test('waits until it is due, whatever happens meanwhile, but for a veto', () => {
		for (const sight of [bad, well, rare]) expect(next(inPhase('Pending'), sight)).toMatchObject({ is: 'kept' });
		expect(next(inPhase('Pending'), kept)).toMatchObject(turnsTo('Vetoed', 'one; other'));
		expect(next(inPhase('Pending'), { ...rare, isGone: true })).toMatchObject(turnsTo('Recovered', 'it is not there any more'));
	});

	test('is made when it is due, of how it is at that moment', () => {
		const due = inPhase('Pending', 0);
		expect(next(due, bad)).toMatchObject(turnsTo('DryRun'));
		expect(next(due, kept)).toMatchObject(turnsTo('Vetoed', 'one; other'));
		expect(next(due, well)).toMatchObject(turnsTo('Recovered', 'it has not crashed any more'));
		expect(next(due, rare)).toMatchObject(turnsTo('Recovered', 'it crashes no oftener than is allowed'));
	});

	test('is no longer so when it is no longer true', () => {
		expect(next(inPhase('DryRun', -9), bad)).toMatchObject({ is: 'kept' });
		expect(next(inPhase('DryRun', -9), kept)).toMatchObject(turnsTo('Vetoed'));
		for (const sight of [well, rare]) {
			expect(next(inPhase('DryRun', -9), sight)).toMatchObject(turnsTo('Recovered'));
			expect(next(inPhase('Vetoed', -9), { ...sight, vetoes: ['one'] })).toMatchObject(turnsTo('Recovered'));
		}
	});

	test('begins anew when nothing speaks against it any more', () => {
		expect(next(inPhase('Vetoed', -9), kept)).toMatchObject({ is: 'kept', why: 'one; other' });
		expect(next(inPhase('Vetoed', -9), bad)).toMatchObject({ is: 'decided', dueAt: now + 5 * minute });
	});

	test('is forgotten a while after it is settled, and not before', () => {
		const since = (ago: number): Decision => ({ ...inPhase('Recovered'), since: now - ago });
		expect(next(since(options.keepMs - 1), well)).toEqual({ is: 'nothing' });
		expect(next(since(options.keepMs), well)).toEqual({ is: 'forgotten' });
		expect(next(since(options.keepMs), { ...bad, isGone: true })).toEqual({ is: 'forgotten' });
		for (const phase of ['Pending', 'Vetoed', 'DryRun'] as const)
			expect(next({ phase, dueAt: 0, since: 0 }, kept)).not.toEqual({ is: 'forgotten' });
	});
});

describe('in a thousand histories of crashes, recoveries, vetoes and leaders', () => {
	const seeds = Array.from({ length: 1000 }, (_, seed) => seed);

	test('what would be removed meets all conditions at that moment, and what has met them for the delay would be', () => {
		const seen = new Map<string, number>();
		for (const seed of seeds) {
			const looks = history(seed);
			expect([...faults(looks)], `seed ${seed}`).toEqual([]);
			for (const { before, after } of looks)
				if (before?.phase !== after?.phase) {
					const turn = `${before?.phase ?? 'none'} → ${after?.phase ?? 'none'}`;
					seen.set(turn, (seen.get(turn) ?? 0) + 1);
				}
		}
		// All that can happen did, and often.
		const turns = [
			'none → Pending',
			'Pending → Vetoed',
			'Pending → DryRun',
			'Pending → Recovered',
			'Vetoed → Pending',
			'Vetoed → Recovered',
		];
		const more = ['DryRun → Vetoed', 'DryRun → Recovered', 'Recovered → Pending', 'Recovered → none'];
		expect([...seen.keys()].toSorted()).toEqual([...turns, ...more].toSorted());
		expect(Math.min(...seen.values())).toBeGreaterThan(20);
	});

	test('one that forgets a condition is found out', () => {
		const careless: Readonly<Record<string, typeof decide>> = {
			'the delay': (decision, sight, { keepMs }, at) => decide(decision, sight, { delayMs: 0, keepMs }, at),
			vetoes: (decision, sight, given, at) => decide(decision, { ...sight, vetoes: [] }, given, at),
			recovery: (decision, sight, given, at) => decide(decision, { ...sight, isCrashing: true }, given, at),
			'the count': (decision, sight, given, at) => decide(decision, { ...sight, isOver: true }, given, at),
			'that it is due': (decision, sight, given, at) => decide(decision && { ...decision, dueAt: Infinity }, sight, given, at),
		};
		for (const [what, take] of Object.entries(careless)) {
			const found = seeds.slice(0, 100).filter((seed) => [...faults(history(seed, take))].length > 0);
			expect(found.length, what).toBeGreaterThan(3);
		}
	});
});

/** Where a history is not as the rule has it. */
function* faults(looks: readonly Look[]): Generator<string> {
	/** Since when it has been decided in this turn, and since when every look has met the conditions. */
	let decidedAt = Infinity;
	let metSince: number | undefined;
	for (const { at, isBad, hasVeto, before, after } of looks) {
		const meets = isBad && !hasVeto;
		if (after?.phase === 'Pending' && before?.phase !== 'Pending') decidedAt = at;
		if (after?.phase === 'DryRun' && !meets) yield `${at}: DryRun, and not all conditions hold`;
		if (after?.phase === 'DryRun' && at < decidedAt + rules.delayMs) yield `${at}: DryRun before it had its time`;
		metSince = meets ? (metSince ?? at) : undefined;
		if (metSince !== undefined && at >= metSince + rules.delayMs && after?.phase !== 'DryRun')
			yield `${at}: ${after?.phase}, though it has met the conditions since ${metSince}`;
	}
}
