import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { done, rejected, retry, wait } from '../../src/domain/stage.ts';
import { Journal, type Readers } from '../../src/journal/journal.ts';
import { root, temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';

const readers: Readers = { CoredumpFile: ['analyzer'], AnalysisResults: ['storage'], StorageEvent: [] };
const day = 24 * 3600_000;

/** A journal in a folder of its own, with a clock that the test sets. */
async function withJournal(wiring: Readers = readers) {
	const folder = await temporaryFolder();
	const path = join(folder.path, 'journal.db');
	const clock = { now: 1_000_000_000_000 };
	const open = (other: Readers = wiring) => new Journal(path, other, { now: () => clock.now });
	return Object.assign(folder, { path, clock, open, journal: open() });
}

const claimKey = (journal: Journal, stage = 'analyzer') => journal.claim(stage)?.event.key;

describe('an event', () => {
	test('is handed out once to each stage that reads it, in the order of arrival', async () => {
		await using home = await withJournal({ ...readers, CoredumpFile: ['analyzer', 'storage'] });
		using journal = home.journal;
		journal.append(events('a00000000001').found);
		home.clock.now++;
		journal.append(events('a00000000002').found);
		expect([claimKey(journal), claimKey(journal), claimKey(journal)]).toEqual(['a00000000001', 'a00000000002', undefined]);
		expect([claimKey(journal, 'storage'), claimKey(journal, 'storage')]).toEqual(['a00000000001', 'a00000000002']);
	});

	test('of a later revision is another event, with work of its own, and amends the report', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found } = events('a00000000001');
		const { core, time, foundAt, log } = found.body;
		const restart = { isPanic: false, isStartUp: false, isHealed: false, missed: 0 };
		journal.append(found);
		journal.append({ ...found, revision: 2, body: { core, time, foundAt, log, restart } });
		expect(journal.view.report('a00000000001')).toMatchObject({ revision: 2, evidence: ['core', 'restart'], restart });
		expect(journal.append({ ...found, revision: 2 })).toEqual([]);
		expect([journal.claim('analyzer')?.event.revision, journal.claim('analyzer')?.event.revision, claimKey(journal)]).toEqual([
			undefined,
			2,
			undefined,
		]);
	});

	test('that comes twice changes nothing, and the caller learns which were new', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found } = events();
		expect(journal.append(found, found)).toEqual([found]);
		expect(journal.append({ ...found, body: { ...found.body, time: '2020-01-01T00:00:00.000Z' } })).toEqual([]);
		expect(claimKey(journal)).toBe(found.key);
		expect(claimKey(journal)).toBeUndefined();
		expect(journal.view.report(found.key)?.time).toBe(found.body.time);
	});

	test('makes its original known, also when the same crash was told by another file', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found } = events();
		expect(journal.isKnown(found.original ?? '')).toBe(false);
		journal.append(found, { ...found, original: 'another file' });
		expect([found.original ?? '', 'another file', 'a third'].map((what) => journal.isKnown(what))).toEqual([true, true, false]);
	});

	test('keeps file names of any bytes', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found, core } = events();
		const path = '/cores/core.\udcff\u0000\n"\\x20';
		journal.append({ ...found, body: { ...found.body, core: { ...core, path } } });
		expect(journal.claim('analyzer')?.event.body).toMatchObject({ core: { path } });
		expect(journal.view.report(found.key)?.core?.path).toBe(path);
	});

	test('whose body does not fit its kind is rejected with the reason, which is told, and the next is handed out', async () => {
		await using home = await withJournal();
		home.journal[Symbol.dispose]();
		const told: unknown[] = [];
		using journal = new Journal(home.path, readers, { now: () => home.clock.now, onRejected: (...what) => told.push(what) });
		journal.append(events('a00000000001').found, events('a00000000002').found);
		new DatabaseSync(home.path).exec(`update event set body = '{"core":"nonsense"}' where key = 'a00000000001'`);
		expect(claimKey(journal)).toBe('a00000000002');
		expect(told).toEqual([['analyzer', 'a00000000001', expect.stringMatching(/^the event can't be read: core: /)]]);
		expect(journal.view.rejections()).toMatchObject([
			{ stage: 'analyzer', key: 'a00000000001', reason: expect.stringMatching(/^the event can't be read: core: /) },
		]);
	});
});

describe('settling', () => {
	test('done ends the work and appends what it emits, or neither', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found, analysed } = events();
		journal.append(found);
		const claim = journal.claim('analyzer');
		if (!claim) throw new Error('nothing to claim');
		const cyclic: Record<string, unknown> = {};
		cyclic.self = cyclic;
		expect(() => journal.settle(claim, done(analysed, { ...analysed, key: 'b00000000000', body: cyclic } as never))).toThrow();
		expect(claimKey(journal, 'storage')).toBeUndefined();
		expect(journal.view.report(found.key)?.status).toBe('found');
		expect(journal.settle(claim, done(analysed))).toBe('done');
		expect(claimKey(journal, 'storage')).toBe(found.key);
		expect(journal.view.report(found.key)?.status).toBe('analysed');
		expect(() => journal.settle(claim, done())).toThrow(/is not in the hands of analyzer/);
	});

	test('retry comes back later and later, up to five minutes, and is given up only by age', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const delays: number[] = [];
		for (let attempt = 0; attempt < 15; attempt++) {
			const claim = journal.claim('analyzer');
			if (!claim) throw new Error('nothing to claim');
			expect(journal.settle(claim, retry('no disk'))).toBe('ready');
			const before = home.clock.now;
			while (!isDue(home.path, home.clock.now)) home.clock.now += 100;
			delays.push(home.clock.now - before);
		}
		expect(delays[0]).toBeLessThanOrEqual(1_000);
		for (let index = 1; index < 8; index++) expect(delays[index]).toBeGreaterThan((delays[index - 1] ?? 0) * 1.5);
		expect(Math.max(...delays)).toBeLessThanOrEqual(300_000);
		expect(Math.min(...delays.slice(-3))).toBeGreaterThanOrEqual(240_000);
		home.clock.now += 7 * day;
		const claim = journal.claim('analyzer');
		expect(claim?.retries).toBe(15);
		expect(claim && journal.settle(claim, retry('no disk'))).toBe('rejected');
		expect(journal.view.rejections()).toMatchObject([{ reason: 'given up after 7 days: no disk' }]);
	});

	test('five unexpected failures are the end, however many retries there were', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const states: string[] = [];
		for (let round = 0; round < 9; round++) {
			const claim = journal.claim('analyzer');
			if (!claim) throw new Error('nothing to claim');
			states.push(round % 2 === 0 ? journal.fail(claim, 'TypeError: x') : journal.settle(claim, retry('no disk')));
			home.clock.now += 300_000;
		}
		expect(states).toEqual(['ready', 'ready', 'ready', 'ready', 'ready', 'ready', 'ready', 'ready', 'rejected']);
		expect(claimKey(journal)).toBeUndefined();
	});

	test('rejected is kept and listed', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const claim = journal.claim('analyzer');
		if (claim) journal.settle(claim, rejected('no use'));
		expect(journal.view.rejections()).toEqual([
			{ stage: 'analyzer', kind: 'CoredumpFile', key: events().found.key, reason: 'no use', at: home.clock.now },
		]);
		expect(journal.view.backlog()).toBe(0);
	});

	test('work that is given back counts for nothing', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const first = journal.claim('analyzer');
		if (first) journal.giveBack(first);
		expect(journal.claim('analyzer')).toMatchObject({ retries: 0, failures: 0 });
	});
});

describe('waiting', () => {
	const partner = { ...events('b00000000000').found, joinKey: 'container-1' };

	test('ends at its time', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const claim = journal.claim('analyzer');
		if (claim) expect(journal.settle(claim, wait(home.clock.now + 30_000, 'container-1'))).toBe('waiting');
		expect(claimKey(journal)).toBeUndefined();
		home.clock.now += 30_000;
		expect(journal.claim('analyzer')).toMatchObject({ retries: 0 });
	});

	test('ends when the partner comes', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found } = events();
		journal.append(found);
		const claim = journal.claim('analyzer');
		if (claim) journal.settle(claim, wait(home.clock.now + 30_000, 'container-1'));
		journal.append({ ...partner, joinKey: 'container-2', key: 'b00000000002' });
		expect([claimKey(journal), claimKey(journal)]).toEqual(['b00000000002', undefined]);
		journal.append(partner);
		expect([claimKey(journal), claimKey(journal)].sort()).toEqual([found.key, partner.key].sort());
	});

	test('does not begin when the partner came while the stage was at work', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found } = events();
		journal.append(found);
		const claim = journal.claim('analyzer');
		journal.append(partner);
		if (claim) expect(journal.settle(claim, wait(home.clock.now + 30_000, 'container-1'))).toBe('ready');
		expect([claimKey(journal), claimKey(journal)].sort()).toEqual([found.key, partner.key].sort());
	});

	test('is never longer than the longest delay at a time', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events().found);
		const claim = journal.claim('analyzer');
		if (claim) journal.settle(claim, wait(home.clock.now + 30 * day, 'never'));
		home.clock.now += 300_000;
		expect(claimKey(journal)).toBeDefined();
	});
});

describe('a clock that jumps', () => {
	test('back by a day stalls nothing', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		journal.append(events('a00000000001').found);
		const claim = journal.claim('analyzer');
		if (claim) journal.settle(claim, retry('no disk'));
		home.clock.now -= day;
		expect(claimKey(journal)).toBe('a00000000001');
		journal.append(events('a00000000002').found);
		expect(claimKey(journal)).toBe('a00000000002');
	});
});

describe('after the process died', () => {
	/** Runs an agent's part of work in a process of its own, and kills it. */
	async function dieWith(path: string, script: string): Promise<void> {
		const source = `
			import { Journal } from ${JSON.stringify(join(root, 'src/journal/journal.ts'))};
			const journal = globalThis.journal = new Journal(process.argv[1], ${JSON.stringify(readers)}, { now: () => ${1_000_000_000_000} });
			${script}
			console.log('reached');
			setInterval(() => {}, 1000);`;
		const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', source, path], { stdio: ['ignore', 'pipe', 'inherit'] });
		await once(child.stdout, 'data');
		child.kill('SIGKILL');
		await once(child, 'exit');
	}

	test('what it had in hand is handed out again, and what it appended is there', async () => {
		await using home = await withJournal();
		home.journal[Symbol.dispose]();
		await dieWith(home.path, `journal.append(${JSON.stringify(events().found)}); journal.claim('analyzer');`);
		using journal = home.open();
		expect(journal.claim('analyzer')).toMatchObject({ event: { key: events().found.key }, retries: 0, failures: 0 });
	});

	test('three times over the same event, it is given up, and only it', async () => {
		await using home = await withJournal();
		home.journal.append(events('a00000000001').found, events('a00000000002').found);
		home.journal[Symbol.dispose]();
		for (let death = 0; death < 3; death++) await dieWith(home.path, `journal.claim('analyzer');`);
		using journal = home.open();
		expect(claimKey(journal)).toBe('a00000000002');
		expect(journal.view.rejections()).toMatchObject([{ key: 'a00000000001', reason: 'process died while handling it' }]);
	});

	test('its lock is free at once', async () => {
		await using home = await withJournal();
		home.journal[Symbol.dispose]();
		await dieWith(home.path, '');
		using _journal = home.open();
	});
});

describe('stages that come and go', () => {
	test('work for a stage that is no longer there is listed as given up', async () => {
		await using home = await withJournal({ ...readers, CoredumpFile: ['analyzer', 'oracle'] });
		home.journal.append(events().found);
		home.journal[Symbol.dispose]();
		using journal = home.open(readers);
		expect(journal.view.rejections()).toMatchObject([{ stage: 'oracle', reason: 'this version has no stage oracle' }]);
		expect(claimKey(journal)).toBe(events().found.key);
	});
});

describe('pruning', () => {
	test('forgets what is settled and old, and leaves keys and originals behind', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found, analysed } = events('a00000000001');
		journal.append(found);
		const claim = journal.claim('analyzer');
		if (claim) journal.settle(claim, done(analysed));
		const second = journal.claim('storage');
		if (second) journal.settle(second, rejected('no use'));
		const waiting = events('a00000000002').found;
		journal.append(waiting);
		home.clock.now += 91 * day;
		const young = events('a00000000003').found;
		journal.append({ ...young, body: { ...young.body, time: new Date(home.clock.now).toISOString() } });
		journal.prune(90 * day);

		expect([...journal.view.reports()].map(({ id }) => id).sort()).toEqual(['a00000000002', 'a00000000003']);
		expect(journal.view.rejections()).toEqual([]);
		expect(journal.isKnown(found.original ?? '')).toBe(true);
		expect(journal.append(found)).toEqual([]);
		expect(claimKey(journal)).toBe('a00000000002');
	});
});

describe('crash reports', () => {
	test('follow each event in the transaction that appends it', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const { found, analysed, stored } = events();
		const status = () => journal.view.report(found.key)?.status;
		journal.append(found);
		expect(status()).toBe('found');
		journal.append(analysed);
		expect(status()).toBe('analysed');
		journal.append(stored);
		expect(status()).toBe('stored');
	});

	test('are listed from the newest crash to the oldest, and found by the start of their id', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		for (const [id, time] of [
			['3f0000000001', '2026-01-01T00:00:00.000Z'],
			['3f0000000002', '2026-01-03T00:00:00.000Z'],
			['400000000000', '2026-01-02T00:00:00.000Z'],
			['ff0000000000', '2025-01-02T00:00:00.000Z'],
		] as const) {
			const { found } = events(id);
			journal.append({ ...found, body: { ...found.body, time } });
		}
		expect([...journal.view.reports(3)].map(({ id }) => id)).toEqual(['3f0000000002', '400000000000', '3f0000000001']);
		expect(['3f', '3f0000000001', 'ff', 'e', ''].map((start) => journal.view.idsLike(start).length)).toEqual([2, 1, 1, 0, 4]);
	});

	test('tell how often the same bug was seen before, and when last with a stack', async () => {
		await using home = await withJournal();
		using journal = home.journal;
		const times = [1, 2, 3, 4].map((day) => Date.parse(`2026-01-0${day}T00:00:00.000Z`));
		for (const [index, time] of times.entries()) {
			const { found, analysed } = events(`a0000000000${index}`);
			const analysis = {
				...analysed.body.analysis,
				stack: index === 1 ? ('gdb' as const) : ('none' as const),
				fingerprint: index === 3 ? 'v0:other' : 'v0:same',
			};
			journal.append(
				{ ...found, body: { ...found.body, time: new Date(time).toISOString() } },
				{ ...analysed, body: { ...analysed.body, analysis } },
			);
		}
		expect(journal.view.earlier('v0:same', times[2] ?? 0)).toEqual({ count: 2, first: times[0], last: times[1] });
		expect(journal.view.earlier('v0:same', times[1] ?? 0)).toEqual({ count: 1, first: times[0], last: times[0] });
		expect(journal.view.earlier('v0:never', Date.now())).toEqual({ count: 0 });
	});
});

test('ten thousand events leave the heap as it was', async () => {
	await using home = await withJournal();
	using journal = home.journal;
	setFlagsFromString('--expose-gc');
	const heapAfterCollection = () => {
		runInNewContext('gc')();
		return process.memoryUsage().heapUsed;
	};
	const pass = (from: number, count: number) => {
		for (let index = from; index < from + count; index += 100) {
			const keys = Array.from({ length: 100 }, (_, offset) => (index + offset).toString(16).padStart(12, '0'));
			journal.append(...keys.map((key) => events(key).found));
			for (const _ of keys) {
				const claim = journal.claim('analyzer');
				if (claim) journal.settle(claim, done());
			}
		}
	};
	pass(0, 1_000);
	const before = heapAfterCollection();
	pass(1_000, 10_000);
	expect(heapAfterCollection() - before).toBeLessThan(2 << 20);
}, 120_000);

/** Whether work is due at a time, looked up from outside. */
function isDue(path: string, now: number): boolean {
	using db = new DatabaseSync(path, { readOnly: true });
	return (db.prepare('select min(due) as due from work').get() as { due: number }).due <= now;
}
