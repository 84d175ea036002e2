import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
	eraser,
	noticeDeletions,
	pinCore,
	pinnedCores,
	type RetentionOptions,
	retention,
	sharedStore,
	unpinCore,
} from '../../src/components/storage/storage.ts';
import { type Backend, NotStored } from '../../src/domain/backend.ts';
import type { Event } from '../../src/domain/events.ts';
import type { KeptCore } from '../../src/domain/history.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { s3Backend } from '../../src/drivers/s3/s3.ts';
import { temporaryFolder } from '../support/crash.ts';
import { describeS3, s3Server } from '../support/s3/server.ts';
import { listening } from '../support/telemetry.ts';

const signal = new AbortController().signal;
const hour = 3600_000;
const day = 24 * hour;

const contentOf = (bytes: Buffer | string) => ({
	async *open() {
		yield Buffer.from(bytes);
	},
});

type Kind = { readonly instance?: string; readonly fingerprint?: string; readonly worth?: number; readonly sizeBytes?: number };

/** What is done with a store that agents share, whatever keeps it. */
async function sharing(backend: Backend) {
	const { telemetry, lines } = listening();
	const clock = { now: Date.now() };
	let count = 0;
	const asked: string[] = [];
	const watched: Backend = {
		...backend,
		get: (name, ...more) => {
			asked.push(name);
			return backend.get(name, ...more);
		},
	};
	const holdings = sharedStore({ backend: watched, telemetry, now: () => clock.now }, signal);
	return {
		clock,
		lines,
		telemetry,
		asked,
		/** An agent stores one more. @returns the name of the core without its end */
		async store({ instance = 'ns.release', fingerprint = 'v1:one', worth = 8, sizeBytes = 100 }: Kind = {}, hasReport = true) {
			const stem = `${instance}/20261129T100000Z-${String(count++).padStart(6, '0')}_pod_milvus`;
			await backend.put(`${stem}.core.zst`, contentOf(Buffer.alloc(sizeBytes)), signal);
			const report = { id: '1'.repeat(12), fingerprint, score: { total: worth, parts: [] } };
			if (hasReport) await backend.put(`${stem}.json`, contentOf(JSON.stringify(report)), signal);
			return stem;
		},
		pass: (options: Partial<RetentionOptions> = {}, space?: { readonly freeBytes: number; readonly leastBytes: number }) =>
			retention({
				holdings,
				space: async () => space,
				options: { days: 0, maxBytes: Infinity, maxInstanceBytes: 0, ...options },
				now: () => clock.now,
			})(),
		names: async () => (await Array.fromAsync(backend.list('', signal))).map(({ name }) => name).sort(),
		note: async (name: string) => JSON.parse(Buffer.concat(await Array.fromAsync(backend.get(name, signal))).toString()),
	};
}

const cores = (names: readonly string[]) => names.filter((name) => name.endsWith('.core.zst')).map((name) => name.replace('.core.zst', ''));

/** Runs a test over a directory, and over a bucket. */
function inAnyStore(name: string, run: (backend: Backend) => Promise<void>): void {
	test(`${name}, in a directory`, async () => {
		await using folder = await temporaryFolder();
		await run(localBackend(join(folder.path, 'store'), { is: 'bytes', bytes: 0 }));
	});
	describeS3('in a bucket', () => {
		test(name, async () => {
			await using server = await s3Server();
			await using folder = await temporaryFolder();
			await run(s3Backend({ ...server.options, prefix: 'agents' }, join(folder.path, 'notes')));
		});
	});
}

describe('a store that agents share', () => {
	inAnyStore('lets go of what is worth least as the reports beside the cores say, and tells beside them why', async (backend) => {
		const at = await sharing(backend);
		const [low, best, other] = [
			await at.store({ worth: 6 }),
			await at.store({ worth: 9 }),
			await at.store({ fingerprint: 'v1:two', worth: 5 }),
		];
		await backend.put('ns.release/notes.txt', contentOf('of somebody'), signal);
		await at.pass({ maxBytes: 250 });
		expect(await at.names()).toEqual([
			`${low}.deleted`,
			...[best, other].flatMap((stem) => [`${stem}.core.zst`, `${stem}.json`]),
			'ns.release/notes.txt',
		]);
		expect(await at.note(`${low}.deleted`)).toEqual({
			time: new Date(at.clock.now).toISOString(),
			why: 'size',
			reason: 'deleted as worth least: all together were more than 250 B (storage.maxStorageSize)',
			sizeBytes: 100,
		});
		expect(at.lines.map(({ msg, id }) => [msg, id])).toEqual([
			['stored core deleted as worth least: all together were more than 250 B (storage.maxStorageSize)', low],
		]);
		expect(await at.telemetry.metrics.registry.metrics()).toContain('files_deleted_total{reason="size"} 1');
		await at.pass({ maxBytes: 250 });
		expect(cores(await at.names())).toEqual([best, other]);
	});

	inAnyStore('lets go by age without asking what anything is worth, and not of what is pinned', async (backend) => {
		const at = await sharing(backend);
		const [kept] = [await at.store(), await at.store(), await at.store()];
		await pinCore(backend, `${kept}.core.zst`, signal);
		at.clock.now += 29 * day;
		await at.pass({ days: 30 });
		expect(cores(await at.names())).toHaveLength(3);
		at.clock.now += 2 * day;
		await at.pass({ days: 30 });
		expect(cores(await at.names())).toEqual([kept]);
		expect(at.asked).toEqual([]);
		expect(await pinnedCores(backend, signal)).toEqual([`${kept}.core.zst`]);
		expect(await unpinCore(backend, `${kept}.core.zst`, signal)).toBe(true);
		await at.pass({ days: 30 });
		expect(cores(await at.names())).toEqual([]);
		await expect(pinCore(backend, `${kept}.core.zst`, signal)).rejects.toBeInstanceOf(NotStored);
		expect(await unpinCore(backend, `${kept}.core.zst`, signal)).toBe(false);
	});
});

test('no instance takes more than its share, and cores of none have no share', async () => {
	await using folder = await temporaryFolder();
	const at = await sharing(localBackend(folder.path, { is: 'bytes', bytes: 0 }));
	const noisy = [await at.store({ worth: 5 }), await at.store({ worth: 7 }), await at.store({ worth: 6 })];
	const others = [await at.store({ instance: 'ns.other', worth: 4 })];
	for (let index = 0; index < 4; index++) others.push(await at.store({ instance: 'unassociated', worth: 4 }));
	await at.pass({ maxInstanceBytes: 150 });
	expect(new Set(cores(await at.names()))).toEqual(new Set([noisy[1], ...others]));
	expect((await at.note(`${noisy[0]}.deleted`)).reason).toBe(
		'deleted as worth least of its instance, which had more than 150 B (storage.maxInstanceSize)',
	);
});

test('makes the room that must be free', async () => {
	await using folder = await temporaryFolder();
	const at = await sharing(localBackend(folder.path, { is: 'bytes', bytes: 0 }));
	const stems = [await at.store({ worth: 9 }), await at.store({ worth: 6 }), await at.store({ worth: 7 })];
	await at.pass({}, { freeBytes: 1000, leastBytes: 1150 });
	expect(cores(await at.names())).toEqual([stems[0]]);
});

test('a core whose report is not there yet is not taken for worthless, one whose report never came is', async () => {
	await using folder = await temporaryFolder();
	const at = await sharing(localBackend(folder.path, { is: 'bytes', bytes: 0 }));
	const early = await at.store({}, false);
	const low = await at.store({ worth: 4 });
	await at.store({ worth: 9 });
	await at.pass({ maxBytes: 200 });
	expect(cores(await at.names())).not.toContain(low);
	at.clock.now += 2 * hour;
	await at.pass({ maxBytes: 100 });
	expect(cores(await at.names())).not.toContain(early);
});

test('reports are read once, whatever goes on', async () => {
	await using folder = await temporaryFolder();
	const at = await sharing(localBackend(folder.path, { is: 'bytes', bytes: 0 }));
	for (let index = 0; index < 5; index++) await at.store({ worth: 5 + index / 10 });
	for (const maxBytes of [400, 300, 200]) await at.pass({ maxBytes });
	expect(at.asked).toHaveLength(5);
	await at.store({ worth: 9 });
	await at.pass({ maxBytes: 200 });
	expect(at.asked).toHaveLength(6);
});

test('what is pinned or stored anew between look and deed stays', async () => {
	await using folder = await temporaryFolder();
	const local = localBackend(folder.path, { is: 'bytes', bytes: 0 });
	let between = async () => {};
	let lists = 0;
	const at = await sharing({
		...local,
		async *list(prefix, own) {
			if (lists++ === 1) await between();
			yield* local.list(prefix, own);
		},
	});
	const stem = await at.store();
	between = () => pinCore(local, `${stem}.core.zst`, signal);
	await at.pass({ maxBytes: 0 });
	expect(cores(await at.names())).toEqual([stem]);
	await unpinCore(local, `${stem}.core.zst`, signal);
	lists = 0;
	between = async () => void (await local.put(`${stem}.core.zst`, contentOf('another'), signal));
	await at.pass({ maxBytes: 0 });
	expect(cores(await at.names())).toEqual([stem]);
	await at.pass({ maxBytes: 0 });
	expect(cores(await at.names())).toEqual([]);
});

test('who stored it takes note of a deletion once, and then nothing of the core is left', async () => {
	await using folder = await temporaryFolder();
	const backend = localBackend(folder.path, { is: 'bytes', bytes: 0 });
	const at = await sharing(backend);
	const [gone, there] = [await at.store({ worth: 5 }), await at.store({ worth: 9 })];
	await at.pass({ maxBytes: 100 });
	const kept = [gone, there].map((stem, index) => ({ id: `${index}`, location: `${folder.path}/${stem}.core.zst` }) as KeptCore);
	const events: Event[] = [];
	const round = noticeDeletions(
		backend,
		{ cores: async () => kept, append: async (...more: Event[]) => events.push(...more) },
		async () => {},
		signal,
	);
	await round();
	const [event] = events as [Event<'DeletionEvent'>];
	expect(events).toHaveLength(1);
	expect(event).toMatchObject({ kind: 'DeletionEvent', key: '0', body: { why: 'size', sizeBytes: 100 } });
	const outcome = await eraser({ backend: { ...backend, kind: 'nfs' }, telemetry: at.telemetry }).handle(event, signal);
	expect(outcome.is).toBe('done');
	expect(await at.names()).toEqual([`${there}.core.zst`, `${there}.json`]);
	expect(readdirSync(folder.path)).toEqual(['ns.release']);
});

test('a deletion of which nobody takes note is forgotten after a month', async () => {
	await using folder = await temporaryFolder();
	const at = await sharing(localBackend(folder.path, { is: 'bytes', bytes: 0 }));
	const stem = await at.store();
	await at.pass({ maxBytes: 0 });
	at.clock.now += 29 * day;
	await at.pass();
	expect(await at.names()).toEqual([`${stem}.deleted`]);
	at.clock.now += 2 * day;
	await at.pass();
	expect(await at.names()).toEqual([]);
});
