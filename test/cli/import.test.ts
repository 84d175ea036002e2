import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bearingsOf } from '../../src/components/storage/storage.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { Journal, readJournal } from '../../src/journal/journal.ts';
import { cli } from '../support/cli.ts';
import { smallCore } from '../support/corefile.ts';
import { temporaryFolder } from '../support/crash.ts';
import { events } from '../support/events.ts';

/** Where an agent may have run, and files to bring in. */
async function home(storage: object = {}) {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const config = place('config.yaml');
	const sections = {
		collector: { coredumpPath: place('cores') },
		journal: { path: place('journal.db') },
		storage: { localPath: place('store'), minFreeSpace: '1MB', ...storage },
		analyzer: { enableGdbAnalysis: false, scratchPath: place('scratch') },
	};
	writeFileSync(config, JSON.stringify(sections)); // JSON is YAML
	return {
		place,
		bring: (path: string, options: readonly string[] = [], environment = {}) =>
			cli(['import', '--config', config, ...options, path], { environment }),
		verify: () => cli(['verify', '--config', config]),
		/** Puts a file there, also into a folder that is not there yet. */
		put(name: string, content: Buffer): string {
			mkdirSync(dirname(place(name)), { recursive: true });
			writeFileSync(place(name), content);
			return place(name);
		},
		reports(): CrashReport[] {
			using journal = readJournal(place('journal.db'));
			return [...journal.reports()];
		},
		stored: () =>
			existsSync(place('store'))
				? readdirSync(place('store'), { recursive: true, encoding: 'utf8' })
						.filter((name) => name.includes('/'))
						.sort()
				: [],
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

test('a core is analysed and stored as if it had been found, and only once, wherever a copy of it is', async () => {
	await using there = await home();
	const path = there.put('from/some core', smallCore(7));
	const { stdout, code, stderr } = await there.bring(path);
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	const [report] = there.reports();
	expect(report).toMatchObject({ status: 'stored', signal: { name: 'SIGSEGV', address: '0x10' }, process: { name: 'milvus' } });
	expect(stdout).toContain(`${report?.id}  SIGSEGV`);
	expect(there.stored()).toEqual([expect.stringMatching(/^unassociated\/.*_milvus\.core\.zst$/), expect.stringMatching(/\.json$/)]);
	expect(await there.verify()).toMatchObject({ code: 0, stdout: expect.stringContaining('1 of 1 stored cores are as they were stored') });
	const copy = there.put('elsewhere/copy', smallCore(7));
	for (const again of [path, copy]) expect((await there.bring(again)).stdout).toBe(`${report?.id}  is known already: ${again}\n`);
	expect(there.reports()).toHaveLength(1);
	expect(readFileSync(path).equals(smallCore(7))).toBe(true);
});

test.each([
	['zstd', { compression: 'zstd', compressionLevel: 7, compressionThreads: 3 }, /(^| )-7 -T3( |$)/],
	['gzip', { compression: 'gzip', compressionLevel: 6 }, /(^| )-6( |$)/],
] as const)('%s packs with the level and the threads that are configured', async (program, storage, told) => {
	await using there = await home(storage);
	const script = `#!/bin/sh\necho "$@" >>'${there.place('told')}'\nPATH='${process.env.PATH}'\nexec ${program} "$@"\n`;
	const between = there.put(`bin/${program}`, Buffer.from(script));
	chmodSync(between, 0o755);
	await there.bring(there.put('core', smallCore(7)), [], { PATH: `${dirname(between)}:${process.env.PATH}` });
	expect(there.reports()).toMatchObject([{ status: 'stored' }]);
	expect(readFileSync(there.place('told'), 'utf8').trim()).toMatch(told);
});

test('a store of an earlier agent: whose a core is, and when it crashed, is taken from its name', async () => {
	await using there = await home();
	const file = '20260102T030405Z-0a1b2c_my-release-milvus-querynode-7d9f_querynode.core.gz';
	const packed = gzipSync(smallCore(8));
	there.put(`old/prod.my-release/${file}`, packed);
	there.put(`old/unassociated/20260102T030406Z-0a1b2d_node-3_milvus.core.gz`, gzipSync(smallCore(9)));
	there.put('old/prod.my-release/notes', Buffer.from('no core'));
	const { stdout, code } = await there.bring(there.place('old'));
	expect(code).toBe(0);
	expect(stdout).toMatch(/^2 imported, 1 not cores\n$/m);
	const [later, earlier] = there.reports();
	expect(earlier).toMatchObject({
		id: expect.stringMatching(/^0a1b2c[0-9a-f]{6}$/),
		time: '2026-01-02T03:04:05.000Z',
		status: 'stored',
		association: {
			...{ method: 'store', confidence: 'strong', namespace: 'prod', instance: 'my-release' },
			...{ pod: 'my-release-milvus-querynode-7d9f', container: 'querynode' },
		},
	});
	expect(later).toMatchObject({ time: '2026-01-02T03:04:06.000Z', association: { method: 'none', host: 'node-3' } });
	expect(readFileSync(join(there.place('store'), 'prod.my-release', file)).equals(packed)).toBe(true);
	expect((await there.bring(there.place('old'))).stdout).toMatch(/^2 known, 1 not cores\n$/m);
	expect(there.stored()).toHaveLength(4);
});

test('for a program what has become of each file is one object, in the end', async () => {
	await using there = await home();
	const [file, text] = [there.put('from/core', smallCore(7)), there.put('from/text', Buffer.from('no core'))];
	const bring = async () => {
		const { stdout, ...rest } = await there.bring(there.place('from'), ['--json']);
		const { files, ...counts } = JSON.parse(stdout);
		return { ...rest, counts, files: files.sort((one: Named, other: Named) => (one.file < other.file ? -1 : 1)) };
	};
	const notCore = { file: text, is: 'no core', reason: expect.stringMatching(/./) };
	expect(await bring()).toEqual({
		code: 0,
		stderr: '',
		counts: { imported: 1, known: 0, failed: 0, notCores: 1 },
		files: [
			{
				file,
				is: 'imported',
				id: there.reports()[0]?.id,
				headline: expect.stringMatching(/^SIGSEGV .*at 0x10/),
				storage: there.reports()[0]?.storage,
			},
			notCore,
		],
	});
	expect(await bring()).toMatchObject({
		counts: { imported: 0, known: 1 },
		files: [{ file, is: 'known', id: there.reports()[0]?.id }, notCore],
	});
	writeFileSync(there.place('from/core'), smallCore(8));
	renameSync(there.place('store'), there.place('aside'));
	writeFileSync(there.place('store'), 'in the way');
	expect(await bring()).toMatchObject({ code: 1, counts: { failed: 1 }, files: [{ is: 'failed', reason: expect.any(String) }, notCore] });
});
type Named = { readonly file: string };

test('an earlier store at the very place of the store is taken over where it is', async () => {
	await using there = await home();
	const file = 'prod.my-release/20260102T030405Z-0a1b2c_pod_querynode.core.gz';
	there.put(`store/${file}`, gzipSync(smallCore(8)));
	expect((await there.verify()).stdout).toMatch(/^orphaned +\S+\.core\.gz/m);
	for (const _ of [1, 2]) expect((await there.bring(there.place('store'))).code).toBe(0);
	expect(there.stored()).toEqual([file, file.replace('.core.gz', '.json')]);
	expect(await there.verify()).toMatchObject({ code: 0 });
});

test('while an agent runs nothing is done, and the line says what can be', async () => {
	await using there = await home();
	const path = there.put('core', smallCore(7));
	{
		using _agent = new Journal(there.place('journal.db'), {});
		expect(await there.bring(path)).toEqual({
			code: 2,
			stdout: '',
			stderr: `milvus-coredump-agent: an agent is running with the journal ${there.place('journal.db')}: copy the files into ${there.place('cores')} (collector.coredumpPath), where it finds those that are younger than collector.maxFileAge, or stop it for as long as the import takes\n`,
		});
	}
	expect(there.stored()).toEqual([]);
	expect((await there.bring(path)).code).toBe(0);
});

test('the work that an agent left is left to the next one', async () => {
	await using there = await home();
	const stages = { CoredumpFile: ['analyzer'], FoundCore: ['correlation'] };
	const { found } = events();
	{
		using journal = new Journal(there.place('journal.db'), stages);
		journal.append(found);
		expect(journal.claim('analyzer')?.event.key).toBe(found.key); // and the agent dies
	}
	expect((await there.bring(there.put('core', smallCore(7)))).code).toBe(0);
	using journal = new Journal(there.place('journal.db'), stages);
	expect(journal.view.rejections()).toEqual([]);
	expect(journal.claim('analyzer')?.event.key).toBe(found.key);
	expect(journal.claim('analyzer')).toBeUndefined();
});

test('what is no core, or not there, is told in one line', async () => {
	await using there = await home();
	expect(await there.bring('/nowhere')).toMatchObject({ code: 2, stderr: 'milvus-coredump-agent: /nowhere: there is no such file\n' });
	const text = there.put('text', Buffer.from('no core'));
	expect(await there.bring(text)).toMatchObject({ code: 2, stderr: expect.stringMatching(/^milvus-coredump-agent: .*\/text: .*\n$/) });
	expect(there.stored()).toEqual([]);
});

test('a core that can not be stored is not in the journal, and is imported when it can be', async () => {
	await using there = await home();
	const path = there.put('core', smallCore(7));
	writeFileSync(there.place('store'), 'in the way');
	expect(await there.bring(path)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^failed: .*can't write there/) });
	expect(there.reports()).toEqual([]);
	renameSync(there.place('store'), there.place('aside'));
	expect((await there.bring(path)).code).toBe(0);
	expect(there.reports()).toHaveLength(1);
});

describe('what the name of a stored core tells', () => {
	const timeOf = (text: string) => bearingsOf(`/x/ns.release/${text}-0a1b2c_pod_milvus.core.gz`)?.timeMs;
	test('the time is read as agents have written it', () => {
		const time = Date.parse('2026-01-02T03:04:05Z');
		for (const text of [
			'20260102T030405Z',
			'20260102-030405',
			'20260102_030405',
			'2026-01-02T03-04-05Z',
			'20260102030405',
			String(time / 1000),
		])
			expect(timeOf(text), text).toBe(time);
		expect(timeOf('20269902T030405Z')).toBeUndefined();
	});

	test('an instance may have dots, and other files are none', () => {
		expect(bearingsOf('/x/ns.my.release/20260102T030405Z-0a1b2c_pod-0_milvus.core.zst')?.association).toMatchObject({
			namespace: 'ns',
			instance: 'my.release',
		});
		for (const other of [
			'/x/core.123',
			'/x/ns.r/20260102T030405Z-0a1b2c_pod_milvus.json',
			'/x/cores/20260102T030405Z-0a1b2c_pod_milvus.core.gz',
		])
			expect(bearingsOf(other)).toBeUndefined();
	});
});
