import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { done } from '../../src/domain/stage.ts';
import { Journal, JournalError, type Readers, readJournal } from '../../src/journal/journal.ts';
import { version } from '../../src/journal/schema.ts';
import { exec, root, runWithoutRights, temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { ownerOf } from '../support/journal.ts';

const readers: Readers = { CoredumpFile: ['analyzer'], AnalysisResults: [], StorageEvent: [] };
const source = JSON.stringify(join(root, 'src/journal/journal.ts'));

/** What an attempt to open is answered with: one line. */
function refusal(open: () => unknown): string {
	try {
		open();
	} catch (error) {
		expect(error).toBeInstanceOf(JournalError);
		expect((error as Error).message).not.toContain('\n');
		return (error as Error).message;
	}
	throw new Error('it was opened');
}

describe('one owner', () => {
	test('a second is refused while the first lives, and welcome afterwards', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		const first = new Journal(path, readers);
		expect(refusal(() => new Journal(path, readers))).toBe(`another agent is using the journal ${path}`);
		first[Symbol.dispose]();
		using _second = new Journal(path, readers);
	});

	test('of another process', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		await using owner = await ownerOf(path);
		expect(refusal(() => new Journal(path, readers))).toBe(`another agent is using the journal ${path}`);
		await owner.kill();
		using _mine = new Journal(path, readers);
	});

	test('keeps all that was there when it opens again', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'a/b/journal.db');
		const { found, analysed } = events();
		{
			using journal = new Journal(path, readers);
			journal.append(found);
			const claim = journal.claim('analyzer');
			if (claim) journal.settle(claim, done(analysed));
		}
		using journal = new Journal(path, readers);
		expect(journal.view.report(found.key)).toMatchObject({ status: 'analysed' });
		expect(statSync(join(folder.path, 'a/b')).mode & 0o777).toBe(0o700);
	});
});

describe('readers', () => {
	test('see what the owner has settled, while it lives, from another process', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		using journal = new Journal(path, readers);
		const { found, analysed } = events();
		const script = `import { readJournal } from ${source}; using view = readJournal(process.argv[1]); console.log(JSON.stringify([...view.reports()].map(({ status }) => status)));`;
		const read = async () => JSON.parse((await exec(process.execPath, ['--input-type=module-typescript', '-e', script, path])).stdout);
		expect(await read()).toEqual([]);
		journal.append(found);
		expect(await read()).toEqual(['found']);
		journal.append(analysed);
		expect(await read()).toEqual(['analysed']);
	});

	test('can not change anything', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		new Journal(path, readers)[Symbol.dispose]();
		const before = readFileSync(path);
		{
			using view = readJournal(path);
			expect([...view.reports()]).toEqual([]);
		}
		expect(readFileSync(path)).toEqual(before);
	});

	test('are told when there is none', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		expect(refusal(() => readJournal(path))).toContain(`there is no journal ${path}: no agent has run with this configuration yet; `);
		mkdirSync(path);
		expect(refusal(() => readJournal(path))).toMatch(/^there is no journal/);
	});
});

describe('files that can not be used', () => {
	test('one of a newer version, by both ways of opening', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		new Journal(path, readers)[Symbol.dispose]();
		new DatabaseSync(path).exec('pragma user_version = 99');
		const message = `the journal ${path} was written by a newer version (layout 99, this one knows ${version}): install that version`;
		expect(refusal(() => new Journal(path, readers))).toBe(message);
		expect(refusal(() => readJournal(path))).toBe(message);
		new DatabaseSync(path).exec(`pragma user_version = ${version}`);
		using _again = new Journal(path, readers); // the refusal left no lock behind
	});

	test('one that holds something else', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'journal.db');
		writeFileSync(path, 'not a database, but long enough to be looked at as one '.repeat(200));
		for (const open of [() => new Journal(path, readers), () => readJournal(path)])
			expect(refusal(open)).toMatch(/^the journal .* can't be used: file is not a database; set journal\.path$/);
	});

	test('a folder in its place, a file where its folder should be', async () => {
		await using folder = await temporaryFolder();
		mkdirSync(join(folder.path, 'journal.db'));
		writeFileSync(join(folder.path, 'file'), '');
		expect(refusal(() => new Journal(join(folder.path, 'journal.db'), readers))).toMatch(
			/^the journal .* can't be used: unable to open database file; set journal\.path$/,
		);
		expect(refusal(() => new Journal(join(folder.path, 'file/journal.db'), readers))).toMatch(
			/^the folder of the journal .* can't be made: .*; set journal\.path$/,
		);
	});

	test('a folder that may not be written to', async () => {
		await using folder = await temporaryFolder();
		chmodSync(folder.path, 0o500);
		const script = `
			import { Journal } from ${source};
			try { new Journal(process.argv[1], ${JSON.stringify(readers)}); } catch (error) { console.log(error.name, error.message); }`;
		expect(await runWithoutRights(script, join(folder.path, 'journal.db'))).toMatch(
			/^JournalError the journal .* can't be used: unable to open database file; set journal\.path$/,
		);
	});
});
