import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import { done, rejected, retry, wait } from '../../src/domain/stage.ts';
import { Journal } from '../../src/journal/journal.ts';
import { events } from '../support/events.ts';
import { emptyJournal, type OpenJournal, ownerOf, readers, take } from '../support/journal.ts';

const second = 1_000;
const minute = 60 * second;
const day = 24 * 60 * minute;

/** Ids of crashes. */
const [a, b, c] = ['3f9c0000000a', '3f9c0000000b', '3f9c0000000c'];

/** A crash that others may wait for. */
const joined = (key: string, joinKey: string): Event => ({ ...events(key).found, joinKey });

describe('work that was put off', () => {
	test('is due at once when what stood in its way is gone, and comes back as late as before when it is not', async () => {
		await using opened = await emptyJournal({ CoredumpFile: ['storage', 'sidecar', 'analyzer'] });
		const { journal, clock } = opened;
		journal.append(events(a).found);
		const stages = ['storage', 'sidecar', 'analyzer'];
		for (let retries = 0; retries < 6; retries++) {
			clock.now += minute;
			for (const stage of stages) journal.settle(take(journal, stage), retry('no answer'));
		}
		expect(stages.map((stage) => journal.claim(stage))).toEqual([undefined, undefined, undefined]);
		const woken = journal.ready('storage', new AbortController().signal);
		journal.hurry('storage', 'sidecar');
		await woken;
		const claim = take(journal, 'storage');
		expect(claim).toMatchObject({ retries: 6 });
		take(journal, 'sidecar');
		expect(journal.claim('analyzer')).toBeUndefined();
		journal.settle(claim, retry('no answer'));
		clock.now += 50 * second;
		expect(journal.claim('storage')).toBeUndefined();
	});
});

describe('work that is done', () => {
	test('goes from stage to stage, until nothing is left to do', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const { found, analysed, stored } = events(a);
		journal.append(found);
		expect(journal.settle(take(journal, 'analyzer'), done(analysed))).toBe('done');
		const next = take(journal, 'storage');
		expect(next).toMatchObject({ stage: 'storage', retries: 0, failures: 0, event: { kind: 'AnalysisResults', key: a } });
		expect(next.event.body).toEqual(analysed.body);
		expect(journal.settle(next, done(stored))).toBe('done');
		expect(journal.settle(take(journal, 'remover'), done())).toBe('done');
		expect(['analyzer', 'storage', 'remover'].map((stage) => journal.claim(stage))).toEqual([undefined, undefined, undefined]);
		expect(journal.view.backlog()).toBe(0);
	});

	test('leaves a report that is what the events fold to, after each of them', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const { found, analysed, stored } = events(a);
		journal.append(found);
		const one = fold(undefined, found);
		expect(journal.view.report(a)).toEqual(one);
		journal.settle(take(journal, 'analyzer'), done(analysed));
		const two = fold(one, analysed);
		expect(journal.view.report(a)).toEqual(two);
		journal.settle(take(journal, 'storage'), done(stored));
		expect(journal.view.report(a)).toEqual(fold(two, stored));
		expect(opened.reopen().view.report(a)).toEqual(fold(two, stored));
	});

	test('can not be ended anew: not settled, not failed, not given back', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		journal.append(events(a).found);
		const claim = take(journal, 'analyzer');
		journal.settle(claim, done());
		const notInHand = 'event 1 is not in the hands of analyzer';
		expect(() => journal.settle(claim, done(events(a).analysed))).toThrow(notInHand);
		expect(() => journal.fail(claim, 'late')).toThrow(notInHand);
		expect(() => journal.giveBack(claim)).toThrow(notInHand);
		expect(journal.claim('storage')).toBeUndefined();
		expect(journal.view.report(a)?.status).toBe('found');
	});

	test('is not work a second time when its event is emitted a second time', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const { found, analysed } = events(a);
		journal.append(found, analysed);
		journal.settle(take(journal, 'storage'), done());
		expect(journal.settle(take(journal, 'analyzer'), done(analysed, analysed))).toBe('done');
		expect(journal.claim('storage')).toBeUndefined();
		expect(journal.view.backlog()).toBe(0);
	});
});

test('events that are appended together are all there or none, and their originals too', async () => {
	await using opened = await emptyJournal();
	const { journal } = opened;
	const { found } = events(a);
	const impossible: Event = { kind: 'StorageEvent', key: b, body: { is: 'skipped', reason: 1n as unknown as string } };
	expect(() => journal.append(found, impossible)).toThrow(/BigInt/);
	expect(journal.claim('analyzer')).toBeUndefined();
	expect(journal.view.report(a)).toBeUndefined();
	expect(journal.isKnown(found.original ?? '')).toBe(false);
	expect(journal.append(found)).toEqual([found]);
});

describe('work that is tried again', () => {
	test('comes after a delay that doubles from a second to five minutes, less a fifth at most', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found);
		for (const delay of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((seconds) => seconds * second)) {
			const began = clock.now;
			journal.settle(take(journal, 'analyzer'), retry('no answer'));
			clock.now = began + 0.8 * delay - 1;
			expect(journal.claim('analyzer')).toBeUndefined();
			clock.now = began + delay;
			journal.giveBack(take(journal, 'analyzer'));
		}
		expect(take(journal, 'analyzer')).toMatchObject({ retries: 12, failures: 0 });
	});

	test('is given up by age alone: after seven days and two thousand tries, not before', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		const start = clock.now;
		journal.append(events(a).found);
		for (; clock.now <= start + 7 * day; clock.now += 5 * minute)
			expect(journal.settle(take(journal, 'analyzer'), retry('no answer'))).toBe('ready');
		const last = take(journal, 'analyzer');
		expect(last.retries).toBe((7 * day) / (5 * minute) + 1);
		expect(journal.settle(last, retry('no answer'))).toBe('rejected');
		expect(journal.view.rejections()).toMatchObject([{ key: a, reason: 'given up after 7 days: no answer' }]);
	});

	test('comes after a delay also when it failed unexpectedly, and is rejected with the last reason', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found);
		for (const failures of [0, 1, 2, 3]) {
			const claim = take(journal, 'analyzer');
			expect(claim).toMatchObject({ retries: 0, failures });
			expect(journal.fail(claim, 'TypeError: x is undefined')).toBe('ready');
			expect(journal.claim('analyzer')).toBeUndefined();
			clock.now += 2 ** failures * second;
		}
		expect(journal.fail(take(journal, 'analyzer'), 'RangeError: y is too large')).toBe('rejected');
		clock.now += day;
		expect(journal.claim('analyzer')).toBeUndefined();
		expect(journal.view.rejections()).toMatchObject([{ stage: 'analyzer', key: a, reason: 'RangeError: y is too large' }]);
	});
});

describe('work that waits', () => {
	test('is woken by an event that another stage emits', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found, events(b).found);
		journal.settle(take(journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		journal.settle(take(journal, 'analyzer'), done({ ...events(b).analysed, joinKey: 'container-1' }));
		expect(take(journal, 'analyzer')).toMatchObject({ retries: 0, failures: 0, event: { key: a } });
	});

	test('is not woken by a partner that was there when it was claimed: the stage has seen it', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(joined(a, 'container-1'), joined(b, 'container-1'));
		expect(journal.settle(take(journal, 'analyzer'), wait(clock.now + minute, 'container-1'))).toBe('waiting');
		expect(take(journal, 'analyzer').event.key).toBe(b);
		expect(journal.claim('analyzer')).toBeUndefined();
	});

	test('is not woken by the same partner reported again', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found, joined(b, 'container-1'));
		journal.settle(take(journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		journal.settle(take(journal, 'analyzer'), done());
		expect(journal.append(joined(b, 'container-1'))).toEqual([]);
		expect(journal.claim('analyzer')).toBeUndefined();
	});

	test('waits on in the next process', async () => {
		await using opened = await emptyJournal();
		const { clock } = opened;
		opened.journal.append(events(a).found);
		opened.journal.settle(take(opened.journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		const journal = opened.reopen();
		expect(journal.claim('analyzer')).toBeUndefined();
		journal.append(joined(b, 'container-1'));
		expect([take(journal, 'analyzer').event.key, take(journal, 'analyzer').event.key]).toEqual([a, b]);
	});
});

describe('work that is rejected', () => {
	test('is listed, the latest first, and never handed out again', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		const start = clock.now;
		journal.append(events(a).found, events(b).found);
		expect(journal.settle(take(journal, 'analyzer'), rejected('not a core'))).toBe('rejected');
		clock.now += minute;
		journal.settle(take(journal, 'analyzer'), rejected('not an ELF file'));
		clock.now += day;
		expect(journal.append(events(a).found)).toEqual([]);
		expect(opened.reopen().claim('analyzer')).toBeUndefined();
		expect(opened.journal.view.rejections()).toEqual([
			{ stage: 'analyzer', kind: 'CoredumpFile', key: b, reason: 'not an ELF file', at: start + minute },
			{ stage: 'analyzer', kind: 'CoredumpFile', key: a, reason: 'not a core', at: start },
		]);
		expect(opened.journal.view.backlog()).toBe(0);
	});

	test('ends the way of its crash, which says why in one line, whoever gave up', async () => {
		const ways: Readonly<Record<string, (opened: OpenJournal) => unknown>> = {
			'analyzer gave up: not a core': ({ journal }) => journal.settle(take(journal, 'analyzer'), rejected('not a core')),
			'analyzer gave up: given up after 7 days: no disk'({ journal, clock }) {
				clock.now += 8 * day;
				journal.settle(take(journal, 'analyzer'), retry('no disk'));
			},
			'analyzer gave up: TypeError: x is undefined'({ journal, clock }) {
				for (let failure = 0; failure < 5; failure++) {
					journal.fail(take(journal, 'analyzer'), 'TypeError: x is undefined\n    at analyse (analyse.ts:1)');
					clock.now += 5 * minute;
				}
			},
			'analyzer gave up: process died while handling it'(opened) {
				for (let death = 0; death < 3; death++) {
					take(opened.journal, 'analyzer');
					opened.reopen();
				}
			},
			"analyzer gave up: the event can't be read: Invalid input: expected object, received number"({ journal, path }) {
				new DatabaseSync(path).exec("update event set body = '1'");
				expect(journal.claim('analyzer')).toBeUndefined();
			},
			'analyzer gave up: this version has no stage analyzer': (opened) => opened.reopen({ ...readers, CoredumpFile: [] }),
		};
		for (const [note, giveUp] of Object.entries(ways)) {
			await using opened = await emptyJournal();
			opened.journal.append(events(a).found);
			giveUp(opened);
			expect(opened.journal.view.report(a)).toMatchObject({ status: 'failed', storage: { form: 'none' }, notes: [note] });
			expect(opened.journal.view.rejections()).toHaveLength(1);
		}
	});

	test('is not because the process died, where the stage is patient: it is tried later and later, for a week, and the others are not kept by it', async () => {
		await using opened = await emptyJournal({ CoredumpFile: ['storage'] }, { patient: ['storage'] });
		const { clock } = opened;
		opened.journal.append(events(a).found);
		const delays: number[] = [];
		for (let death = 0; death < 12; death++) {
			const from = clock.now;
			while (!opened.journal.claim('storage')) clock.now += second / 2;
			delays.push((clock.now - from) / second);
			opened.reopen();
		}
		expect(delays.slice(0, 3)).toEqual([0, 0, 0]);
		for (const [index, delay] of delays.slice(3).entries()) {
			expect(delay).toBeGreaterThan(0.75 * Math.min(300, 2 ** index));
			expect(delay).toBeLessThanOrEqual(Math.min(300, 2 ** index));
		}
		opened.journal.append(events(b).found);
		expect(take(opened.journal, 'storage')).toMatchObject({ event: { key: b }, isLastTry: false });
		clock.now += 8 * day;
		take(opened.journal, 'storage');
		expect(opened.reopen().view.rejections()).toMatchObject([{ key: a, reason: 'process died while handling it' }]);
	});

	test('hands on what goes on all the same, which then tells what became of the crash', async () => {
		await using opened = await emptyJournal(readers, {
			goOn: (stage, { key }, reason) => (stage === 'analyzer' && reason === 'not a core' ? [events(key).analysed] : []),
		});
		const { journal } = opened;
		journal.append(events(a).found);
		journal.settle(take(journal, 'analyzer'), rejected('not a core'));
		expect(journal.view.report(a)).toMatchObject({ status: 'analysed', storage: null, notes: [] });
		expect(journal.settle(take(journal, 'storage'), rejected('no use'))).toBe('rejected');
		expect(journal.view.report(a)).toMatchObject({ status: 'failed', notes: ['storage gave up: no use'] });
	});

	test('is told of when it is the journal that rejects it, and the stage knows when a try is its last', async () => {
		await using opened = await emptyJournal();
		opened.journal.append(events(a).found);
		const isLast: boolean[] = [];
		for (let death = 0; death < 3; death++) {
			isLast.push(take(opened.journal, 'analyzer').isLastTry);
			if (death < 2) opened.reopen();
		}
		opened.close();
		expect(isLast).toEqual([false, false, true]);
		const told: unknown[] = [];
		using _journal = new Journal(opened.path, readers, { onRejected: (...what) => told.push(what) });
		expect(told).toEqual([['analyzer', a, 'process died while handling it']]);
	});

	test('is what waits for a stage that is no longer there, and not what that stage has done', async () => {
		await using opened = await emptyJournal();
		const { clock } = opened;
		opened.journal.append(events(a).found, events(b).found, events(c).found);
		opened.journal.settle(take(opened.journal, 'analyzer'), done(events(a).analysed));
		opened.journal.settle(take(opened.journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		clock.now += second;
		const journal = opened.reopen({ ...readers, CoredumpFile: [] });
		const lost = { stage: 'analyzer', kind: 'CoredumpFile', reason: 'this version has no stage analyzer', at: clock.now };
		expect(journal.view.rejections().sort((one, other) => one.key.localeCompare(other.key))).toEqual([
			{ ...lost, key: b },
			{ ...lost, key: c },
		]);
		expect(take(journal, 'storage').event.key).toBe(a);
	});
});

describe('an event that can not be read', () => {
	/** A journal with two crashes, the first of which was changed behind its back. */
	async function damaged(change: string) {
		const opened = await emptyJournal();
		opened.journal.append(events(a).found, events(b).found);
		using other = new DatabaseSync(opened.path);
		other.prepare(`update event set ${change} where key = ?`).run(a);
		return opened;
	}

	test('is rejected when its kind is not known any more, and the next is handed out', async () => {
		await using opened = await damaged("kind = 'PodRestart'");
		expect(take(opened.journal, 'analyzer').event.key).toBe(b);
		expect(opened.journal.view.rejections()).toMatchObject([{ kind: 'PodRestart', key: a }]);
	});

	test('is rejected with the place in its body that does not fit', async () => {
		await using opened = await damaged("body = json_set(body, '$.core.sizeBytes', 'large')");
		expect(take(opened.journal, 'analyzer').event.key).toBe(b);
		expect(opened.journal.view.rejections()).toMatchObject([
			{ key: a, reason: "the event can't be read: core.sizeBytes: Invalid input: expected number, received string" },
		]);
	});

	test('is rejected when its body is not JSON, and the next is handed out', async () => {
		await using opened = await damaged("body = '{'");
		expect(take(opened.journal, 'analyzer').event.key).toBe(b);
	});

	test('is rejected with a reason that names its kind, when that is not known', async () => {
		await using opened = await damaged("kind = 'PodRestart'");
		take(opened.journal, 'analyzer');
		expect(opened.journal.view.rejections()[0]?.reason).toContain('PodRestart');
	});

	test('is rejected with a reason that reads well, when the body as a whole does not fit', async () => {
		await using opened = await damaged("body = json_set(body, '$.colour', 'red')");
		take(opened.journal, 'analyzer');
		expect(opened.journal.view.rejections()[0]?.reason).not.toContain(': :');
	});
});

describe('pruning', () => {
	test('leaves alone what is ready, in hand or waiting, with its event and its report, however old', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found, events(b).found, events(c).found);
		const inHand = take(journal, 'analyzer');
		journal.settle(take(journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		clock.now += 30 * day;
		journal.prune(day);
		expect(journal.view.backlog()).toBe(3);
		expect([...journal.view.reports()]).toHaveLength(3);
		expect([take(journal, 'analyzer'), take(journal, 'analyzer')].map(({ event }) => event.body)).toEqual([
			events(c).found.body,
			events(b).found.body,
		]);
		expect(journal.settle(inHand, done(events(a).analysed))).toBe('done');
		expect(journal.view.report(a)?.status).toBe('analysed');
	});

	test('leaves an event alone as long as one of its stages is not done with it', async () => {
		await using opened = await emptyJournal({ ...readers, CoredumpFile: ['analyzer', 'storage'] });
		const { journal, clock } = opened;
		journal.append(events(a).found);
		journal.settle(take(journal, 'analyzer'), done());
		clock.now += 30 * day;
		journal.prune(day);
		expect(take(journal, 'storage').event.body).toEqual(events(a).found.body);
		expect(journal.view.report(a)).toMatchObject({ id: a });
	});

	test('leaves alone what is exactly as old as may be, and takes what is older', async () => {
		await using opened = await emptyJournal();
		const { journal, clock, path } = opened;
		journal.append(events(a).found, events(b).found);
		journal.settle(take(journal, 'analyzer'), rejected('not a core'));
		journal.settle(take(journal, 'analyzer'), done());
		using other = new DatabaseSync(path, { readOnly: true });
		const left = () => ({
			bodies: other.prepare('select count(body) as count from event').get()?.count,
			rejections: journal.view.rejections().length,
			reports: [...journal.view.reports()].length,
		});
		clock.now += day;
		journal.prune(day);
		expect(left()).toEqual({ bodies: 2, rejections: 1, reports: 2 });
		clock.now += 1;
		journal.prune(day);
		expect(left()).toEqual({ bodies: 0, rejections: 0, reports: 0 });
	});

	test('leaves alone the report of a crash that is old, but was found only now', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		const { found } = events(a);
		journal.append({ ...found, body: { ...found.body, time: '2025-01-01T00:00:00.000Z' } });
		journal.settle(take(journal, 'analyzer'), done());
		journal.prune(day);
		expect(journal.view.report(a)).toMatchObject({ id: a, time: '2025-01-01T00:00:00.000Z' });
	});

	test('leaves a key and an original behind that the next process knows too', async () => {
		await using opened = await emptyJournal();
		const { clock } = opened;
		const { found, analysed } = events(a);
		opened.journal.append(found);
		opened.journal.settle(take(opened.journal, 'analyzer'), done(analysed));
		opened.journal.settle(take(opened.journal, 'storage'), done());
		clock.now += 2 * day;
		opened.journal.prune(day);
		const journal = opened.reopen();
		expect(journal.append(found, analysed)).toEqual([]);
		expect(journal.isKnown(found.original ?? '')).toBe(true);
		expect(journal.view.backlog()).toBe(0);
		expect(journal.view.report(a)).toBeUndefined();
	});
});

describe('the end of a process', () => {
	test('takes nothing back of what was settled, nor of what that emitted', async () => {
		await using opened = await emptyJournal();
		opened.close();
		await using owner = await ownerOf(opened.path);
		await owner.ask(`append ${a}`);
		await owner.ask('claim');
		expect(await owner.ask('settle')).toBe('done');
		await owner.kill();
		const journal = opened.reopen();
		expect(journal.claim('analyzer')).toBeUndefined();
		expect(journal.view.report(a)).toMatchObject({ status: 'analysed' });
		expect(take(journal, 'storage').event).toMatchObject({ kind: 'AnalysisResults', key: a });
	});

	test('is not counted as a death for work that was given back before', async () => {
		await using opened = await emptyJournal();
		opened.journal.append(events(a).found);
		for (const _ of [1, 2, 3, 4, 5, 6]) {
			opened.journal.giveBack(take(opened.journal, 'analyzer'));
			opened.reopen();
		}
		expect(take(opened.journal, 'analyzer')).toMatchObject({ retries: 0, failures: 0, event: { key: a } });
		expect(opened.journal.view.rejections()).toEqual([]);
	});

	test('brings nothing forward that was put off, and forgets no try', async () => {
		await using opened = await emptyJournal();
		const { clock } = opened;
		opened.journal.append(events(a).found);
		opened.journal.settle(take(opened.journal, 'analyzer'), retry('no answer'));
		clock.now += minute;
		opened.journal.fail(take(opened.journal, 'analyzer'), 'TypeError');
		clock.now += 799;
		const journal = opened.reopen();
		expect(journal.claim('analyzer')).toBeUndefined();
		clock.now += 201;
		expect(take(journal, 'analyzer')).toMatchObject({ retries: 1, failures: 1 });
	});
});

describe('when work is handed out', () => {
	test('what is due first comes first, and of the same time what was appended first', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(c).found, events(a).found);
		journal.settle(take(journal, 'analyzer'), wait(clock.now + 2 * second, 'container-1'));
		journal.append(events(b).found);
		clock.now += minute;
		expect([1, 2, 3].map(() => take(journal, 'analyzer').event.key)).toEqual([a, b, c]);
	});

	test('a clock that jumps back by a day holds up nothing: not a retry, a wait, a failure or what is new', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found, events(b).found, events(c).found);
		journal.settle(take(journal, 'analyzer'), retry('no answer'));
		journal.settle(take(journal, 'analyzer'), wait(clock.now + minute, 'container-1'));
		journal.fail(take(journal, 'analyzer'), 'TypeError');
		clock.now -= day;
		journal.append(events('3f9c0000000d').found);
		await journal.ready('analyzer', AbortSignal.timeout(20_000));
		const claims = [1, 2, 3, 4].map(() => take(journal, 'analyzer'));
		for (const claim of claims) expect(journal.settle(claim, retry('no answer'))).toBe('ready');
		expect(journal.claim('analyzer')).toBeUndefined();
		clock.now += 5 * minute;
		for (const _ of claims) journal.settle(take(journal, 'analyzer'), done());
		expect(journal.view.backlog()).toBe(0);
	});

	test('who waits for work is woken by an event, by the time and by the signal', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		const stop = new AbortController();
		const byEvent = journal.ready('analyzer', stop.signal);
		journal.append(events(a).found);
		await byEvent;
		journal.settle(take(journal, 'analyzer'), wait(clock.now + 20, 'container-1'));
		await journal.ready('analyzer', stop.signal);
		const bySignal = journal.ready('storage', stop.signal);
		stop.abort();
		await bySignal;
		await journal.ready('storage', stop.signal);
	});
});

test('two originals that differ in a byte that is not UTF-8 are two', async () => {
	await using opened = await emptyJournal();
	const { journal } = opened;
	journal.append({ ...events(a).found, original: '1:2:3:core.\udcff' });
	expect(journal.isKnown('1:2:3:core.\udcff')).toBe(true);
	expect(journal.isKnown('1:2:3:core.\udcfe')).toBe(false);
});
