import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { groupList, headline, plain, reportList, reportText, summaryOf } from '../../src/report/report.ts';
import { root } from '../support/crash.ts';
import { ended, podReport } from '../support/pod-report.ts';

const now = Date.parse('2026-11-23T06:30:00Z');
const golden = (name: string) => join(root, 'test/fixtures/report/pod', `${name}.txt`);

const nothingOfCore: Partial<CrashReport> = {
	signal: null,
	coreSignal: null,
	reason: null,
	process: {},
	culprit: null,
	fingerprint: null,
	looseFingerprint: null,
	threads: [],
	modules: [],
	stack: 'none',
	complete: 'unknown',
	score: null,
	storage: null,
	status: 'analysed',
};

/** What an operator on call meets. */
const crashes = {
	'with-core': podReport({ restart: ended({ signal: { number: 11, name: 'SIGSEGV' }, missed: 2 }) }),
	'lost-core': podReport({
		evidence: ['restart'],
		core: null,
		association: { exitCode: 139 },
		restart: ended({ signal: { number: 11, name: 'SIGSEGV' } }),
		lostCore: { reason: 'over core_pipe_limit', advice: 'raise it: sysctl -w kernel.core_pipe_limit=16' },
		signal: null,
		culprit: null,
		threads: [],
		storage: null,
		score: null,
	}),
	'out-of-memory': withoutCore({ exitCode: 137, reason: 'OOMKilled' }, ended({ signal: { number: 9, name: 'SIGKILL' } })),
	'exit-80': withoutCore({ exitCode: 80, reason: 'Error' }, ended({})),
	panic: withoutCore(
		{ exitCode: 2, reason: 'Error' },
		ended({ isPanic: true, panicLine: 'panic: runtime error: index out of range [5] with length 3' }),
		{ kind: 'go panic', reason: 'Go panic: index out of range', evidence: ['log', 'restart'] },
	),
	'killed-by-kubelet': withoutCore(
		{ exitCode: 137, reason: 'Error' },
		ended({ signal: { number: 9, name: 'SIGKILL' }, killMessage: 'Container querynode failed liveness probe, will be restarted' }),
	),
	'start-up': withoutCore({ exitCode: 1, reason: 'Error' }, ended({ isStartUp: true, isHealed: true })),
	'stands-for-many': podReport({
		repeats: { count: 38, firstTime: '2026-11-23T06:00:00.000Z', lastTime: '2026-11-23T06:27:00.000Z' },
	}),
	guessed: podReport({ association: { method: 'time', confidence: 'weak', restartCount: 1 } }),
} as const;

function withoutCore(association: Partial<CrashReport['association']>, restart: CrashReport['restart'], change: Partial<CrashReport> = {}) {
	return podReport({
		evidence: ['restart'],
		core: null,
		association: { method: 'container status', ...association },
		restart,
		kind: 'unknown',
		...nothingOfCore,
		...change,
	});
}

describe('a crash in a pod', () => {
	for (const [name, report] of Object.entries(crashes)) {
		test(name, async () => {
			crashReport.parse(report);
			await expect(reportText(report, { paint: plain, now })).toMatchFileSnapshot(golden(name));
		});
	}

	test('has its place in the list, and in a few words', async () => {
		await expect(reportList(Object.values(crashes), { paint: plain, now })).toMatchFileSnapshot(golden('list'));
		const summaries = Object.entries(crashes).map(([name, report]) => `${name}: ${JSON.stringify(summaryOf(report))}\n`);
		await expect(summaries.join('')).toMatchFileSnapshot(golden('summaries'));
	});

	test('shows who it was also beside crashes outside of pods', () => {
		const [, ...lines] = reportList([podReport(), podReport({ association: { pod: undefined, namespace: undefined } })], {
			paint: plain,
			now,
		}).split('\n');
		expect(lines[0]).toMatch(/ milvus +my-release +my-release-querynode-0 /);
		expect(lines[1]).toMatch(/ - +my-release +- /);
	});

	test('keeps hostile names from reaching the terminal', () => {
		const evil = '\x1b]0;owned\x07\u202e';
		const hostile = podReport({
			association: { namespace: evil, pod: evil, container: evil, instance: evil, image: evil, node: evil, reason: evil },
			restart: ended({ isPanic: true, panicLine: evil, killMessage: evil }),
			lostCore: { reason: evil, advice: evil },
		});
		const text = reportText(hostile, { paint: plain, now }) + reportList([hostile], { paint: plain, now }) + headline(hostile);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
		expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
	});
});

test('a name that is cut is cut between characters', () => {
	const name = `${'x'.repeat(98)}😀😀`;
	const { culprit } = summaryOf(podReport({ culprit: { function: name, rule: 'r', rules: 1, confidence: 'high' } }));
	expect(culprit).toBe(`${'x'.repeat(98)}…`);
});

test('groups in a cluster count instances', () => {
	const group = { fingerprint: 'v1:1', count: 9, hosts: 7, instances: 2, first: now, last: now, newest: podReport() };
	expect(groupList([group], { paint: plain, now })).toMatch(/COUNT +INSTANCES .*\nv1:1 +9 +2 /);
});
