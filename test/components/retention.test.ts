import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { besideOf } from '../../src/components/storage/name.ts';
import {
	createRoom,
	eraser,
	ownStore,
	pinCore,
	pinnedCores,
	type Room,
	retention,
	sidecar,
	storage,
	unpinCore,
} from '../../src/components/storage/storage.ts';
import { type Backend, BackendFull, BackendUnavailable } from '../../src/domain/backend.ts';
import type { Event } from '../../src/domain/events.ts';
import { seriesOf } from '../../src/domain/history.ts';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import type { Stage } from '../../src/domain/stage.ts';
import { type StoredCore, storedCore, storedFile } from '../../src/domain/stored-file.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { temporaryFolder } from '../support/crash.ts';
import { emptyJournal } from '../support/journal.ts';
import { madeUpCrash } from '../support/made-up-crash.ts';
import { packedWith } from '../support/packing.ts';
import { listening } from '../support/telemetry.ts';

const signal = new AbortController().signal;
const day = 24 * 3600_000;
const readers = { AnalysisResults: ['storage'], StorageEvent: ['sidecar'], DeletionEvent: ['eraser'] };

type Change = Parameters<typeof madeUpCrash>[2];

/** A journal, a store on this disk, and the stages that work on both. */
async function withStore() {
	const folder = await temporaryFolder();
	const opened = await emptyJournal(readers);
	const root = join(folder.path, 'store');
	const local = localBackend(root, { is: 'bytes', bytes: 0 });
	const { telemetry, lines } = listening();
	const room = createRoom(() => opened.clock.now);
	let crashes = 0;
	const stages = (backend: Backend = local) => {
		const { view } = opened.journal;
		const options = {
			valueThreshold: 4,
			maxFileSizeBytes: Infinity,
			compression: packedWith.zstd,
			sampling: { full: 99, slim: 0 },
		} as const;
		return {
			storage: storage({ backend, reports: view, history: view, room, telemetry, options, now: () => opened.clock.now }),
			sidecar: sidecar({ backend, reports: view, telemetry }),
			eraser: eraser({ backend, telemetry }),
		};
	};
	/** Does what is due for a stage. */
	const run = async (name: 'storage' | 'sidecar' | 'eraser', backend?: Backend) => {
		for (let claim = opened.journal.claim(name); claim; claim = opened.journal.claim(name)) {
			const outcome = await (stages(backend)[name] as unknown as Stage).handle(claim.event, signal);
			opened.journal.settle(claim, outcome);
			if (outcome.is === 'retry') return outcome.reason;
		}
		return undefined;
	};
	const append = (change: Change = {}) => {
		const id = `${++crashes}`.padStart(6, '0').padEnd(12, '0');
		const foundAt = new Date(opened.clock.now).toISOString();
		const { found, analysed } = madeUpCrash(folder.path, id, { foundAt, ...change });
		opened.journal.append(found, analysed);
		return { id, analysed };
	};
	return {
		root,
		local,
		opened,
		lines,
		room,
		telemetry,
		append,
		run,
		/** One more crash with its core and report in the store. @returns its id */
		async crash(change?: Change) {
			const { id } = append(change);
			await run('storage');
			await run('sidecar');
			return id;
		},
		report: (id: string) => opened.journal.view.report(id) as CrashReport,
		/** Of its core in the store. */
		nameOf: (id: string) => storedFile(storedCore(opened.journal.view.report(id) as CrashReport) as StoredCore),
		/** The files of the store. */
		files: () =>
			readdirSync(root, { recursive: true, encoding: 'utf8' })
				.filter((name) => /\.(zst|json|txt)$/.test(name))
				.sort(),
		pass: (
			limits: Partial<Parameters<typeof retention>[0]['options']> & { readonly root?: string } = {},
			more: {
				readonly freeBytes?: number;
				readonly leastBytes?: number;
				readonly room?: Room;
			} = {},
		) => {
			const { freeBytes = 1000, leastBytes = 0, ...rest } = more;
			const { root: place = root, ...options } = limits;
			const { journal } = opened;
			return retention({
				holdings: ownStore(
					localBackend(place, { is: 'bytes', bytes: 0 }),
					{
						sum: async (below) => journal.view.keptSum(below),
						cores: async (below) => journal.view.keptCores(below),
						isErasing: async () => journal.view.hasWork('eraser'),
						append: async (...events: readonly Event[]) => journal.append(...events),
					},
					signal,
				),
				space: async () => ({ freeBytes, leastBytes }),
				room,
				now: () => opened.clock.now,
				options: { days: 30, maxBytes: Infinity, maxInstanceBytes: 0, ...options },
				...rest,
			})();
		},
		[Symbol.asyncDispose]: async () => {
			await opened[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

const statuses = (at: Awaited<ReturnType<typeof withStore>>, ids: readonly string[]) => ids.map((id) => at.report(id).status);

describe('a core that has to go', () => {
	test('is gone in the report, with the reason, and from the store, with what stood beside it', async () => {
		await using at = await withStore();
		const ids = [await at.crash({ score: 9 }), await at.crash({ score: 6, fingerprint: 'v1:two' }), await at.crash({ score: 7 })];
		writeFileSync(join(at.root, 'note.txt'), 'nobody knows it');
		const before = at.report(ids[2] ?? '');
		await at.pass({ maxBytes: 250 });
		expect(statuses(at, ids)).toEqual(['stored', 'stored', 'deleted']);
		expect(crashReport.parse(at.report(ids[2] ?? '')).storage).toEqual({
			form: 'none',
			reason: 'deleted as worth least: all together were more than 250 B (storage.maxStorageSize)',
			was: {
				location: before.storage?.form === 'full' && before.storage.location,
				sha256: before.storage?.form === 'full' && before.storage.sha256,
				sizeBytes: 100,
				deletedAt: new Date(at.opened.clock.now).toISOString(),
				why: 'size',
			},
		});
		await at.run('eraser');
		expect(at.files().map((name) => name.replace(/.*-(\d{6})_.*(\.core\.zst|\.json)$/, '$1$2'))).toEqual([
			'000001.core.zst',
			'000001.json',
			'000002.core.zst',
			'000002.json',
			'note.txt',
		]);
	});

	test('is counted and told when it is gone, and nothing more goes then', async () => {
		await using at = await withStore();
		await at.crash();
		await at.crash({ score: 7 });
		await at.pass({ maxBytes: 100 });
		await at.run('eraser');
		await at.pass({ maxBytes: 100 });
		expect(
			at.lines.filter(({ msg }) => msg.startsWith('stored core deleted')).map(({ id, why, sizeBytes }) => ({ id, why, sizeBytes })),
		).toEqual([{ id: '000002000000', why: 'size', sizeBytes: 100 }]);
		expect(await at.telemetry.metrics.registry.metrics()).toContain('milvus_coredump_agent_files_deleted_total{reason="size"} 1');
		expect(at.opened.journal.view.hasWork('eraser')).toBe(false);
	});

	test('goes by its age, counted from when it was found; 0 days are for ever', async () => {
		await using at = await withStore();
		const old = await at.crash();
		at.opened.clock.now += 20 * day;
		const young = await at.crash();
		at.opened.clock.now += 11 * day;
		await at.pass({ days: 0 });
		expect(statuses(at, [old, young])).toEqual(['stored', 'stored']);
		await at.pass();
		expect(statuses(at, [old, young])).toEqual(['deleted', 'stored']);
		expect(at.report(old).storage).toMatchObject({ reason: 'deleted after 30 days (storage.retentionDays)' });
	});

	test('stays when it is pinned, and when it lies elsewhere', async () => {
		await using at = await withStore();
		const ids = [await at.crash(), await at.crash()];
		await at.pass({ maxBytes: 0, root: `${at.root}-of-another` });
		expect(statuses(at, ids)).toEqual(['stored', 'stored']);
		await pinCore(at.local, at.nameOf(ids[0] ?? ''), signal);
		await at.pass({ maxBytes: 0 });
		await at.run('eraser');
		expect(statuses(at, ids)).toEqual(['stored', 'deleted']);
		expect(await pinnedCores(at.local, signal)).toEqual([at.nameOf(ids[0] ?? '')]);
		expect(await unpinCore(at.local, at.nameOf(ids[0] ?? ''), signal)).toBe(true);
		await at.pass({ maxBytes: 0 });
		expect(statuses(at, ids)).toEqual(['deleted', 'deleted']);
		const { view } = at.opened.journal;
		expect([view.keptCores(`${at.root}-of-another`), view.keptSum(at.root.slice(0, -1))]).toEqual([[], { sizeBytes: 0 }]);
	});
});

describe('after a death between decision and removal', () => {
	test('the core goes all the same, and the report never says that it is there', async () => {
		await using at = await withStore();
		const id = await at.crash();
		await at.pass({ maxBytes: 0 });
		at.opened.journal.claim('eraser');
		at.opened.reopen();
		expect(at.report(id).status).toBe('deleted');
		expect(at.files()).toHaveLength(2);
		await at.run('eraser');
		expect(at.files()).toEqual([]);
	});

	test('what is gone already does no harm', async () => {
		await using at = await withStore();
		await at.crash();
		await at.pass({ maxBytes: 0 });
		const [event] = [at.opened.journal.claim('eraser')?.event];
		const stage = eraser({ backend: localBackend(at.root, { is: 'bytes', bytes: 0 }), telemetry: at.telemetry });
		for (let time = 0; time < 2; time++)
			expect(await stage.handle(event as Event<'DeletionEvent'>, signal)).toEqual({ is: 'done', emit: [] });
	});

	test('a store that does not answer is asked again', async () => {
		await using at = await withStore();
		await at.crash();
		await at.pass({ maxBytes: 0 });
		const backend: Backend = {
			...localBackend(at.root, { is: 'bytes', bytes: 0 }),
			remove: () => Promise.reject(new BackendUnavailable('no answer')),
		};
		expect(await at.run('eraser', backend)).toBe('no answer');
		at.opened.clock.now += 60_000;
		await at.run('eraser');
		expect(at.files()).toEqual([]);
	});
});

describe('what comes late of a core that went', () => {
	test('its report is not left beside it, whichever is first', async () => {
		await using at = await withStore();
		for (const order of [
			['sidecar', 'eraser'],
			['eraser', 'sidecar'],
		] as const) {
			at.append();
			await at.run('storage');
			await at.pass({ maxBytes: 0 });
			for (const stage of order) await at.run(stage);
			expect(at.files()).toEqual([]);
		}
	});

	test('a report that was being put when it went is removed', async () => {
		await using at = await withStore();
		at.append();
		await at.run('storage');
		const local = localBackend(at.root, { is: 'bytes', bytes: 0 });
		const slow: Backend = {
			...local,
			put: async (...of) => {
				await at.pass({ maxBytes: 0 });
				await at.run('eraser');
				return local.put(...of);
			},
		};
		await at.run('sidecar', slow);
		expect(at.files()).toEqual([]);
	});

	test('more that becomes known of it neither stores it again nor says that it is there', async () => {
		await using at = await withStore();
		const { id, analysed } = at.append();
		await at.run('storage');
		const { storage: before } = at.report(id);
		await at.pass({ maxBytes: 0 });
		const { core, analysis } = analysed.body;
		at.opened.journal.append({ ...analysed, revision: 2, body: { core, analysis: { ...analysis, reason: 'more is known' } } });
		await at.run('storage');
		if (before?.form !== 'full') throw new Error('it was not stored');
		at.opened.journal.append({ kind: 'StorageEvent', key: id, revision: 3, body: { is: 'stored', core, storage: before } });
		expect(at.report(id)).toMatchObject({ status: 'deleted', reason: 'more is known', storage: { form: 'none', was: { why: 'size' } } });
	});
});

test('a core that went for room counts among those of its bug, one that went by its age does not', async () => {
	await using at = await withStore();
	const ids = [await at.crash(), await at.crash()];
	const series = seriesOf(at.report(ids[0] ?? '')) ?? '';
	const counted = () => at.opened.journal.view.kept(series, 4, 'none');
	await at.pass({ maxBytes: 100 });
	expect(counted()).toBe(2);
	at.opened.clock.now += 31 * day;
	await at.pass();
	expect([statuses(at, ids), counted()]).toEqual([['deleted', 'deleted'], 1]);
});

describe('room on the disk', () => {
	test('is made up to what must be free, and not again while it is being made', async () => {
		await using at = await withStore();
		const ids = [await at.crash(), await at.crash({ score: 7 }), await at.crash({ score: 6 })];
		await at.pass({}, { freeBytes: 1000, leastBytes: 1050 });
		expect(statuses(at, ids)).toEqual(['stored', 'stored', 'deleted']);
		await at.pass({}, { freeBytes: 1000, leastBytes: 1050 });
		expect(statuses(at, ids)).toEqual(['stored', 'stored', 'deleted']);
		await at.run('eraser');
		await at.pass({}, { freeBytes: 1000, leastBytes: 1050 });
		expect(statuses(at, ids)).toEqual(['stored', 'deleted', 'deleted']);
		expect(at.report(ids[1] ?? '').storage).toMatchObject({
			reason: 'deleted as worth least: the disk had too little room (storage.minFreeSpace)',
		});
	});

	test('is made for a core that found none, twice as much after each try, and no more than it can take', () => {
		const clock = { now: 0 };
		const room = createRoom(() => clock.now);
		const wanted = (): number => room.wantedBytes() / 2 ** 20;
		room.lacks('small', 1 << 20);
		expect(wanted()).toBe(1);
		const tries = Array.from({ length: 4 }, () => {
			room.lacks('large', 1500 << 20);
			return wanted();
		});
		expect(tries).toEqual([256, 512, 1024, 1500]);
		room.forget('large');
		expect(wanted()).toBe(1);
		clock.now += 16 * 60_000;
		expect(wanted()).toBe(0);
	});

	test('is asked for by a core that does not fit, until it is stored', async () => {
		await using at = await withStore();
		at.append({ sizeBytes: 500 });
		const local = localBackend(at.root, { is: 'bytes', bytes: 0 });
		await at.run('storage', { ...local, put: () => Promise.reject(new BackendFull('full')) });
		expect(at.room.wantedBytes()).toBe(500);
		at.opened.clock.now += 60_000;
		await at.run('storage');
		expect(at.room.wantedBytes()).toBe(0);
	});
});

test('the journal does not forget what is stored where it has to be deleted some day', async () => {
	await using at = await withStore();
	const ids = [await at.crash(), await at.crash({ score: 7 })];
	await at.pass({ maxBytes: 100 });
	await at.run('eraser');
	at.opened.clock.now += 91 * day;
	at.opened.journal.prune(90 * day, { keepsStored: true });
	expect(ids.map((id) => at.opened.journal.view.report(id)?.status)).toEqual(['stored', undefined]);
	at.opened.journal.prune(90 * day);
	expect(ids.map((id) => at.opened.journal.view.report(id)?.status)).toEqual([undefined, undefined]);
	expect(at.opened.journal.view.keptCores(at.root)).toEqual([]);
	expect(existsSync(at.root)).toBe(true);
});

test('the file beside a core is found by its name, however that is packed', () => {
	const names = ['a.b/x.core.zst', 'a.b/x.core.gz', 'a.b/x.core.lz4', 'a.b/x.core.xz', 'a.b/x.core', 'a.b/x.crash', 'a/x_core.core'];
	expect(names.map((name) => besideOf(name, 'report'))).toEqual([...Array(6).fill('a.b/x.json'), 'a/x_core.json']);
});
