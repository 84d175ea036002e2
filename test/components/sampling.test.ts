import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { type Sampling, sampleOf } from '../../src/components/storage/sampling.ts';
import { createRoom, type SlimOf, storage } from '../../src/components/storage/storage.ts';
import { type Backend, BackendUnavailable } from '../../src/domain/backend.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { type Claim, Journal } from '../../src/journal/journal.ts';
import { exec, temporaryFolder } from '../support/crash.ts';
import { emptyJournal, take } from '../support/journal.ts';
import { madeUpCrash } from '../support/made-up-crash.ts';
import { packedWith } from '../support/packing.ts';
import { listening } from '../support/telemetry.ts';

const signal = new AbortController().signal;

/** The storage stage on a journal and a store of its own. */
async function withStage(sampling: Sampling = { full: 2, slim: 3 }) {
	const folder = await temporaryFolder();
	const opened = await emptyJournal({ CoredumpFile: [], AnalysisResults: ['storage'], StorageEvent: [] });
	const local = localBackend(join(folder.path, 'store'), { is: 'bytes', bytes: 0 });
	let put = local.put;
	const backend: Backend = { ...local, put: (...of) => put(...of) };
	const { telemetry } = listening();
	let slimOf: SlimOf | undefined;
	const stage = () => {
		const { view } = opened.journal;
		const options = { valueThreshold: 4, maxFileSizeBytes: Number.POSITIVE_INFINITY, compression: packedWith.zstd, sampling } as const;
		const made = { backend, reports: view, history: view, room: createRoom(), telemetry, options, now: () => opened.clock.now };
		return storage({ ...made, ...(slimOf && { slimOf }) });
	};
	let current = stage();
	let crashes = 0;
	const append = (change?: Parameters<typeof madeUpCrash>[2]) => {
		const id = `${++crashes}`.padStart(6, '0').padEnd(12, '0');
		const { found, analysed } = madeUpCrash(folder.path, id, change);
		opened.journal.append(found, analysed);
		return { id, analysed };
	};
	const handle = async (claim: Claim) => {
		const outcome = await current.handle(claim.event as never, signal);
		opened.journal.settle(claim, outcome);
		return outcome;
	};
	const stored = (id: string) => opened.journal.view.report(id)?.storage;
	return {
		opened,
		append,
		handle,
		stored,
		take: () => take(opened.journal, 'storage'),
		slimming: (how: SlimOf) => {
			slimOf = how;
			current = stage();
		},
		failing: (reason: string | undefined) => {
			put = reason === undefined ? local.put : () => Promise.reject(new BackendUnavailable(reason));
		},
		restart: () => {
			opened.reopen();
			current = stage();
		},
		/** One more crash, to its end. @returns its id, and what became of its core */
		async crash(change?: Parameters<typeof madeUpCrash>[2]) {
			const { id, analysed } = append(change);
			await handle(take(opened.journal, 'storage'));
			return { id, analysed, storage: stored(id) };
		},
		/** The forms of so many crashes, one after the other. */
		async forms(count: number, change?: Parameters<typeof madeUpCrash>[2]) {
			const forms: unknown[] = [];
			for (let index = 0; index < count; index++) forms.push((await this.crash(change)).storage?.form);
			return forms;
		},
		[Symbol.asyncDispose]: async () => {
			await opened[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

const five = ['full', 'full', 'full', 'full', 'full'];

test('the first are kept whole, the next slim, the others are counted, and each says why', () => {
	const samples = [0, 2, 3, 12, 13, 400].map((kept) => sampleOf(kept, { full: 3, slim: 10 }));
	expect(samples.map(({ form, reason }) => `${form}: ${reason}`)).toEqual([
		'full: core 1 of 13 of this bug, instance and image (storage.sampling)',
		'full: core 3 of 13 of this bug, instance and image (storage.sampling)',
		'slim: core 4 of 13 of this bug, instance and image (storage.sampling)',
		'slim: core 13 of 13 of this bug, instance and image (storage.sampling)',
		'none: 13 cores of this bug, instance and image, worth as much or more, were kept before (storage.sampling)',
		'none: 400 cores of this bug, instance and image, worth as much or more, were kept before (storage.sampling)',
	]);
	expect(sampleOf(0, { full: 0, slim: 0 }).reason).toBe('no cores are kept (storage.sampling)');
});

describe('a crash loop', () => {
	test('has so many cores stored, and the others say how many these were', async () => {
		await using at = await withStage();
		expect(await at.forms(8)).toEqual([...five, 'none', 'none', 'none']);
		expect((await at.crash()).storage).toEqual({
			form: 'none',
			reason: '5 cores of this bug, instance and image, worth as much or more, were kept before (storage.sampling)',
		});
	});

	test('has those whole of which no slim core can be made, and says so', async () => {
		await using at = await withStage({ full: 1, slim: 2 });
		const [first, second] = [await at.crash(), await at.crash()].map(({ storage }) => storage);
		expect(first).toMatchObject({ form: 'full', reason: 'core 1 of 3 of this bug, instance and image (storage.sampling)' });
		expect(second).toMatchObject({
			form: 'full',
			reason: 'core 2 of 3 of this bug, instance and image (storage.sampling); whole: nothing makes it slim here',
		});
		at.slimming(async () => ({ is: 'not slim', reason: 'no room', [Symbol.asyncDispose]: async () => {} }));
		expect((await at.crash()).storage).toMatchObject({
			form: 'full',
			reason: expect.stringContaining('(storage.sampling); whole: no room'),
		});
	});

	test('has the slim core stored of those that should be slim, packed as the others, and its file goes', async () => {
		await using at = await withStage({ full: 1, slim: 1 });
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core.slim');
		let isThere = false;
		at.slimming(async (core, { id }) => {
			writeFileSync(path, `slim core of ${id} at ${core.path}`);
			isThere = true;
			return {
				is: 'slim',
				path,
				[Symbol.asyncDispose]: async () => {
					isThere = false;
				},
			};
		});
		await at.crash();
		const { id, analysed, storage } = await at.crash();
		expect(storage).toMatchObject({ form: 'slim', reason: 'core 2 of 2 of this bug, instance and image (storage.sampling)' });
		const { location = '', sha256 } = storage as { location?: string; sha256?: string };
		expect(location).toMatch(/\.core\.zst$/);
		expect(createHash('sha256').update(readFileSync(location)).digest('hex')).toBe(sha256);
		const { stdout } = await exec('zstd', ['-d', '-c', location]);
		expect(stdout).toBe(`slim core of ${id} at ${analysed.body.core.path}`);
		expect(isThere).toBe(false);
		expect(await at.forms(1)).toEqual(['none']);
	});

	test('begins anew with another bug, instance or image, and with a higher score', async () => {
		await using at = await withStage();
		expect(await at.forms(6, { score: 7 })).toEqual([...five, 'none']);
		expect(await at.forms(6, { score: 7, fingerprint: 'v1:another' })).toEqual([...five, 'none']);
		expect(await at.forms(6, { score: 7, association: { instance: 'another' } })).toEqual([...five, 'none']);
		expect(await at.forms(6, { score: 7, association: { namespace: 'another' } })).toEqual([...five, 'none']);
		expect(await at.forms(6, { score: 7, association: { image: 'milvusdb/milvus:v2.6.16' } })).toEqual([...five, 'none']);
		expect(await at.forms(6, { score: 7.5 })).toEqual([...five, 'none']);
		expect(await at.forms(2, { score: 7 })).toEqual(['none', 'none']);
	});

	test('on a machine is one of a program on a host, until that is built anew', async () => {
		await using at = await withStage();
		const machine = (host: string) => ({ namespace: undefined, instance: undefined, image: undefined, host }) as never;
		expect(await at.forms(6, { association: machine('one') })).toEqual([...five, 'none']);
		expect(await at.forms(1, { association: machine('other') })).toEqual(['full']);
		const modules = [{ path: '/milvus/bin/milvus', buildId: 'cd'.repeat(20), symbols: 'full', file: 'same' }] as const;
		expect(await at.forms(1, { association: machine('one'), modules: [...modules] })).toEqual(['full']);
	});

	test('of which nothing tells the bug is stored whole, as each may be another', async () => {
		await using at = await withStage();
		expect(await at.forms(9, { fingerprint: null })).toEqual([...five, ...five.slice(1)]);
		expect((await at.crash({ fingerprint: null })).storage).toMatchObject({
			reason: 'nothing tells which bug it is, so that it is not counted with others',
		});
	});
});

describe('a core is counted once', () => {
	test('however often it is tried', async () => {
		await using at = await withStage({ full: 2, slim: 0 });
		at.failing('no answer');
		const { id } = at.append();
		for (let tries = 0; tries < 4; tries++) {
			expect(await at.handle(at.take())).toEqual({ is: 'retry', reason: 'no answer' });
			at.opened.clock.now += 600_000;
		}
		at.failing(undefined);
		await at.handle(at.take());
		expect(at.stored(id)).toMatchObject({ form: 'full', reason: expect.stringContaining('core 1 of 2') });
		expect(await at.forms(2)).toEqual(['full', 'none']);
	});

	test('and stays stored when more becomes known of it', async () => {
		await using at = await withStage({ full: 1, slim: 0 });
		const first = await at.crash();
		at.opened.journal.append({ ...first.analysed, revision: 2 });
		await at.handle(at.take());
		expect(at.stored(first.id)).toEqual(first.storage);
		expect(await at.forms(2)).toEqual(['none', 'none']);
	});

	test('also by the next process', async () => {
		await using at = await withStage({ full: 2, slim: 0 });
		expect(await at.forms(1)).toEqual(['full']);
		at.restart();
		expect(await at.forms(2)).toEqual(['full', 'none']);
	});
});

describe('two at once', () => {
	test('are not both the last', async () => {
		await using at = await withStage({ full: 1, slim: 0 });
		const ids = [at.append().id, at.append().id];
		const claims = [at.take(), at.take()];
		const outcomes = await Promise.all(claims.map(at.handle));
		expect(outcomes.map(({ is }) => is)).toEqual(['done', 'wait']);
		at.opened.clock.now += 60_000;
		await at.handle(at.take());
		expect(ids.map((id) => at.stored(id)?.form)).toEqual(['full', 'none']);
	});

	test('the second takes the place of the first when that is not stored', async () => {
		await using at = await withStage({ full: 1, slim: 0 });
		const ids = [at.append().id, at.append().id];
		const claims = [at.take(), at.take()];
		at.failing('no answer');
		const first = at.handle(claims[0] as Claim);
		const second = at.handle(claims[1] as Claim);
		expect([(await first).is, (await second).is]).toEqual(['retry', 'wait']);
		at.failing(undefined);
		at.opened.clock.now += 500;
		while (at.stored(ids[0] ?? '') === null || at.stored(ids[1] ?? '') === null) {
			at.opened.clock.now += 60_000;
			const claim = at.opened.journal.claim('storage');
			if (claim) await at.handle(claim);
		}
		expect(ids.map((id) => at.stored(id)?.form).sort()).toEqual(['full', 'none']);
	});
});

test('what is kept is found by an index, however long the history is', async () => {
	await using opened = await emptyJournal();
	const plan = new DatabaseSync(opened.path)
		.prepare("explain query plan select count(*) as count from kept where series = 'x' and worth >= 4 and id <> 'y'")
		.all();
	expect(plan.map(({ detail }) => detail)).toEqual(['SEARCH kept USING COVERING INDEX kept_series (series=? AND worth>?)']);
});

test('a journal of the layout before knows what is stored', async () => {
	const readers = { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] };
	await using opened = await emptyJournal(readers);
	await using folder = await temporaryFolder();
	const { found, analysed } = madeUpCrash(folder.path, '3f9c00000001');
	const storage = { form: 'full', location: '/data/x.core.zst', sha256: 'ab'.repeat(32), sizeBytes: 20_000 } as const;
	const { core } = found.body;
	opened.journal.append(found, analysed, { kind: 'StorageEvent', key: found.key, body: { is: 'stored', core, storage } });
	opened.close();
	const db = new DatabaseSync(opened.path);
	db.exec('drop table kept; alter table report drop column stored_name; pragma user_version = 2');
	new Journal(opened.path, readers)[Symbol.dispose]();
	expect(db.prepare('select * from kept').all()).toEqual([
		{
			id: found.key,
			series: null,
			fingerprint: analysed.body.analysis.fingerprint,
			worth: 9.5,
			found_at: Date.parse(found.body.foundAt),
			location: '/data/x.core.zst',
			size_bytes: 20_000,
		},
	]);
});
