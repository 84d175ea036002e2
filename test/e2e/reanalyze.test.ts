import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CrashReport } from '../../src/domain/report.ts';
import { headline } from '../../src/report/report.ts';
import { type Installation, installation, type Sections, settled } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { smallCore } from '../support/corefile.ts';

/** An issue of one's own that all these cores fit. */
const issue = (id: string) => `version: 1
issues:
  - id: ${id}
    match: { text: [SIGSEGV] }
    issues: [milvus-io/milvus#1]
    symptom: Something dies.
    advice: Do something.
    cause: code
    cleanup: neutral
    confidence: low
`;

/** An agent that has dealt with a core, and knows another issue since. */
async function withCrash(extra: Sections = {}) {
	const home = await installation();
	const issues = home.place('issues.yaml');
	writeFileSync(issues, issue('before'));
	home.configure({
		...extra,
		collector: { ...extra.collector },
		analyzer: { enableGdbAnalysis: false, knownIssues: [issues], ...extra.analyzer },
	});
	const agent = await home.start();
	const original = bring(home, 7);
	await settled(home);
	const [{ id }] = home.reports() as [CrashReport];
	return Object.assign(home, {
		agent,
		original,
		id,
		again: (...args: string[]) => cli(['reanalyze', '--config', home.config, ...args]),
		show: async (...args: string[]): Promise<CrashReport> =>
			JSON.parse((await cli(['show', id, '--json', '--config', home.config, ...args])).stdout),
		async learn(name = 'after') {
			const before = agent.lines.length;
			writeFileSync(issues, issue(name));
			agent.kill('SIGHUP');
			await agent.line('configuration changed', before);
		},
		files: () => readdirSync(home.place('stored'), { recursive: true, encoding: 'utf8' }).sort(),
		storedCore: () => readFileSync(locationOf(home.reports()[0])),
	});
}

/** Puts a core into the agent's folder, in one step. @returns its path */
function bring(home: Installation, number: number): string {
	writeFileSync(home.place('.part'), smallCore(number));
	const path = join(home.place('cores'), `core.${number}`);
	renameSync(home.place('.part'), path);
	return path;
}

const locationOf = (report: CrashReport | undefined) => (report?.storage?.form === 'full' ? report.storage.location : '');
const known = (report: CrashReport | undefined) => report?.knownIssues.map(({ id }) => id);

describe('beside a running agent a crash is looked into once more', { timeout: 120_000 }, () => {
	test('in the original while that is there: what changed is told, and what was before stays to be seen', async () => {
		await using home = await withCrash();
		const before = await home.show();
		const files = home.files();
		const core = home.storedCore();
		expect(known(before)).toEqual(['before']);
		expect((await home.again(home.id)).stdout).toBe(`${home.id}  ${headline(before)}\n  revision 2: nothing changed\n`);
		await home.learn();
		const { stdout, stderr, code } = await home.again(home.id.slice(0, 6));
		expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
		expect(stdout).toBe(
			`${home.id}  ${headline(home.reports()[0] as CrashReport)}\n  revision 3: changed:\n  known issues  before → after\n`,
		);
		const [after] = home.reports();
		expect(after).toMatchObject({ revision: 3, status: 'stored', core: before.core, storage: before.storage });
		expect(known(after)).toEqual(['after']);
		expect(await home.show('--revision', '1')).toEqual(before);
		expect(known(await home.show('--revision', '2'))).toEqual(['before']);
		expect((await cli(['show', home.id, '--revision', '4', '--config', home.config])).stderr).toBe(
			`milvus-coredump-agent: crash ${home.id} has no revision 4: the newest is 3\n`,
		);
		expect(home.files()).toEqual(files);
		expect(home.storedCore().equals(core)).toBe(true);
		const beside = locationOf(after).replace(/\.core\.zst$/, '.json');
		await expect.poll(() => JSON.parse(readFileSync(beside, 'utf8')), { timeout: 20_000 }).toEqual(after);
	});

	test.each(['zstd', 'none'])(
		'in what is stored where the original was removed, which stays stored (packed by %s)',
		async (compression) => {
			const storage = compression === 'none' ? { compressionEnabled: false } : { compression };
			await using home = await withCrash({ collector: { removeOriginal: 'afterStored' }, storage });
			await home.agent.line('original core file removed');
			expect(existsSync(home.original)).toBe(false);
			const before = await home.show();
			const core = home.storedCore();
			const files = home.files();
			await home.learn();
			expect((await home.again(home.id)).stdout).toContain('known issues  before → after');
			const after = await home.show();
			const { revision: _, knownIssues, ...rest } = after;
			const { revision: __, knownIssues: ___, ...restBefore } = before;
			expect(rest).toEqual(restBefore);
			expect(known({ ...after, knownIssues })).toEqual(['after']);
			await expect.poll(() => home.agent.lines.filter(({ msg, stage }) => msg === 'settled' && stage === 'remover')).toHaveLength(2);
			expect(home.files()).toEqual(files);
			expect(home.storedCore().equals(core)).toBe(true);
			expect((await cli(['verify', '--config', home.config])).code).toBe(0);
			expect(readdirSync(home.place('scratch'))).toEqual([]);
		},
	);

	test('an original that was not removed before is not removed by it', async () => {
		await using home = await withCrash({ analyzer: { valueThreshold: 10 } });
		expect(await home.show()).toMatchObject({ status: 'skipped' });
		const before = home.agent.lines.length;
		home.configure({ analyzer: { valueThreshold: 1 }, collector: { removeOriginal: 'afterStored' } });
		home.agent.kill('SIGHUP');
		await home.agent.line('configuration changed', before);
		expect((await home.again(home.id)).stdout).toMatch(/^ {2}status +skipped → stored$/m);
		await expect.poll(() => home.agent.lines.filter(({ msg, stage }) => msg === 'settled' && stage === 'remover')).toHaveLength(2);
		expect(existsSync(home.original)).toBe(true);
		expect(home.files().filter((name) => name.endsWith('.core.zst'))).toHaveLength(1);
	});

	test('where nothing is left of its core, what was found out stays, and the reason is told', async () => {
		await using home = await withCrash({ collector: { removeOriginal: 'afterStored' } });
		await home.agent.line('original core file removed');
		const before = await home.show();
		rmSync(locationOf(before));
		const { stdout, code } = await home.again(home.id);
		expect({ code, stdout }).toEqual({
			code: 1,
			stdout: expect.stringMatching(/revision 2: given up by analyzer: the core is gone, and what was stored of it too/),
		});
		const after = await home.show();
		const note = `analyzer gave up: the core is gone, and what was stored of it too (${locationOf(before)})`;
		expect(after).toEqual({ ...before, revision: 2, notes: [...before.notes, note] });
	});

	test('several at a time, each once; what is no crash and no bug is told', async () => {
		await using home = await withCrash({ storage: { sampling: { full: 1 } } });
		expect((await home.again('--group', 'v1:nothing')).stderr).toMatch(/^milvus-coredump-agent: no crash has the fingerprint v1:nothing: /);
		expect((await home.again('--group', 'v1:nothing', home.id)).code).toBe(2);
		expect((await home.again()).stderr).toMatch(/^milvus-coredump-agent: give the id of a crash, or --group/);
		bring(home, 8);
		await settled(home, 2);
		await home.learn();
		const ids = home.reports().map(({ id }) => id);
		expect((await home.again(...ids, ids[0] ?? '')).stdout.match(/known issues {2}before → after/g)).toHaveLength(2);
		expect(home.reports().map(({ revision }) => revision)).toEqual([2, 2]);
	});
});

test('without an agent it waits for one', { timeout: 120_000 }, async () => {
	await using home = await withCrash();
	await home.agent.stop();
	writeFileSync(home.place('issues.yaml'), issue('after'));
	const said = { code: 0, stderr: '', stdout: expect.stringContaining('no agent runs with the journal') };
	expect(await home.again(home.id)).toEqual(said);
	expect((await home.again(home.id)).stderr).toBe(
		`milvus-coredump-agent: crash ${home.id}: analyzer is not done with it yet; try again then\n`,
	);
	expect(known(home.reports()[0])).toEqual(['before']);
	await home.start();
	await expect.poll(() => known(home.reports()[0]), { timeout: 20_000 }).toEqual(['after']);
	expect(home.reports()).toMatchObject([{ revision: 2 }]);
});

test('who does not want to wait need not, and no model is asked where none is to be', { timeout: 120_000 }, async () => {
	await using home = await withCrash();
	expect(await home.again(home.id, '--no-wait')).toEqual({ code: 0, stderr: '', stdout: `${home.id}  revision 2 is asked for\n` });
	await expect
		.poll(() => home.agent.lines.filter(({ msg, stage }) => msg === 'settled' && stage === 'storage'), { timeout: 20_000 })
		.toHaveLength(2);
	expect(await home.again(home.id, '--model', 'other')).toEqual({
		code: 2,
		stdout: '',
		stderr: 'milvus-coredump-agent: no model is asked here: set aiAnalysis.enabled, and the provider that has the model\n',
	});
	expect(home.reports()).toMatchObject([{ revision: 2 }]);
});
