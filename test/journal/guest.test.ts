import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/domain/events.ts';
import { done } from '../../src/domain/stage.ts';
import { JournalError, joinJournal, type Readers } from '../../src/journal/journal.ts';
import { version } from '../../src/journal/schema.ts';
import { root, runWithoutRights, temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { emptyJournal, ownerOf, readers, take } from '../support/journal.ts';

/** Ids of crashes. */
const [a, b] = ['3f9c0000000a', '3f9c0000000b'];

/** That a crash is to be looked into once more. */
const anew = (key: string, revision: number): Event<'CoredumpFile'> => ({
	kind: 'CoredumpFile',
	key,
	revision,
	body: { ...events(key).found.body, isAnew: true },
});

const signal = () => AbortSignal.timeout(20_000);

describe('a guest beside the owner', () => {
	test('gives the stages work, which the owner notices and does, and takes none from it', async () => {
		await using opened = await emptyJournal();
		const { journal, path } = opened;
		journal.append(events(a).found, events(b).found);
		const inHand = take(journal, 'analyzer');
		const other = take(journal, 'analyzer');
		const ready = journal.ready('analyzer', signal());
		using guest = joinJournal(path, readers);
		expect(guest.isOwned()).toBe(true);
		expect(guest.append((view) => [anew(a, (view.report(a)?.revision ?? 0) + 1)])).toHaveLength(1);
		await ready;
		expect(take(journal, 'analyzer').event).toMatchObject({ key: a, revision: 2, body: { isAnew: true } });
		expect(journal.view.report(a)).toMatchObject({ revision: 2 });
		for (const claim of [inHand, other]) expect(journal.settle(claim, done(events(claim.event.key).analysed))).toBe('done');
		expect(journal.view.report(b)).toMatchObject({ status: 'analysed' });
	});

	test('wakes whoever waits for a change', async () => {
		await using opened = await emptyJournal();
		const changed = opened.journal.changed(Number.POSITIVE_INFINITY, signal());
		using guest = joinJournal(opened.path, readers);
		guest.append(() => [events(a).found]);
		await changed;
		expect(opened.journal.view.report(a)).toMatchObject({ status: 'found' });
		expect(take(opened.journal, 'analyzer').event.key).toBe(a);
	});

	test('and the owner, another process, both write, and nothing of it is lost', async () => {
		await using opened = await emptyJournal();
		opened.close();
		await using owner = await ownerOf(opened.path);
		using guest = joinJournal(opened.path, readers);
		const key = (number: number) => number.toString(16).padStart(12, '0');
		const answers: Promise<string>[] = [];
		for (let number = 0; number < 100; number++) {
			answers.push(owner.ask(`append ${key(2 * number)}`));
			expect(guest.append(() => [events(key(2 * number + 1)).found])).toHaveLength(1);
			await answers.at(-1);
		}
		expect(new Set(await Promise.all(answers))).toEqual(new Set(['1 new']));
		expect([...guest.view.reports()].map(({ id }) => id).sort()).toEqual(Array.from({ length: 200 }, (_, number) => key(number)));
		expect(guest.view.backlog()).toBe(200);
	});

	test('appends nothing where what it decides on throws', async () => {
		await using opened = await emptyJournal();
		using guest = joinJournal(opened.path, readers);
		expect(() =>
			guest.append(() => {
				throw new Error('no');
			}),
		).toThrow('no');
		expect(opened.journal.append(events(a).found)).toHaveLength(1);
	});

	test('takes no revision away from what becomes known of the crash at the same time', async () => {
		await using opened = await emptyJournal();
		const { journal, path } = opened;
		const { found, analysed } = events(a);
		journal.append(found, analysed);
		const restart = { isPanic: false, isStartUp: false, isHealed: false, missed: 0 };
		const decidedBefore: Event<'CoredumpFile'> = { kind: 'CoredumpFile', key: a, revision: 2, body: { ...found.body, restart } };
		using guest = joinJournal(path, { ...readers, OpinionRequest: ['opinion'] });
		guest.append(() => [anew(a, 2)]);
		expect(journal.append(decidedBefore)).toMatchObject([{ revision: 3 }]);
		expect(journal.append(decidedBefore)).toEqual([]);
		expect(journal.view.report(a)).toMatchObject({ revision: 3, restart });
		guest.append(() => [{ kind: 'OpinionRequest', key: a, revision: 4, body: {} }]);
		const healed = { ...restart, isHealed: true };
		const alsoBefore: Event = { ...decidedBefore, revision: 4, body: { ...decidedBefore.body, restart: healed } };
		expect(journal.append(alsoBefore)).toMatchObject([{ revision: 5 }]);
		expect(journal.view.report(a)).toMatchObject({ revision: 5, restart: healed });
	});
});

describe('a guest when there is no owner', () => {
	test('leaves work that the next owner finds, and stands in no one’s way', async () => {
		await using opened = await emptyJournal();
		opened.close();
		using guest = joinJournal(opened.path, readers);
		expect(guest.isOwned()).toBe(false);
		guest.append(() => [events(a).found]);
		const journal = opened.reopen();
		expect(guest.isOwned()).toBe(true);
		expect(take(journal, 'analyzer').event.key).toBe(a);
	});

	test('gives nothing back that a dead owner had in hand: that is for the next', async () => {
		await using opened = await emptyJournal();
		opened.close();
		await using owner = await ownerOf(opened.path);
		await owner.ask(`append ${a}`);
		await owner.ask('claim');
		await owner.kill();
		using guest = joinJournal(opened.path, readers);
		guest.append(() => [events(b).found]);
		expect(guest.view.unsettled(a)).toEqual([{ stage: 'analyzer', reason: null }]);
		using db = new DatabaseSync(opened.path, { readOnly: true });
		const states = db.prepare('select state, deaths from work order by event').all();
		expect(states).toEqual([
			{ state: 'claimed', deaths: 0 },
			{ state: 'ready', deaths: 0 },
		]);
	});
});

describe('a journal that is no place for a guest', () => {
	const nobody: Readers = {};

	test('is one that is not there, of another version, or of another version by now', async () => {
		await using folder = await temporaryFolder();
		expect(() => joinJournal(join(folder.path, 'journal.db'), nobody)).toThrow(/^there is no journal /);
		await using opened = await emptyJournal();
		opened.close();
		using db = new DatabaseSync(opened.path);
		using guest = joinJournal(opened.path, nobody);
		for (const [found, message] of [
			[version + 1, 'was written by a newer version'],
			[version - 1, 'was written by an older version'],
		] as const) {
			db.exec(`pragma user_version = ${found}`);
			expect(() => joinJournal(opened.path, nobody)).toThrow(message);
			expect(() => guest.append(() => [events(a).found])).toThrow(JournalError);
		}
		db.exec(`pragma user_version = ${version}`);
		expect(guest.append(() => [events(a).found])).toHaveLength(1);
	});

	test('is one that may not be written to', async () => {
		await using opened = await emptyJournal();
		opened.close();
		chmodSync(opened.path, 0o444);
		const script = `
			import { joinJournal } from ${JSON.stringify(join(root, 'src/journal/journal.ts'))};
			try { joinJournal(process.argv[1], {}); } catch (error) { console.log(error.name, error.message); }`;
		expect(await runWithoutRights(script, opened.path)).toMatch(
			/^JournalError the journal .* may not be (?:read|written to) by uid \d+: run this as the user of the agent, or as root$/,
		);
	});
});
