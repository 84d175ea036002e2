import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { fold } from '../../src/domain/fold.ts';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { done, rejected } from '../../src/domain/stage.ts';
import { Journal, JournalError, readJournal } from '../../src/journal/journal.ts';
import { migrations } from '../../src/journal/schema.ts';
import { temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { emptyJournal, ownerOf, readers, take } from '../support/journal.ts';

/** Ids of crashes. */
const [a, b] = ['3f9c0000000a', '3f9c0000000b'];

describe('who reads beside an owner', () => {
	test('sees each thing that the owner did as soon as it is done, also when it began to read before', async () => {
		await using opened = await emptyJournal();
		opened.close();
		await using owner = await ownerOf(opened.path);
		using view = readJournal(opened.path);
		expect(view.report(a)).toBeUndefined();
		await owner.ask(`append ${a}`);
		expect(view.report(a)).toMatchObject({ status: 'found' });
		expect(view.backlog()).toBe(1);
		await owner.ask('claim');
		await owner.ask('settle');
		expect(view.report(a)).toEqual(fold(fold(undefined, events(a).found), events(a).analysed));
		expect([...view.reports()]).toEqual([view.report(a)]);
	});

	test('does not make room for a second owner', async () => {
		await using opened = await emptyJournal();
		using _view = readJournal(opened.path);
		await expect(ownerOf(opened.path)).rejects.toThrow(`another agent is using the journal ${opened.path}`);
	});

	test('holds up nothing that the owner does, and sees one moment as long as it reads', async () => {
		await using opened = await emptyJournal();
		const { journal } = opened;
		journal.append(events(a).found, events(b).found);
		using view = readJournal(opened.path);
		const reading = view.reports();
		expect(reading.next().value).toMatchObject({ id: a, status: 'found' });
		journal.settle(take(journal, 'analyzer'), done(events(a).analysed));
		journal.settle(take(journal, 'analyzer'), done(events(b).analysed));
		journal.prune(0);
		expect(reading.next().value).toMatchObject({ id: b, status: 'found' });
		expect(reading.next().done).toBe(true);
		expect([...view.reports()]).toMatchObject([
			{ id: a, status: 'analysed' },
			{ id: b, status: 'analysed' },
		]);
	});

	test('sees what was given up', async () => {
		await using opened = await emptyJournal();
		const { journal, clock } = opened;
		journal.append(events(a).found);
		using view = readJournal(opened.path);
		expect(view.rejections()).toEqual([]);
		journal.settle(take(journal, 'analyzer'), rejected('not a core'));
		expect(view.rejections()).toEqual([{ stage: 'analyzer', kind: 'CoredumpFile', key: a, reason: 'not a core', at: clock.now }]);
	});
});

describe('who reads when there is no owner', () => {
	test('sees all that one did who was killed', async () => {
		await using opened = await emptyJournal();
		opened.close();
		await using owner = await ownerOf(opened.path);
		await owner.ask(`append ${a}`);
		await owner.ask('claim');
		await owner.ask('settle');
		await owner.kill();
		using view = readJournal(opened.path);
		expect(view.report(a)).toMatchObject({ status: 'analysed' });
	});

	test('sees all that one did who ended, and is in nobody’s way', async () => {
		await using opened = await emptyJournal();
		opened.journal.append(events(a).found);
		opened.close();
		using view = readJournal(opened.path);
		expect(view.report(a)).toMatchObject({ status: 'found' });
		const journal = opened.reopen();
		journal.settle(take(journal, 'analyzer'), done(events(a).analysed));
		expect(view.report(a)).toMatchObject({ status: 'analysed' });
	});
});

describe('a file of an older layout', () => {
	/** A journal as the first version left it: one crash analysed, work that waits, work in hand, and a file that is known. */
	function writeLayoutOne(path: string): void {
		using db = new DatabaseSync(path);
		db.exec(`${migrations[0]}; pragma user_version = 1`);
		const event = db.prepare('insert into event (id, kind, key, body, at) values (?, ?, ?, ?, 1)');
		const [one, two] = [events(a), events(b)];
		event.run(1, 'CoredumpFile', a, JSON.stringify(one.found.body));
		event.run(2, 'AnalysisResults', a, JSON.stringify(one.analysed.body));
		event.run(3, 'CoredumpFile', b, JSON.stringify(two.found.body));
		const work = db.prepare('insert into work (event, stage, state, due, retries, failures, join_key) values (?, ?, ?, 1, ?, ?, ?)');
		work.run(1, 'analyzer', 'done', 0, 0, null);
		work.run(2, 'storage', 'claimed', 7, 2, null);
		work.run(3, 'analyzer', 'waiting', 0, 0, 'container-1');
		db.prepare('insert into original (what, at) values (?, 1)').run('1:2:3:core.1');
		const { restart, lostCore, ...report } = fold(fold(undefined, one.found), one.analysed) as CrashReport;
		db.prepare('insert into report (id, time, fingerprint, body) values (?, ?, ?, ?)').run(
			a,
			Date.parse(one.found.body.time),
			one.analysed.body.analysis.fingerprint,
			JSON.stringify(report),
		);
	}

	test('keeps all that it holds, however often it is opened', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		writeLayoutOne(path);
		for (const _ of [1, 2]) {
			using journal = new Journal(path, readers);
			const storing = take(journal, 'storage');
			expect(storing).toMatchObject({ retries: 7, failures: 2, event: { key: a, body: events(a).analysed.body } });
			journal.giveBack(storing);
			const analysing = take(journal, 'analyzer');
			expect(analysing.event).toMatchObject({ key: b, body: events(b).found.body });
			journal.giveBack(analysing);
			expect(journal.isKnown('1:2:3:core.1')).toBe(true);
			expect(crashReport.parse(journal.view.report(a))).toMatchObject({ status: 'analysed', restart: null, lostCore: null });
			expect(journal.append(events(a).found, events(b).found)).toEqual([]);
			expect(journal.view.report(a)).toMatchObject({ status: 'analysed' });
			expect(journal.view.earlier('v1:0123456789abcdef', Date.now())).toMatchObject({ count: 1 });
		}
	});

	test('is refused to who only reads, in one line that says what helps', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		writeFileSync(path, '');
		expect(() => readJournal(path)).toThrow(JournalError);
		expect(() => readJournal(path)).toThrow(
			new RegExp(`^the journal ${path} was written by an older version \\(layout 0, this one reads \\d+\\): start the agent once, .*$`),
		);
		new Journal(path, readers)[Symbol.dispose]();
		using view = readJournal(path);
		expect([...view.reports()]).toEqual([]);
	});
});

describe('a journal that can not be used', () => {
	test('can be used once what was in the way is gone: something that is not SQLite', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		writeFileSync(path, 'not a database, but long enough to be looked at as one '.repeat(200));
		expect(() => new Journal(path, readers)).toThrow(JournalError);
		writeFileSync(path, '');
		using _journal = new Journal(path, readers);
	});

	test('can be used once what was in the way is gone: a directory', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		mkdirSync(path);
		expect(() => new Journal(path, readers)).toThrow("can't be used: unable to open database file");
		rmdirSync(path);
		using _journal = new Journal(path, readers);
	});

	test('is waited for while another process has it in hand for a moment', async () => {
		await using opened = await emptyJournal();
		opened.close();
		const script = `const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]); db.exec('begin immediate'); console.log('held'); setTimeout(() => db.exec('rollback'), 200);`;
		const child = spawn(process.execPath, ['-e', script, opened.path], { stdio: ['ignore', 'pipe', 'inherit'] });
		const exit = once(child, 'exit');
		await once(child.stdout, 'data');
		try {
			opened.reopen();
		} finally {
			await exit;
		}
	});

	test('is told in one line to who only reads, also when it can not even be looked at', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		symlinkSync('journal.db', path);
		expect(() => readJournal(path)).toThrow(JournalError);
	});
});
