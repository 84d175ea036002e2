import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { whatChanged } from '../../src/cli/what-changed.ts';
import { whereToRun } from '../../src/cli/where-to-run.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { done } from '../../src/domain/stage.ts';
import type { Claim } from '../../src/journal/journal.ts';
import { cli } from '../support/cli.ts';
import { events } from '../support/events.ts';
import { withStore } from '../support/stored.ts';

const ids = ['3f9c00000001', '3f9c00000002', '3f9c00000003'] as const;
const fingerprint = 'v1:0123456789abcdef';

/** A journal that an agent has in hand which does nothing: two crashes are stored, and of the third there is nothing left. */
async function home() {
	const there = await withStore();
	for (const id of ids.slice(0, 2)) there.store(id, Buffer.from(id));
	const { found, analysed } = events(ids[2]);
	const skipped: Event = { kind: 'StorageEvent', key: ids[2], body: { is: 'skipped', reason: 'score 1 is below 4' } };
	there.journal.append(found, analysed, skipped);
	return { ...there, again: (...args: string[]) => cli(['reanalyze', '--no-wait', '--config', there.config, ...args]) };
}

describe('crashes are looked into once more', () => {
	test('all of a bug, but for those of which nothing is left, and each of them once', async () => {
		await using there = await home();
		const gone = `its core is gone from /cores/core.${ids[2]}, and is not stored: score 1 is below 4; a model can be asked all the same (--model)`;
		expect(await there.again('--group', fingerprint)).toEqual({
			code: 1,
			stdout: [
				`3 crashes have the fingerprint ${fingerprint}: 2 to be done anew, 1 can not be`,
				...ids.slice(0, 2).map((id) => `${id}  revision 2 is asked for`),
				'',
			].join('\n'),
			stderr: `milvus-coredump-agent: crash ${ids[2]}: ${gone}\n`,
		});
		expect(ids.map((id) => there.journal.view.report(id)?.revision)).toEqual([2, 2, 1]);
		expect((await there.again(ids[0])).stderr).toBe(
			`milvus-coredump-agent: crash ${ids[0]}: analyzer is not done with it yet; try again then\n`,
		);
		expect(there.journal.claim('analyzer')?.event).toEqual({
			...events(ids[0]).found,
			original: undefined,
			revision: 2,
			body: { ...events(ids[0]).found.body, association: { method: 'none', confidence: 'none', host: 'querynode-0' }, isAnew: true },
		});
	});

	test('by a model, where one is asked at all: what was found out stays', async () => {
		await using there = await home();
		const refused = 'milvus-coredump-agent: no model is asked here: set aiAnalysis.enabled, and the provider that has the model\n';
		expect(await there.again(ids[2], '--model', 'other')).toEqual({ code: 2, stdout: '', stderr: refused });
		const before = there.journal.view.report(ids[2]);
		writeFileSync(
			there.config,
			JSON.stringify({ journal: { path: there.place('journal.db') }, aiAnalysis: { enabled: true, apiKey: 'k' } }),
		);
		expect(await there.again(ids[2], '--model', 'other')).toEqual({
			code: 0,
			stdout: `${ids[2]}  revision 2 is asked for\n`,
			stderr: '',
		});
		expect(there.journal.view.report(ids[2])).toEqual({ ...before, revision: 2 });
		expect(there.journal.claim('opinion')?.event).toEqual({ kind: 'OpinionRequest', key: ids[2], revision: 2, body: { model: 'other' } });
	});

	test('a model that gives no opinion says why', async () => {
		await using there = await home();
		writeFileSync(
			there.config,
			JSON.stringify({ journal: { path: there.place('journal.db') }, aiAnalysis: { enabled: true, apiKey: 'k' } }),
		);
		const asking = cli(['reanalyze', ids[0], '--model', 'other', '--config', there.config]);
		const claims: Claim[] = [];
		await expect
			.poll(() => claims.push(...[there.journal.claim('opinion')].filter((claim) => claim !== undefined)), { timeout: 20_000 })
			.toBe(1);
		const opinion = { is: 'not available', revision: 2, time: '2026-11-26T00:00:00.000Z', reason: 'no answer' } as const;
		const [claim] = claims as [Claim];
		there.journal.settle(claim, done({ kind: 'OpinionEvent', key: ids[0], revision: 2, body: { opinion } }));
		expect(await asking).toEqual({
			code: 1,
			stdout: expect.stringMatching(/\n {2}revision 2: no opinion: no answer\n {2}opinion {2}none → not available \(no answer\)\n$/),
			stderr: '',
		});
	});
});

test('what changed is told of what people look at first', () => {
	const { found, analysed, stored } = events(ids[0]);
	const before = [found, analysed, stored].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
	expect(whatChanged(before, { ...before, revision: 2, notes: ['a note'] })).toEqual([]);
	const opinion = { is: 'not available', revision: 2, time: before.time, reason: 'no answer' } as const;
	const after: CrashReport = { ...before, culprit: null, fingerprint: null, score: { total: 4, parts: [] }, opinion };
	expect(whatChanged(before, after)).toEqual([
		{ what: 'culprit', before: 'search search.cc:42', after: 'none' },
		{ what: 'fingerprint', before: fingerprint, after: 'none' },
		{ what: 'score', before: '9.5', after: '4' },
		{ what: 'opinion', before: 'none', after: 'not available (no answer)' },
	]);
});

test('in a cluster the agent of its node does it: what to type is one line', () => {
	expect(whereToRun(['node-1', 'node-1'], [ids[0], '--model', 'other'])).toBe(
		`that is for the agent of node node-1: kubectl -n NAMESPACE exec POD -- milvus-coredump-agent reanalyze ${ids[0]} --model other; NAMESPACE and POD are in kubectl get pods -A -o wide -l app=milvus-coredump-agent --field-selector spec.nodeName=node-1`,
	);
	expect(whereToRun(['b', 'a'], ['x'])).toMatch(/^that is for the agent of node b and of node a: .* -l app=milvus-coredump-agent$/);
	expect(whereToRun([], ['--group', fingerprint])).toMatch(
		/^that is for the agent of each node: .* reanalyze --group v1:0123456789abcdef; /,
	);
});
