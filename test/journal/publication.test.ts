import { describe, expect, test } from 'vitest';
import { folding } from '../../src/domain/family.ts';
import type { Analysis, Association } from '../../src/domain/report.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { events } from '../support/events.ts';
import { emptyJournal, take } from '../support/journal.ts';
import { ended } from '../support/pod-report.ts';

const start = Date.parse('2026-11-23T06:00:00Z');
const idOf = (index: number) => index.toString(16).padStart(12, '0');

const of: Association = {
	method: 'cgroup',
	confidence: 'exact',
	namespace: 'milvus',
	pod: 'my-release-querynode-0',
	podUid: 'u1',
	container: 'querynode',
	instance: 'my-release',
	component: 'querynode',
};

type Crash = { readonly index: number; readonly at?: number; readonly association?: Partial<Association> } & Pick<
	Partial<Analysis>,
	'fingerprint' | 'reason'
>;

/** A crash of a query node, as it is found. */
function find(journal: Journal, { index, at = index * 1000, association: other, ...analysis }: Crash) {
	const id = idOf(index);
	const { found, analysed } = events(id);
	const association: Association = { ...of, ...other };
	const time = new Date(start + at).toISOString();
	journal.append({ ...found, body: { ...found.body, time, association } });
	return {
		id,
		analyse: () =>
			journal.append({
				...analysed,
				body: { ...analysed.body, analysis: { ...analysed.body.analysis, association, ...analysis } },
			}),
	};
}

function crash(journal: Journal, given: Crash): string {
	const { id, analyse } = find(journal, given);
	analyse();
	return id;
}

/** It turns out to have been a restart with which the instance found what it depends on. */
function heal(journal: Journal, id: string): void {
	const { found } = events(id);
	const time = timeOf(Number.parseInt(id, 16));
	journal.append({
		...found,
		revision: 2,
		body: { ...found.body, time, association: of, restart: ended({ isStartUp: true, isHealed: true }) },
	});
}

const timeOf = (index: number) => new Date(start + index * 1000).toISOString();
const unpublished = (journal: Journal) => journal.outbox.unpublished(0, 1000).map(({ id }) => id);
const several = (count: number, from = 1) => Array.from({ length: count }, (_, index) => index + from);

describe('what is to be published', () => {
	test('is a crash as soon as it has been analysed, and again when it has changed', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const { id, analyse } = find(journal, { index: 1 });
		expect(unpublished(journal)).toEqual([]);
		analyse();
		expect(unpublished(journal)).toEqual([id]);
		const [seen = { id, change: 0 }] = journal.outbox.unpublished(0, 1);
		journal.append(events(id).stored);
		journal.outbox.setPublished(id, seen.change);
		expect(unpublished(journal), 'it changed while it was published').toEqual([id]);
		journal.outbox.setPublished(id, journal.outbox.unpublished(0, 1)[0]?.change ?? 0);
		expect(unpublished(journal)).toEqual([]);
		journal.outbox.setPublished(id, 0);
		expect(unpublished(journal), 'somebody damaged it').toEqual([id]);
	});

	test('is also one whose analysis was given up', async () => {
		await using opened = await emptyJournal();
		const { id } = find(opened.journal, { index: 1 });
		opened.journal.settle(take(opened.journal, 'analyzer'), { is: 'rejected', reason: 'not a core' });
		expect(unpublished(opened.journal)).toEqual([id]);
	});

	test('comes in the order of its changes, in pieces', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const ids = several(4).map((index) => crash(journal, { index }));
		const first = journal.outbox.unpublished(0, 3);
		expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
		expect(journal.outbox.unpublished(first[2]?.change ?? 0, 3).map(({ id }) => id)).toEqual(ids.slice(3));
		journal.append(events(ids[0]).stored);
		expect(unpublished(journal)).toEqual([...ids.slice(1), ids[0]]);
		expect(journal.outbox.changedSince(first[2]?.change ?? 0, 9).map(({ id }) => id)).toEqual([ids[3], ids[0]]);
		expect(journal.outbox.told()).toBe(0);
		journal.outbox.setTold(7);
		expect(opened.reopen().outbox.told()).toBe(7);
	});

	test('is numbered onwards also when all that is known has been forgotten', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		crash(journal, { index: 1 });
		const [last = { change: 0 }] = journal.outbox.unpublished(0, 1);
		for (const stage of ['analyzer', 'storage']) journal.settle(take(journal, stage), { is: 'done', emit: [] });
		clock.now += 1000;
		journal.prune(0);
		expect(journal.view.report(idOf(1))).toBeUndefined();
		const id = crash(journal, { index: 2 });
		expect(journal.outbox.changedSince(last.change, 9)).toMatchObject([{ id }]);
	});
});

describe('a family of crashes', () => {
	test('has five reports of its own, of which the last stands for all that follow within the hour', async () => {
		await using opened = await emptyJournal();
		let { journal } = opened;
		const ids = several(40).map((index) => crash(journal, { index }));
		expect(new Set(unpublished(journal))).toEqual(new Set(ids.slice(0, 5)));
		expect(ids.slice(0, 5).map((id) => journal.outbox.repeats(id).count)).toEqual([1, 1, 1, 1, 36]);
		for (const { id, change } of journal.outbox.unpublished(0, 10)) journal.outbox.setPublished(id, change);
		journal = opened.reopen();
		const next = crash(journal, { index: 41 });
		expect(unpublished(journal)).toEqual([ids[4]]);
		expect(journal.outbox.publishedIn(next)).toBe(ids[4]);
		expect(journal.outbox.repeats(ids[4] ?? '')).toEqual({
			count: 37,
			firstTime: '2026-11-23T06:00:05.000Z',
			lastTime: '2026-11-23T06:00:41.000Z',
			recentTimes: several(30).map((index) => timeOf(42 - index)),
		});
	});

	test('tells the times of the last of those that one report stands for, and of no restart at start-up that healed', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const ids = several(8).map((index) => crash(journal, { index }));
		const [head = '', , , last = ''] = ids.slice(4);
		expect(journal.outbox.repeats(ids[0] ?? '')).not.toHaveProperty('recentTimes');
		expect(journal.outbox.repeats(head).recentTimes).toEqual([8, 7, 6, 5].map(timeOf));
		const [{ change } = { change: 0 }] = journal.outbox.unpublished(0, 100).filter(({ id }) => id === head);
		journal.outbox.setPublished(head, change);
		heal(journal, last);
		expect(unpublished(journal), 'it is to tell of one less').toContain(head);
		heal(journal, head);
		expect(journal.outbox.repeats(head), 'of its own crash it says itself that it healed').toMatchObject({
			count: 4,
			recentTimes: [7, 6, 5].map(timeOf),
		});
	});

	test('is over after an hour, and begins no sooner because crashes become known in another order', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const minute = 60_000;
		const firsts = [30, 10, 59, 1, 0, 20].map((at, index) => crash(journal, { index, at: at * minute }));
		expect(new Set(unpublished(journal))).toEqual(new Set(firsts.slice(0, 5)));
		const later = crash(journal, { index: 50, at: 90 * minute });
		expect(unpublished(journal)).toContain(later);
	});

	test('is of one component of one instance that ends in one way', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		for (const index of several(5)) crash(journal, { index });
		const others: readonly Omit<Crash, 'index'>[] = [
			{ association: { component: 'proxy' } },
			{ association: { namespace: 'other' } },
			{ association: { instance: 'other' } },
			{ fingerprint: 'v1:0000000000000001' },
			{ fingerprint: null, association: { exitCode: 80, reason: 'Error' } },
			{ fingerprint: null, association: { exitCode: 137, reason: 'OOMKilled' } },
		];
		const ids = others.map((other, index) => crash(journal, { index: index + 10, ...other }));
		expect(unpublished(journal).slice(5)).toEqual(ids);
		const same = crash(journal, { index: 20, association: { pod: 'my-release-querynode-1', podUid: 'u2' } });
		expect(journal.outbox.publishedIn(same)).toBe(idOf(5));
	});

	test('stays the same when the crash turns out to be another', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const id = crash(journal, { index: 1 });
		const { found, analysed } = events(id);
		const body = { ...analysed.body, analysis: { ...analysed.body.analysis, fingerprint: 'v1:0000000000000009' } };
		journal.append({ ...found, revision: 2 }, { ...analysed, revision: 2, body });
		expect(journal.outbox.repeats(id).count).toBe(1);
		for (const index of several(4, 2)) crash(journal, { index });
		expect(journal.outbox.publishedIn(crash(journal, { index: 9 }))).toBe(idOf(5));
	});

	test('takes in what is one family too many, so that nothing that looks new each time makes reports without end', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		for (const index of several(500)) crash(journal, { index, fingerprint: `v1:${idOf(index)}` });
		const heads = unpublished(journal);
		expect(heads).toHaveLength(folding.families + folding.ownReports);
		const counts = heads.map((id) => journal.outbox.repeats(id).count);
		expect(counts.reduce((sum, count) => sum + count)).toBe(500);
	});
});

test('the crashes of a pod and of an instance are counted by what became of them', async () => {
	await using opened = await emptyJournal();
	const { journal } = opened;
	const ids = several(3).map((index) => crash(journal, { index }));
	crash(journal, { index: 4, association: { pod: 'my-release-querynode-1', podUid: 'u2' } });
	find(journal, { index: 5 });
	const { found } = events(ids[0]);
	const time = new Date(start + 1000).toISOString();
	journal.append({ ...found, revision: 2, body: { ...found.body, time, association: of, restart: ended({ isStartUp: true }) } });
	journal.append(events(ids[0]).stored, { kind: 'StorageEvent', key: ids[1] ?? '', body: { is: 'lost', reason: 'gone' } });
	const none = { count: 0, first: 0, last: 0 };
	expect(journal.outbox.tally({ all: 'pod', of }, start)).toEqual({
		crashes: { count: 3, first: start + 1000, last: start + 3000 },
		pastStart: { count: 2, first: start + 2000, last: start + 3000 },
		stored: { count: 1, first: start + 1000, last: start + 1000 },
		lost: { count: 1, first: start + 2000, last: start + 2000 },
	});
	expect(journal.outbox.tally({ all: 'pod', of }, start + 2000).crashes.count).toBe(1);
	expect(journal.outbox.tally({ all: 'component', of }, start).crashes.count).toBe(4);
	crash(journal, { index: 6, association: { component: 'proxy', podUid: 'u3' } });
	expect(journal.outbox.tally({ all: 'component', of }, start).crashes.count).toBe(4);
	expect(journal.outbox.tally({ all: 'instance', of }, start).crashes.count).toBe(5);
	expect(journal.outbox.tally({ all: 'instance', of: { ...of, namespace: 'other' } }, start)).toEqual({
		crashes: none,
		pastStart: none,
		stored: none,
		lost: none,
	});
});

test('who waits for a change hears of it, or of the time', async () => {
	await using opened = await emptyJournal();
	const { journal, clock } = opened;
	const { signal } = new AbortController();
	const waits = journal.changed(Infinity, signal);
	find(journal, { index: 1 });
	await waits;
	await journal.changed(clock.now + 1, signal);
	await journal.changed(Infinity, AbortSignal.abort());
});
