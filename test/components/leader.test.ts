import { describe, expect, test } from 'vitest';
import { candidacy, usualTiming } from '../../src/components/leader/candidacy.ts';
import { heldBy, seenIn } from '../../src/components/leader/lease.ts';
import { slowTerm, type World, world } from '../support/candidates.ts';

const seconds = 1000;
const several = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Ten minutes in which everything happens that can. */
function history(seed: number, timing = usualTiming): World {
	const one = world(seed, { timing, isRough: true, mostDelayMs: 1.2 * seconds, clockSpread: 0.15 });
	for (let count = 0; count < 3; count++) one.start();
	for (let time = 0; time < 600 * seconds; time += one.between(1, 20) * seconds)
		one.at(time, () => {
			const alive = one.processes.filter(({ isAlive }) => isAlive);
			const leading = alive.find(({ name }) => name === one.leading()[0]);
			const any = one.random() < 0.5 && leading ? leading : alive[Math.floor(one.random() * alive.length)];
			if (!any || one.random() < 0.1) return void one.start();
			const kind = one.random();
			if (kind < 0.4) any.stoppedUntil = one.now() + one.between(1, 40) * seconds;
			else if (kind < 0.8) any.cutOffUntil = one.now() + one.between(1, 40) * seconds;
			else if (kind < 0.9) one.kill(any);
			else one.end(any);
		});
	for (const minute of several(9)) if (one.random() < 0.2) one.at((minute + 1) * 60 * seconds, () => one.forget());
	one.run(600 * seconds);
	return one;
}

describe('of several candidates', () => {
	test('at most one leads, whatever becomes of processes, network and clocks', () => {
		let changes = 0;
		for (const seed of several(300)) {
			const { leaders } = history(seed);
			expect(
				leaders.filter(({ names }) => names.length > 1),
				`seed ${seed}`,
			).toEqual([]);
			changes += leaders.length;
		}
		expect(changes).toBeGreaterThan(3000);
	});

	test('two would lead if a term were longer than the patience of the others: these histories show it', () => {
		const broken = several(30).filter((seed) => history(seed, slowTerm).leaders.some(({ names }) => names.length > 1));
		expect(broken.length).toBeGreaterThan(10);
	});

	test('one leads again once nothing is in its way any more', () => {
		for (const seed of several(100)) {
			const one = world(seed, { mostDelayMs: 100, clockSpread: 0.05 });
			const all = several(3).map(() => one.start());
			one.run(one.between(20, 60) * seconds);
			for (const process of all) {
				process.cutOffUntil = one.now() + one.between(0, 60) * seconds;
				process.stoppedUntil = one.now() + one.between(0, 60) * seconds;
			}
			one.run(one.now() + (60 + 40) * seconds);
			expect(one.leading(), `seed ${seed}`).toHaveLength(1);
		}
	});

	test('another leads less than 30 s after the leader was killed, and 11 s after it was ended', () => {
		for (const seed of several(300)) {
			const one = world(seed, { mostDelayMs: 500, clockSpread: 0.02 });
			for (const _ of several(4)) one.start();
			one.run(one.between(60, 80) * seconds);
			const leader = one.processes.find(({ name }) => name === one.leading()[0]) ?? expect.fail();
			const isKilled = seed % 2 === 0;
			if (isKilled) one.kill(leader);
			else one.end(leader);
			const from = one.now();
			one.run(from + 60 * seconds);
			const next = one.leaders.find(({ at, names }) => at > from && names.length === 1) ?? expect.fail();
			expect(next.at - from, `seed ${seed}`).toBeLessThan((isKilled ? 28 : 11.6) * seconds);
		}
	});

	test('the one that leads goes on leading while nothing happens, and is asked for little', () => {
		for (const seed of several(20)) {
			const one = world(seed);
			for (const _ of several(3)) one.start();
			one.run(3600 * seconds);
			expect(one.leaders.map(({ names }) => names.length)).toEqual([0, 1]);
			for (const process of one.processes) expect(process.request / 2).toBeLessThan(3600 / 2.9);
		}
	});
});

describe('a candidate', () => {
	const found = (version: string, holder: string, durationMs?: number) => ({ version, holder, durationMs });

	test('leads from the answer on, for as long after its request as a term is', () => {
		const me = candidacy('me');
		me.saw(found('1', ''), 100);
		expect(me.next(100)).toEqual({ is: 'write', version: '1' });
		me.wrote('2', 100);
		expect([me.isLeading(10_099), me.isLeading(10_100)]).toEqual([true, false]);
		expect(me.next(200)).toEqual({ is: 'wait', until: 3_100 });
		expect(me.next(3_100)).toEqual({ is: 'write', version: '2' });
	});

	test('goes on leading after a renewal of which it does not know whether it came through', () => {
		const me = candidacy('me', usualTiming, () => 0);
		me.saw(found('1', ''), 0);
		me.wrote('2', 0);
		me.failed(6_000);
		expect(me.next(6_000)).toEqual({ is: 'wait', until: 7_000 });
		expect(me.next(7_000)).toEqual({ is: 'look' });
		me.saw(found('3', 'me'), 7_500);
		expect(me.next(7_500)).toEqual({ is: 'write', version: '3' });
		me.wrote('4', 7_500);
		expect(me.isLeading(17_000)).toBe(true);
	});

	test('stops leading when it sees that another has the Lease', () => {
		const me = candidacy('me');
		me.saw(found('1', ''), 0);
		me.wrote('2', 0);
		me.beaten();
		me.saw(found('3', 'other'), 1_000);
		expect(me.isLeading(1_000)).toBe(false);
	});

	test('leaves a Lease alone for as long as its holder wants, within bounds', () => {
		for (const [durationMs, patienceMs] of [
			[undefined, 15_000],
			[1_000, 15_000],
			[40_000, 40_000],
			[1e9, 60_000],
		] as const) {
			const me = candidacy('me');
			me.saw(found('1', 'other', durationMs), 0);
			for (let now = 0; now < patienceMs; now += 1_000) {
				expect(me.next(now).is).not.toBe('write');
				if (me.next(now).is === 'look') me.saw(found('1', 'other', durationMs), now);
			}
			expect(me.next(patienceMs)).toEqual({ is: 'write', version: '1' });
		}
	});
});

test('a Lease keeps what others have written to it', () => {
	const time = new Date('2026-11-23T06:25:58.123Z');
	const made = heldBy('a', undefined, { namespace: 'n', name: 'l' }, 15_000, time);
	expect(made).toEqual({
		apiVersion: 'coordination.k8s.io/v1',
		kind: 'Lease',
		metadata: { namespace: 'n', name: 'l' },
		spec: {
			holderIdentity: 'a',
			leaseDurationSeconds: 15,
			acquireTime: '2026-11-23T06:25:58.123000Z',
			renewTime: '2026-11-23T06:25:58.123000Z',
			leaseTransitions: 0,
		},
	});
	const metadata = { name: 'l', uid: 'u', resourceVersion: '7', labels: { mine: 'yes' } };
	const stored = { metadata, spec: { holderIdentity: 'a', acquireTime: 'then', leaseTransitions: 4, strategy: 'x' } };
	expect(heldBy('a', stored, { namespace: 'n', name: 'l' }, 15_000, time)).toMatchObject({
		metadata,
		spec: { acquireTime: 'then', leaseTransitions: 4, strategy: 'x' },
	});
	expect(heldBy('b', stored, { namespace: 'n', name: 'l' }, 15_000, time)).toMatchObject({
		spec: { holderIdentity: 'b', leaseTransitions: 5 },
	});
	expect(seenIn(stored)).toEqual({ version: 'u/7', holder: 'a', durationMs: undefined });
});
