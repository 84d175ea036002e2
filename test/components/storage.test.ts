import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { examine } from '../../src/components/collector/collector.ts';
import { storedName } from '../../src/components/storage/name.ts';
import { createRoom, type StorageOptions, sidecar, storage } from '../../src/components/storage/storage.ts';
import { type Backend, BackendUnavailable, type Content } from '../../src/domain/backend.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import type { Outcome } from '../../src/domain/stage.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { type Crash, crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { packedWith, packings } from '../support/packing.ts';
import { listening } from '../support/telemetry.ts';

/** A store, and a core that was found and analysed. */
async function withStore(pack?: (core: string) => Promise<string>) {
	const folder = await temporaryFolder();
	const crashed: Crash = await crash(await program('faults.c'), ['null']);
	const path = pack ? await pack(crashed.core) : crashed.core;
	const { event: found } = await examine(path, { now: Date.now() });
	const { analysed } = events();
	const event: Event<'AnalysisResults'> = { ...analysed, key: found.key, body: { ...analysed.body, core: found.body.core } };
	const report = fold(fold(undefined, found), event) as CrashReport;
	const { telemetry, lines } = listening();
	const store = join(folder.path, 'store');
	const handle = (
		options: Partial<StorageOptions> = {},
		backend: Backend = localBackend(store, { is: 'bytes', bytes: 0 }),
	): Promise<Outcome> =>
		storage({
			backend,
			reports: { report: () => report },
			history: { kept: () => 0 },
			room: createRoom(),
			telemetry,
			options: {
				valueThreshold: 4,
				maxFileSizeBytes: Number.POSITIVE_INFINITY,
				compression: packedWith.zstd,
				sampling: { full: 3, slim: 10 },
				...options,
			},
		}).handle(event, new AbortController().signal);
	const stored = async (outcome: Outcome, backend?: Backend) => {
		const [event] = outcome.is === 'done' ? outcome.emit : [];
		if (event?.kind !== 'StorageEvent') throw new Error(`not stored: ${JSON.stringify(outcome)}`);
		const reports = { report: () => fold(report, event) };
		return sidecar({ backend: backend ?? localBackend(store, { is: 'bytes', bytes: 0 }), reports, telemetry }).handle(
			event,
			new AbortController().signal,
		);
	};
	return {
		path,
		report,
		store,
		/** Puts the report beside what was stored. */
		stored,
		lines,
		handle,
		original: readFileSync(path),
		[Symbol.asyncDispose]: async () => {
			await crashed[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** What was stored. */
function storedBy(outcome: Outcome): { readonly location: string } {
	const body = outcome.is === 'done' && outcome.emit[0]?.kind === 'StorageEvent' ? outcome.emit[0].body : undefined;
	if (body?.is !== 'stored') throw new Error(`not stored: ${JSON.stringify(outcome)}`);
	return { location: body.storage.location };
}

const unpackedBy = async (program: string, path: string) =>
	(await exec(program, ['-dc', path], { encoding: 'buffer', maxBuffer: 1 << 28 })).stdout as unknown as Buffer;

describe('a core that is worth it is stored', () => {
	for (const [compression, end] of [
		['zstd', '.core.zst'],
		['gzip', '.core.gz'],
	] as const) {
		crashTest(`packed with ${compression}`, async () => {
			await using home = await withStore();
			const outcome = await home.handle({ compression: packedWith[compression] });
			const { location } = storedBy(outcome);
			expect(location.endsWith(end)).toBe(true);
			expect((await unpackedBy(compression, location)).equals(home.original)).toBe(true);
			expect(readFileSync(location).length).toBeLessThan(home.original.length / 4);
			expect(await home.stored(outcome)).toEqual({ is: 'done', emit: [] });
			const beside = JSON.parse(readFileSync(location.replace(end, '.json'), 'utf8'));
			expect(beside).toMatchObject({ id: home.report.id, status: 'stored', storage: { form: 'full', location } });
		});
	}

	const ends = { zstd: '.core.zst', gzip: '.core.gz', lz4: '.core.lz4', xz: '.core.xz', apport: '.crash' } as const;
	for (const { name, encoding, pack } of packings) {
		crashTest(`kept as it is when it is packed already: ${name}`, async () => {
			await using home = await withStore(pack);
			const { location } = storedBy(await home.handle({ compression: packedWith[encoding === 'zstd' ? 'gzip' : 'zstd'] }));
			expect(location.endsWith(ends[encoding])).toBe(true);
			expect(readFileSync(location).equals(home.original)).toBe(true);
		});
	}

	crashTest('not packed when that is wanted', async () => {
		await using home = await withStore();
		const { location } = storedBy(await home.handle({ compression: 'none' }));
		expect(location.endsWith('.core')).toBe(true);
		expect(readFileSync(location).equals(home.original)).toBe(true);
	});

	for (const [how, compression, isSteady] of [
		['is known again where it is stored as it is', 'none', true],
		['is not where it is packed on the way, which may give other bytes each time', { is: 'zstd', level: 1, threads: 1 }, false],
	] as const) {
		crashTest(`whose content ${how}`, async () => {
			await using home = await withStore();
			const contents: Content[] = [];
			const { core } = home.report;
			const backend = localBackend(home.store, { is: 'bytes', bytes: 0 });
			await home.handle(
				{ compression },
				{
					...backend,
					put(name, content, signal) {
						contents.push(content);
						return backend.put(name, content, signal);
					},
				},
			);
			expect(contents.map(({ identity, sizeBytes }) => ({ identity, sizeBytes }))).toEqual([
				isSteady ? { identity: core?.fileId, sizeBytes: home.original.length } : { identity: undefined, sizeBytes: undefined },
			]);
		});
	}

	crashTest('twice over, it is one file', async () => {
		await using home = await withStore();
		const first = storedBy(await home.handle());
		expect(storedBy(await home.handle()).location).toBe(first.location);
	});
});

describe('a core that is not stored says why', () => {
	crashTest('a score that is too low', async () => {
		await using home = await withStore();
		expect(await home.handle({ valueThreshold: 9.6 })).toMatchObject({
			is: 'done',
			emit: [{ body: { is: 'skipped', reason: 'score 9.5 is below 9.6 (analyzer.valueThreshold)' } }],
		});
		storedBy(await home.handle({ valueThreshold: 9.5 }));
	});

	crashTest('a file that is too large', async () => {
		await using home = await withStore();
		expect(await home.handle({ maxFileSizeBytes: 1000 })).toMatchObject({
			emit: [{ body: { is: 'skipped', reason: `${home.original.length} bytes are more than 1000 (collector.maxFileSize)` } }],
		});
	});

	crashTest('an original that is gone, or that another has replaced', async () => {
		await using home = await withStore();
		copyFileSync(home.path, `${home.path}.copy`);
		rmSync(home.path);
		expect(await home.handle()).toMatchObject({ emit: [{ body: { is: 'lost', reason: 'the core file is gone' } }] });
		copyFileSync(`${home.path}.copy`, home.path);
		expect(await home.handle()).toMatchObject({
			emit: [{ body: { is: 'lost', reason: 'another file has taken the place of the core file' } }],
		});
		rmSync(home.path);
		mkdirSync(home.path);
		expect(await home.handle()).toMatchObject({ emit: [{ body: { is: 'lost' } }] });
	});
});

/** A backend of which nothing but `put` is asked. */
const elsewhere = localBackend('/nowhere', { is: 'bytes', bytes: 0 });

describe('what may be better later is tried again', () => {
	crashTest('a backend that does not answer', async () => {
		await using home = await withStore();
		const put = () => Promise.reject(new BackendUnavailable('no answer'));
		expect(await home.handle({}, { ...elsewhere, put })).toEqual({ is: 'retry', reason: 'no answer' });
	});

	crashTest('a report that can not be put beside its core, which is not put again', async () => {
		await using home = await withStore();
		const outcome = await home.handle();
		const { location } = storedBy(outcome);
		const { ino } = statSync(location);
		const put = () => Promise.reject(new BackendUnavailable('no answer'));
		expect(await home.stored(outcome, { ...elsewhere, put })).toEqual({ is: 'retry', reason: 'no answer' });
		expect(await home.stored(outcome)).toEqual({ is: 'done', emit: [] });
		expect(readdirSync(join(location, '..'))).toHaveLength(2);
		expect(statSync(location).ino).toBe(ino);
	});

	crashTest('a program for packing that is not there', async () => {
		await using home = await withStore();
		const { PATH } = process.env;
		process.env.PATH = '/nowhere';
		try {
			expect(await home.handle()).toMatchObject({
				is: 'retry',
				reason: expect.stringMatching(/core can't be read: zstd failed: .*ENOENT/),
			});
		} finally {
			process.env.PATH = PATH;
		}
	});

	crashTest('but a bug is thrown', async () => {
		await using home = await withStore();
		const put = () => Promise.reject(new TypeError('x is undefined'));
		await expect(home.handle({}, { ...elsewhere, put })).rejects.toThrow(TypeError);
	});
});

describe('names of stored cores', () => {
	const { found, analysed } = events();
	const report = fold(fold(undefined, found), analysed) as CrashReport;

	test('tell time, crash, host and process', () => {
		expect(storedName(report)).toBe('unassociated/20261123T062558Z-3f9c00_querynode-0_milvus');
	});

	test('hold nothing that a file system, a shell or a bucket minds, whatever the process calls itself', () => {
		const names = ['../../etc/passwd', '.hidden', '..', 'a b\n\0', '核心', 'x'.repeat(300), '-rf', '$(reboot)', '\udcff', ''];
		for (const name of names) {
			const stored = storedName({ ...report, process: { name }, association: { method: 'none', confidence: 'none', host: name } });
			expect(stored).toMatch(/^unassociated\/20261123T062558Z-3f9c00_[A-Za-z0-9_.-]*_[A-Za-z0-9_.-]*$/);
			expect(stored.length).toBeLessThan(200);
		}
	});
});
