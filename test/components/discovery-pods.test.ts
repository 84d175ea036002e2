import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { podTable } from '../../src/components/discovery/pods.ts';
import { toldEnds } from '../../src/components/discovery/told-ends.ts';
import { workList } from '../../src/components/discovery/work-list.ts';
import type { Container, Pod } from '../../src/domain/pod.ts';

const container = (more: Partial<Container> = {}): Container => ({
	...{
		name: 'querynode',
		image: 'i',
		imageId: undefined,
		id: undefined,
		restartCount: 0,
		isReady: true,
		startedAt: undefined,
		end: undefined,
		lastEnd: undefined,
	},
	...more,
});
const pod = (uid: string, more: Partial<Pod> = {}): Pod => ({
	...{ uid, namespace: 'a', name: uid, node: 'n', labels: {}, annotations: {}, owner: undefined, hostname: uid, isHostNetwork: false },
	...{ startedAt: 0, isEnding: false, containers: [container()] },
	...more,
});
const crashed = (uid: string, restartCount: number) => {
	const lastEnd = { exitCode: 139, signal: undefined, reason: 'Error', message: undefined, startedAt: 0, finishedAt: restartCount * 1_000 };
	return pod(uid, { containers: [container({ restartCount, lastEnd: { ...lastEnd, containerId: `c${restartCount}` } })] });
};
const membership = { instance: { namespace: 'a', name: 'search', kind: 'helm' }, component: 'querynode' } as const;
const minute = 60_000;

describe('the table of pods', () => {
	test('knows a pod by its uid, and what it is as long as it is the same pod', () => {
		const pods = podTable();
		pods.set(pod('one'));
		expect(pods.byUid('one')).toEqual({ pod: pod('one'), membership: undefined, ends: [] });
		pods.identify('one', membership);
		pods.set(pod('one', { labels: { a: 'b' } }));
		expect(pods.byUid('one')).toMatchObject({ membership, pod: { labels: { a: 'b' } } });
		pods.identify('one', undefined);
		expect(pods.byUid('one')?.membership).toBeUndefined();
		pods.identify('nobody', membership);
		expect(pods.byUid('nobody')).toBeUndefined();
	});

	test('knows all pods by their host name, but not those that have that of the node', () => {
		const pods = podTable();
		pods.set(pod('one', { hostname: 'same', namespace: 'a' }));
		pods.set(pod('two', { hostname: 'same', namespace: 'b' }));
		pods.set(pod('three', { hostname: 'same', isHostNetwork: true }));
		pods.set(pod('four'));
		expect(pods.byHostname('same').map(({ pod: { uid } }) => uid)).toEqual(['one', 'two']);
	});

	test('keeps the ends that it has seen, each once, and of a container that crashes for ever the last 50', () => {
		const pods = podTable();
		for (let count = 1; count <= 3; count++) {
			pods.set(crashed('one', count));
			pods.set(crashed('one', count));
		}
		expect(pods.byUid('one')?.ends.map(({ restartCount }) => restartCount)).toEqual([1, 2, 3]);
		for (let count = 4; count <= 120; count++) pods.set(crashed('one', count));
		expect(pods.byUid('one')?.ends.map(({ restartCount }) => restartCount)).toEqual(Array.from({ length: 50 }, (_, index) => 71 + index));
	});

	test('remembers for an hour what went, for cores that turn up late', () => {
		const clock = { now: 0 };
		const pods = podTable(() => clock.now);
		pods.set(crashed('one', 1));
		pods.identify('one', membership);
		pods.remove('one');
		pods.remove('one');
		pods.remove('nobody');
		expect(pods.byUid('one')).toMatchObject({ goneAt: 0, membership, ends: [{ restartCount: 1 }] });
		clock.now = 60 * minute + 1;
		pods.set(pod('two'));
		pods.remove('two');
		expect([...pods.all()].map(({ pod: { uid } }) => uid)).toEqual(['two']);
	});

	test('tells the pod that came back from the one that went, under one name', () => {
		const clock = { now: 0 };
		const pods = podTable(() => clock.now);
		pods.set(pod('old', { name: 'search-querynode-0', hostname: 'search-querynode-0' }));
		pods.remove('old');
		pods.set(pod('new', { name: 'search-querynode-0', hostname: 'search-querynode-0' }));
		expect(pods.byHostname('search-querynode-0').map(({ pod: { uid }, goneAt }) => [uid, goneAt])).toEqual([
			['old', 0],
			['new', undefined],
		]);
	});

	test('does not grow with the pods that come and go', () => {
		const pods = podTable(() => 0);
		pods.set(pod('stays'));
		for (let index = 0; index < 2_000; index++) {
			pods.set(pod(`p${index}`));
			pods.remove(`p${index}`);
		}
		const known = [...pods.all()].map(({ pod: { uid } }) => uid);
		expect(known).toHaveLength(501);
		expect(known).toContain('stays');
		expect(known).not.toContain('p1499');
		expect(known).toContain('p1500');
	});
});

describe('what was told of', () => {
	function shelf() {
		const written: string[] = [];
		return { written, bookmark: { read: () => written.at(-1), write: async (value: string) => void written.push(value) } };
	}
	const end = (restartCount: number) => {
		const [one = container()] = crashed('one', restartCount).containers;
		const { lastEnd: termination } = one;
		if (!termination) throw new Error('it has one');
		return { container: one, termination, restartCount, wasEnding: false, missed: 0 };
	};

	test('is known again by who comes after', async () => {
		const { bookmark, written } = shelf();
		const told = toldEnds(bookmark);
		expect(told.of('one', 'querynode')).toBeUndefined();
		told.add('one', end(3));
		expect(written).toEqual([]);
		await told.remember(pod('one'));
		expect(written).toHaveLength(1);
		expect(toldEnds(bookmark).of('one', 'querynode')).toEqual({ restartCount: 3, containerId: 'c3', finishedAt: 3_000 });
		await told.remember(pod('one'));
		expect(written).toHaveLength(1);
	});

	test('begins with what is counted when a container is seen first', async () => {
		const { bookmark } = shelf();
		await toldEnds(bookmark).remember(pod('one', { containers: [container({ restartCount: 7 }), container({ name: 'sidecar' })] }));
		const told = toldEnds(bookmark);
		expect(told.of('one', 'querynode')).toEqual({ restartCount: 7 });
		expect(told.of('one', 'sidecar')).toEqual({ restartCount: 0 });
	});

	test('does not grow with the pods that come and go', async () => {
		const { bookmark, written } = shelf();
		const told = toldEnds(bookmark);
		for (let index = 0; index < 100; index++) {
			await told.remember(pod(`p${index}`));
			told.keepOnly((uid) => uid !== `p${index}`);
		}
		told.add('one', end(1));
		await told.remember(pod('one'));
		expect(Object.keys(JSON.parse(written.at(-1) ?? ''))).toEqual(['one/querynode']);
	});
});

describe('a list of work', () => {
	/** Works one by one, when it is told to. */
	function worked(atOnce: number) {
		const list = workList();
		const stop = new AbortController();
		const begun: string[] = [];
		const open = new Map<string, () => void>();
		const look = (key: string) => {
			begun.push(key);
			const { promise, resolve } = Promise.withResolvers<void>();
			open.set(key, resolve);
			return promise;
		};
		const workers = Array.from({ length: atOnce }, () => list.work(look, stop.signal));
		return {
			list,
			begun,
			async finish(key: string) {
				open.get(key)?.();
				await turn();
			},
			async [Symbol.asyncDispose]() {
				stop.abort();
				for (const resolve of open.values()) resolve();
				await Promise.all(workers);
			},
		};
	}

	test('is done in its order, so many at a time', async () => {
		await using work = worked(2);
		for (const key of ['a', 'b', 'c', 'd']) work.list.add(key);
		await turn();
		expect(work.begun).toEqual(['a', 'b']);
		await work.finish('b');
		expect(work.begun).toEqual(['a', 'b', 'c']);
	});

	test('is done once for all that was added meanwhile, and never by two for one', async () => {
		await using work = worked(3);
		work.list.add('a');
		await turn();
		for (let times = 0; times < 5; times++) work.list.add('a');
		work.list.add('b');
		await turn();
		expect(work.begun).toEqual(['a', 'b']);
		await work.finish('a');
		expect(work.begun).toEqual(['a', 'b', 'a']);
		await work.finish('a');
		expect(work.begun).toEqual(['a', 'b', 'a']);
	});

	test('ends at the signal, also while there is nothing to do', async () => {
		const list = workList();
		const stop = new AbortController();
		const looked: string[] = [];
		const workers = [1, 2].map(() => list.work(async (key) => void looked.push(key), stop.signal));
		await turn();
		stop.abort();
		await Promise.all(workers);
		list.add('a');
		await list.work(async (key) => void looked.push(key), stop.signal);
		expect(looked).toEqual([]);
	});

	test('ends with what the work throws', async () => {
		const list = workList();
		list.add('a');
		const work = list.work(async () => {
			throw new TypeError('a bug');
		}, new AbortController().signal);
		await expect(work).rejects.toThrow('a bug');
	});
});
