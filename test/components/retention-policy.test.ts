import { describe, expect, test } from 'vitest';
import { dispensable, type HeldCore, isTooMuch, type Limits, tooOld } from '../../src/components/storage/retention-policy.ts';
import type { KeptCore } from '../../src/domain/history.ts';

const now = Date.parse('2026-11-23T06:30:00Z');
const day = 24 * 3600_000;
const unlimited: Limits = {
	keepMs: Number.POSITIVE_INFINITY,
	maxBytes: Number.POSITIVE_INFINITY,
	maxInstanceBytes: Number.POSITIVE_INFINITY,
	missingBytes: 0,
};

type Core = KeptCore & HeldCore;
const core = (id: string, change: Partial<Core> = {}): Core => ({
	id,
	fingerprint: 'one',
	worth: 8,
	foundAt: now - day,
	location: `/store/${id}.core.zst`,
	sizeBytes: 10,
	...change,
});
const goers = (cores: readonly Core[], limits: Partial<Limits>, pinned: readonly string[] = []) =>
	dispensable(cores, { ...unlimited, ...limits }, now, (id) => pinned.includes(id)).map(({ core: { id }, why }) => `${id}: ${why}`);

describe('what goes from a store', () => {
	test('is nothing within its limits', () => {
		expect(goers([core('a'), core('b')], { keepMs: day, maxBytes: 20 })).toEqual([]);
	});

	test('is what is too old, whatever it is worth and though it is the last of its bug', () => {
		const cores = [core('a', { foundAt: now - 31 * day, worth: 10 }), core('b', { fingerprint: 'two' })];
		expect(goers(cores, { keepMs: 30 * day })).toEqual(['a: age']);
		expect(goers(cores, { keepMs: 30 * day }, ['a'])).toEqual([]);
	});

	test('is what is worth least, then what is oldest, until it fits', () => {
		const cores = [
			core('a', { worth: 9 }),
			core('b', { worth: 7 }),
			core('c', { worth: 7, foundAt: now - 2 * day }),
			core('d', { worth: 9.5 }),
		];
		expect(goers(cores, { maxBytes: 35 })).toEqual(['c: size']);
		expect(goers(cores, { maxBytes: 20 })).toEqual(['c: size', 'b: size']);
		expect(goers(cores, { missingBytes: 11 })).toEqual(['c: space', 'b: space']);
		expect(goers(cores, { maxBytes: 35, missingBytes: 25 })).toEqual(['c: size', 'b: space', 'a: space']);
	});

	test('is the best of a bug only when there is nothing else', () => {
		const cores = [core('a', { worth: 9 }), core('b', { worth: 10 }), core('low', { worth: 4, fingerprint: 'two' })];
		expect(goers(cores, { maxBytes: 20 })).toEqual(['a: size']);
		expect(goers(cores, { maxBytes: 10 })).toEqual(['a: size', 'low: size']);
		expect(goers(cores, { maxBytes: 0 })).toEqual(['a: size', 'low: size', 'b: size']);
	});

	test('is not what is pinned, which stays for its bug', () => {
		const cores = [core('a', { worth: 4 }), core('b', { worth: 10 }), core('c', { worth: 8, fingerprint: 'two' })];
		expect(goers(cores, { maxBytes: 20 }, ['a'])).toEqual(['b: size']);
		expect(goers(cores, { maxBytes: 0 }, ['a'])).toEqual(['b: size', 'c: size']);
	});

	test('is of an instance that has more than its share, and of no other', () => {
		const mine = [core('a', { worth: 9 }), core('b', { worth: 7 }), core('c', { worth: 8 })].map((one) => ({ ...one, instance: 'mine' }));
		const others = [core('low', { worth: 4, instance: 'yours' }), core('none', { worth: 4 }), core('more', { worth: 4 })];
		expect(goers([...mine, ...others], { maxInstanceBytes: 20 })).toEqual(['b: quota']);
		expect(goers([...mine, ...others], { maxInstanceBytes: 10, maxBytes: 30 })).toEqual(['b: quota', 'c: quota', 'low: size']);
		expect(goers([...mine, ...others], { maxInstanceBytes: 5 }, ['a', 'b', 'c', 'low'])).toEqual([]);
	});

	test('what is too old makes room for the rest', () => {
		const cores = [core('a', { foundAt: now - 31 * day }), core('b', { worth: 4 }), core('c')];
		expect(goers(cores, { keepMs: 30 * day, maxBytes: 20, missingBytes: 10 })).toEqual(['a: age']);
	});
});

test('in any store: nothing pinned goes, the limits hold if they can, nothing goes without need or before what is worth less', () => {
	for (let seed = 1; seed <= 3000; seed++) {
		const random = numbers(seed);
		const cores = Array.from({ length: random(40) }, (_, index) =>
			core(`c${index}`, {
				fingerprint: random(8) === 0 ? null : `bug ${random(6)}`,
				worth: 4 + random(13) / 2,
				foundAt: now - random(40) * day,
				sizeBytes: random(100),
			}),
		);
		const pinned = new Set(cores.filter(() => random(10) === 0).map(({ id }) => id));
		const limits = { ...unlimited, keepMs: random(60) * day, maxBytes: random(2500), missingBytes: random(2) * random(1500) };
		const gone = dispensable(cores, limits, now, (id) => pinned.has(id));
		const message = `seed ${seed}`;
		const ids = new Set(gone.map(({ core }) => core.id));
		const left = cores.filter(({ id }) => !ids.has(id));
		const sum = (some: readonly KeptCore[]) => some.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
		const goneCores = gone.map(({ core }) => core);

		expect(ids.size, message).toBe(gone.length);
		const byAge = tooOld(cores, limits, now, (id) => pinned.has(id));
		if (!isTooMuch(cores, byAge, limits)) expect(gone, message).toEqual(byAge);
		else expect(gone.length > byAge.length || left.every(({ id }) => pinned.has(id)), message).toBe(true);
		expect(
			goneCores.filter(({ id }) => pinned.has(id)),
			message,
		).toEqual([]);

		const old = (some: readonly KeptCore[]) => some.filter(({ id, foundAt }) => now - foundAt > limits.keepMs && !pinned.has(id));
		expect(old(left), message).toEqual([]);
		expect(gone.filter(({ why }) => why === 'age').length, message).toBe(old(cores).length);

		const holds = (kept: readonly KeptCore[], freed: readonly KeptCore[]) =>
			sum(kept) <= limits.maxBytes && sum(freed) >= limits.missingBytes;
		const free = left.filter(({ id }) => !pinned.has(id));
		expect(holds(left, goneCores) || free.length === 0, message).toBe(true);
		const chosen = gone.filter(({ why }) => why !== 'age').map(({ core }) => core);
		const last = chosen.at(-1);
		if (!last) continue;
		expect(holds([...left, last], goneCores.slice(0, -1)), message).toBe(false);

		// A core is the last of its bug where none of the bug is left, and none that goes later.
		const young = cores.filter((one) => !old(cores).includes(one));
		chosen.forEach((one, index) => {
			const after = new Set([...left, ...chosen.slice(index + 1)]);
			const isLast = ![...after].some(({ fingerprint }) => fingerprint === one.fingerprint);
			const others = [...after].filter(({ id }) => !pinned.has(id));
			const hasOthers = (fingerprint: string | null) => young.some((other) => other.fingerprint === fingerprint && after.has(other));
			if (isLast) {
				const doubles = others.filter((other) => [...after].some((third) => third !== other && third.fingerprint === other.fingerprint));
				expect(doubles, message).toEqual([]);
				expect(
					others.filter(({ worth }) => worth < one.worth),
					message,
				).toEqual([]);
			} else {
				expect(hasOthers(one.fingerprint), message).toBe(true);
				const better = others.filter(
					({ worth, fingerprint }) =>
						worth < one.worth && young.filter((other) => after.has(other) && other.fingerprint === fingerprint).length > 1,
				);
				expect(better, message).toEqual([]);
			}
		});
	}
});

/** Numbers below a limit, the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
	let state = seed;
	return (limit) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * limit);
	};
}
