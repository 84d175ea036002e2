import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { exec } from '../support/crash.ts';
import { withStore } from '../support/stored.ts';

const ids = ['3f9c00000001', 'aaaaaa000002', 'bbbbbb000003'] as const;

/** A store with three cores. */
async function withCores() {
	const home = await withStore();
	const [first, second, third] = ids.map((id) => home.store(id, Buffer.from(`the core of ${id}`.repeat(10_000)))) as [
		Stored,
		Stored,
		Stored,
	];
	const verify = (...args: string[]) => cli(['verify', '--config', home.config, ...args]);
	const findings = async () => {
		const { stdout, code } = await verify('--json');
		const { findings, ...counts } = JSON.parse(stdout);
		expect(code).toBe(findings.length === 0 ? 0 : 1);
		return { counts, findings: findings.map(({ flaw, file, crash = '-' }: Record<string, string>) => [flaw, file, crash]) };
	};
	return { ...home, first, second, third, verify, findings };
}
type Stored = ReturnType<Awaited<ReturnType<typeof withStore>>['store']>;

test('a store as it was left is said to be so, and nothing in it is changed', async () => {
	await using home = await withCores();
	const listed = async () => (await exec('find', [home.place('store'), '-printf', '%p %s %T@\n'])).stdout;
	const before = await listed();
	expect(await home.verify()).toEqual({
		code: 0,
		stdout: expect.stringMatching(/^3 of 3 stored cores are as they were stored; all files take 7\d\d\.\d KB\n$/),
		stderr: '',
	});
	expect(await listed()).toBe(before);
});

test('what is damaged, missing, orphaned or not of an agent is told, each with its crash', async () => {
	await using home = await withCores();
	const { first, second, third } = home;
	const bytes = first.content();
	writeFileSync(first.file, Buffer.concat([bytes.subarray(0, 5), Buffer.of(bytes.readUInt8(5) ^ 1), bytes.subarray(6)]));
	rmSync(second.file);
	rmSync(third.sidecar);
	// As other agents left them in a store that is shared: the journal here knows nothing of them.
	const away = join(dirname(third.file), '20260101T000000Z-cccccc_pod_milvus');
	writeFileSync(
		`${away}.json`,
		JSON.stringify({
			...third.report,
			id: 'cccccc000004',
			storage: { ...third.report.storage, location: `/x/${away}.core.zst`, name: 'ns.release/20260101T000000Z-cccccc_pod_milvus' },
		}),
	);
	writeFileSync(`${away.replace('cccccc', 'dddddd')}.core.gz`, 'older');
	writeFileSync(join(home.place('store'), 'notes.txt'), 'mine');
	mkdirSync(join(home.place('store'), 'a', 'b'), { recursive: true });
	writeFileSync(join(home.place('store'), 'a', 'b', 'c.core.zst'), 'mine');
	const { counts, findings } = await home.findings();
	expect(counts).toMatchObject({ cores: 3, whole: 1 });
	expect(findings).toEqual([
		['unknown', 'a/b/c.core.zst', '-'],
		['unknown', 'notes.txt', '-'],
		['orphaned', 'ns.release/20260101T000000Z-cccccc_pod_milvus.json', 'cccccc000004'],
		['orphaned', 'ns.release/20260101T000000Z-dddddd_pod_milvus.core.gz', '-'],
		['damaged', `${first.name}.core.zst`, ids[0]],
		['missing', `${second.name}.core.zst`, ids[1]],
		['orphaned', `${third.name}.core.zst`, ids[2]],
	]);
	const { stdout, code } = await home.verify();
	expect(code).toBe(1);
	expect(stdout).toMatch(/^WHAT +FILE +CRASH +DETAIL\n/);
	expect(stdout).toMatch(/^damaged +\S+ +3f9c00000001 +its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}$/m);
	expect(stdout).toMatch(/\n1 of 3 stored cores are as they were stored; .*; 2 unknown, 3 orphaned, 1 damaged, 1 missing\n$/);
});

test('a core that is cut, and a report that is none, are damaged', async () => {
	await using home = await withCores();
	writeFileSync(home.first.file, home.first.content().subarray(1));
	writeFileSync(home.second.sidecar, readFileSync(home.second.sidecar).subarray(0, 100));
	writeFileSync(home.third.sidecar, '{"storage":{"form":"none","reason":"x"}}');
	expect((await home.findings()).findings).toEqual([
		['damaged', `${home.first.name}.core.zst`, ids[0]],
		['damaged', `${home.second.name}.json`, ids[1]],
		['damaged', `${home.third.name}.json`, ids[2]],
	]);
});

test('where there is no journal, the reports beside the cores are what counts', async () => {
	await using home = await withCores();
	rmSync(home.first.sidecar);
	writeFileSync(home.second.file, Buffer.alloc(home.second.content().length));
	home.configure('store', 'other.db');
	expect((await home.verify('--json')).stderr).toBe(
		`there is no journal ${home.place('other.db')}: cores are compared with the reports beside them only\n`,
	);
	const { counts, findings } = await home.findings();
	expect(counts).toMatchObject({ cores: 3, whole: 1 });
	expect(findings).toEqual([
		['orphaned', `${home.first.name}.core.zst`, '-'],
		['damaged', `${home.second.name}.core.zst`, ids[1]],
	]);
});

test('a store that is empty or not there lacks what the journal says', async () => {
	await using home = await withCores();
	rmSync(home.place('store'), { recursive: true });
	const { counts, findings } = await home.findings();
	expect(counts).toEqual({ cores: 0, whole: 0, sizeBytes: 0, elsewhere: [] });
	expect(findings.map(([flaw]: string[]) => flaw)).toEqual(['missing', 'missing', 'missing']);
});

test('cores of a store that was configured before are not missing in this one, and are counted', async () => {
	await using home = await withCores();
	home.configure('moved');
	const { counts, findings } = await home.findings();
	expect(findings).toEqual([]);
	expect(counts).toEqual({ cores: 0, whole: 0, sizeBytes: 0, elsewhere: [{ place: home.place('store'), cores: 3 }] });
	expect(await home.verify()).toMatchObject({
		code: 0,
		stdout: `0 of 0 stored cores are as they were stored; all files take 0 B; 3 are stored elsewhere, in ${home.place('store')}\n`,
	});
});

test('cores that were moved along with the configuration are verified where they are now', async () => {
	await using home = await withCores();
	renameSync(home.place('store'), home.place('moved'));
	home.configure('moved');
	expect(await home.findings()).toMatchObject({ counts: { cores: 3, whole: 3, elsewhere: [] }, findings: [] });
});

test('a report that was moved without its core is without it, wherever that was stored', async () => {
	await using home = await withCores();
	mkdirSync(join(home.place('moved'), 'ns.release'), { recursive: true });
	renameSync(home.first.sidecar, join(home.place('moved'), `${home.first.name}.json`));
	home.configure('moved');
	const { counts, findings } = await home.findings();
	expect(findings).toEqual([['orphaned', `${home.first.name}.json`, ids[0]]]);
	expect(counts.elsewhere).toEqual([{ place: home.place('store'), cores: 3 }]);
});
