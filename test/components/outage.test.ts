import { expect, test } from 'vitest';
import { sparing } from '../../src/components/storage/storage.ts';
import { type Backend, BackendFull, BackendRefused, BackendUnavailable, type Content } from '../../src/domain/backend.ts';

const { signal } = new AbortController();
const content: Content = { async *open() {} };

/** A store that is told how it is, and a clock that is moved. */
function store() {
	let failure: Error | undefined;
	let isHealthy = false;
	let held: Promise<unknown> | undefined;
	const asked: string[] = [];
	const clock = { now: 0 };
	let back = 0;
	const does = async (name: string) => {
		asked.push(name);
		await held;
		if (failure) throw failure;
	};
	const backend = {
		kind: 's3',
		put: (name: string) => does(name).then(() => ({ location: name, sha256: '', sizeBytes: 0 })),
		remove: ([name = '']: readonly string[]) => does(name),
		health: async () => {
			if (!isHealthy) throw new BackendUnavailable('not healthy');
		},
	} as unknown as Backend;
	const spared = sparing(backend, { onBack: () => back++, now: () => clock.now });
	return {
		clock,
		asked,
		back: () => back,
		fails: (error: Error | undefined) => {
			failure = error;
		},
		isHealthy: (isSo: boolean) => {
			isHealthy = isSo;
		},
		hold() {
			const { promise, resolve } = Promise.withResolvers<void>();
			held = promise;
			return resolve;
		},
		health: () => spared.health(signal).catch(() => {}),
		put: (name: string) =>
			spared.put(name, content, signal).then(
				() => 'stored',
				(error: Error) => error.message,
			),
		remove: (name: string) =>
			spared.remove([name], signal).then(
				() => 'removed',
				(error: Error) => error.message,
			),
	};
}

test('a store that is away is asked as often as for one core, however many wait, and more and more seldom', async () => {
	const { put, remove, fails, clock, asked } = store();
	fails(new BackendUnavailable('away'));
	const askedBy: number[] = [];
	for (; clock.now < 600_000; clock.now += 1_000) {
		for (let core = 0; core < 10; core++) expect(await (core === 7 ? remove : put)(`core-${core}`)).toBe('away');
		askedBy.push(asked.length);
	}
	expect(askedBy[0]).toBe(1);
	expect(asked.length).toBe(24); // after 1, 2, 4, 8 and 16 s, then each half minute
});

test('what comes while one tries waits for how that ends, and is then stored, or not asked for', async () => {
	for (const isBack of [true, false]) {
		const { put, fails, clock, asked, hold } = store();
		fails(new BackendUnavailable('away'));
		await put('first');
		clock.now = 1_000;
		const goOn = hold();
		const all = ['a', 'b', 'c'].map(put);
		await Promise.resolve();
		expect(asked).toEqual(['first', 'a']);
		if (isBack) fails(undefined);
		goOn();
		expect(await Promise.all(all)).toEqual(Array(3).fill(isBack ? 'stored' : 'away'));
		expect(asked).toEqual(isBack ? ['first', 'a', 'b', 'c'] : ['first', 'a']);
	}
});

test('that it is back is told once, by the first thing that works', async () => {
	const { put, fails, clock, back } = store();
	fails(new BackendRefused('wrong key'));
	await Promise.all(['a', 'b'].map(put));
	fails(undefined);
	expect(await put('a')).toBe('wrong key');
	clock.now = 1_000;
	expect([await put('a'), await put('b')]).toEqual(['stored', 'stored']);
	expect(back()).toBe(1);
});

test('a store that is found healthy is tried at once, and not again and again if it takes nothing all the same', async () => {
	const { put, fails, isHealthy, health, asked, back } = store();
	fails(new BackendUnavailable('away'));
	await put('a');
	await health();
	expect(back()).toBe(0);
	isHealthy(true);
	for (let round = 0; round < 5; round++) {
		await health();
		await put('a');
	}
	expect(asked).toEqual(['a', 'a']);
	expect(back()).toBe(1);
	isHealthy(false);
	await health();
	isHealthy(true);
	fails(undefined);
	await health();
	expect(await put('a')).toBe('stored');
	expect(back()).toBe(3);
});

test('too little room for one core keeps no other waiting, nor does what is wrong with the core itself', async () => {
	const { put, fails, asked } = store();
	for (const error of [new BackendFull('full'), new Error('the core is gone')]) {
		fails(error);
		for (const name of ['a', 'b']) expect(await put(name)).toBe(error.message);
	}
	expect(asked).toHaveLength(4);
});
