import { describe, expect, test } from 'vitest';
import { type DecideOptions, type Decision, decide, type Sight } from '../../src/components/cleaner/decide.ts';
import type { Phase } from '../../src/domain/cleanup-object/cleanup-object.ts';

const now = Date.parse('2026-11-23T07:00:00Z');
const minute = 60_000;
const week = 7 * 24 * 60 * minute;
const options: DecideOptions = {
	delayMs: 5 * minute,
	keepMs: week,
	timeoutMs: 10 * minute,
	watchMs: 12 * minute,
	keepRemovedMs: 4 * week,
	graceMs: minute,
};
const bad: Sight = { isOver: true, isCrashing: true, isGone: false, vetoes: [], isEnforced: false, waits: [] };
const kept: Sight = { ...bad, vetoes: ['one', 'other'] };
const well: Sight = { ...bad, isCrashing: false };
const rare: Sight = { ...bad, isOver: false };
const enforced: Sight = { ...bad, isEnforced: true };
const held: Sight = { ...enforced, waits: ['one', 'other'] };

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

	test('is carried out where it is enforced, and only there', () => {
		const due = inPhase('Pending', 0);
		expect(next(due, enforced)).toMatchObject({ is: 'remove' });
		expect(next(due, { ...enforced, isEnforced: false })).toMatchObject(turnsTo('DryRun'));
		expect(next(inPhase('Pending'), enforced)).toMatchObject({ is: 'kept' });
		expect(next(due, { ...enforced, vetoes: ['one'] })).toMatchObject(turnsTo('Vetoed', 'one'));
		for (const sight of [well, rare]) expect(next(due, { ...sight, isEnforced: true })).toMatchObject(turnsTo('Recovered'));
		for (const phase of ['Vetoed', 'DryRun', 'Recovered'] as const)
			expect(next(inPhase(phase, -9), enforced), phase).toMatchObject({ is: 'decided', dueAt: now + 5 * minute });
		expect(next(undefined, enforced)).toMatchObject({ is: 'decided' });
	});

	test('waits for what has to be waited for, and says so, and is given up meanwhile like any other', () => {
		const due = inPhase('Pending', 0);
		expect(next(due, held)).toMatchObject({ is: 'kept', why: 'it is due, and waits: one; other' });
		expect(next(due, { ...held, isEnforced: false })).toMatchObject(turnsTo('DryRun'));
		expect(next(due, { ...held, vetoes: ['three'] })).toMatchObject(turnsTo('Vetoed', 'three'));
		expect(next(due, { ...held, isCrashing: false })).toMatchObject(turnsTo('Recovered'));
	});

	test('is not carried out where somebody else was quicker: the next look tells what speaks against it then', () => {
		const due = inPhase('Pending', 0);
		for (const is of ['half', 'ending', 'another'] as const) {
			const sight = { ...enforced, left: { is, what: 'that' } };
			expect(next(due, sight)).toMatchObject({ is: 'kept', why: 'somebody else has begun to remove it' });
			expect(next(due, { ...sight, isCrashing: false, isGone: true })).toMatchObject(turnsTo('Recovered', 'it is not there any more'));
		}
		expect(next(due, { ...enforced, left: { is: 'nothing' } })).toMatchObject({ is: 'kept' });
		expect(next(due, { ...enforced, left: { is: 'all' } })).toMatchObject({ is: 'remove' });
	});

	test('begins anew where it comes to be enforced: until then nobody had to fear for it', () => {
		expect(next(inPhase('DryRun', -9), enforced)).toMatchObject({ is: 'decided', dueAt: now + 5 * minute });
		expect(next(inPhase('DryRun', -9), held)).toMatchObject({ is: 'decided' });
		expect(next(inPhase('DryRun', -9), { ...enforced, vetoes: ['one'] })).toMatchObject(turnsTo('Vetoed', 'one'));
		for (const sight of [well, rare])
			expect(next(inPhase('DryRun', -9), { ...sight, isEnforced: true })).toMatchObject(turnsTo('Recovered'));
	});
});
