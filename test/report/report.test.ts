import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fold } from '../../src/domain/fold.ts';
import type { Analysis, CrashReport } from '../../src/domain/report.ts';
import { colours, headline, plain, reportList, reportMarkdown, reportText } from '../../src/report/report.ts';
import { root } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { opinions } from '../support/opinions.ts';

const now = Date.parse('2026-11-23T06:30:00Z');
const golden = (name: string) => join(root, 'test/fixtures/report', name);

function report(change: Partial<Analysis> = {}, isStored = true): CrashReport {
	const { found, analysed, stored } = events();
	const changed = { ...analysed, body: { ...analysed.body, analysis: { ...analysed.body.analysis, ...change } } };
	const folded = fold(fold(undefined, found), changed);
	return (isStored ? fold(folded, stored) : folded) as CrashReport;
}

const idle = [
	{ pc: '0x7f0001', function: '__futex_abstimed_wait', module: '/lib/libc.so.6', offset: '0x1' },
	{ pc: '0x401100', function: 'worker', module: '/milvus/bin/milvus', offset: '0x1100', file: 'pool.cc', line: 7 },
] as const;

describe('a report for a person', () => {
	test('of a crash with all that can be known', async () => {
		const threads = [
			...report().threads,
			...[8, 9, 10].map((id) => ({ id, crashed: false, frames: [...idle] })),
			{ id: 11, crashed: false, frames: [{ pc: '0x7f0002', module: '/lib/libc.so.6', offset: '0x2' } as const] },
		];
		const text = reportText(report({ threads }), { paint: plain, now, earlier: { count: 3, first: now - 86_400_000, last: now - 60_000 } });
		await expect(text).toMatchFileSnapshot(golden('full.txt'));
	});

	test('of one without a stack', async () => {
		const text = reportText(
			report({
				stack: 'none',
				culprit: null,
				fingerprint: null,
				complete: 'truncated',
				threads: [{ id: 7, crashed: true, frames: [{ pc: '0x401000', module: '/milvus/bin/milvus', offset: '0x1000' }] }],
				modules: [{ path: '/milvus/bin/milvus', symbols: 'none', file: 'missing' }],
				notes: [
					'/milvus/bin/milvus is not here: the stack ends at it; give it by --exe, --sysroot, --symbols or --debuginfod (analyzer.symbols.paths, analyzer.symbols.debuginfod)',
				],
			}),
			{ paint: plain, now },
		);
		await expect(text).toMatchFileSnapshot(golden('no-stack.txt'));
	});

	test('with the opinion of a model, apart from what is known', async () => {
		const { given } = opinions;
		const options = { paint: plain, now };
		await expect(reportText({ ...report(), opinion: given }, options)).toMatchFileSnapshot(golden('opinion.txt'));
		await expect(reportMarkdown({ ...report(), opinion: given }, options)).toMatchFileSnapshot(golden('opinion.md'));
		const remembered = reportText({ ...report(), opinion: { ...given, isRemembered: true } }, options);
		expect(remembered).toContain(
			'AI analysis: the opinion of glm-4.5-flash, given to an earlier crash of this bug and image, not a fact\n',
		);
	});

	test('without an opinion says why there is none', () => {
		const text = reportText({ ...report(), opinion: opinions.none }, { paint: plain, now });
		expect(text).toContain(
			'\nAI analysis: not available (GLM does not accept the key)\n  - milvus-coredump-agent reanalyze 3f9c00000001 --model NAME asks again\n',
		);
		expect(text.replace(/\nAI analysis: .*\n.*\n/, '')).toBe(reportText(report(), { paint: plain, now }));
	});

	test('of a stack overflow', async () => {
		const frames = Array.from({ length: 200 }, (_, index) => ({
			pc: `0x4010${(index % 90) + 10}` as const,
			function: 'recurse',
			module: '/milvus/bin/milvus',
			offset: '0x1000' as const,
			file: 'deep.cc',
			line: 3,
		}));
		const text = reportText(report({ threads: [{ id: 7, crashed: true, frames, omittedFrames: 1846 }] }, false), { paint: plain, now });
		await expect(text).toMatchFileSnapshot(golden('overflow.txt'));
	});

	test('of one that is only found yet', async () => {
		await expect(reportText(fold(undefined, events().found) as CrashReport, { paint: plain, now })).toMatchFileSnapshot(
			golden('found.txt'),
		);
	});

	test('keeps hostile names from reaching the terminal', () => {
		const evil = '\x1b]0;owned\x07\x1b[2J\n\u202e';
		const process = { name: evil, arguments: `milvus ${evil}`, executable: evil };
		const frame = { pc: '0x1', function: evil, module: `/x/${evil}`, offset: '0x1', file: evil, line: 1 } as const;
		const hostile = report({
			process,
			reason: evil,
			culprit: { ...frame, rule: evil, rules: 1, confidence: 'low' },
			threads: [
				{ id: 1, crashed: true, frames: [frame] },
				{ id: 2, crashed: false, frames: [frame] },
			],
			notes: [evil],
		});
		const text = reportText(hostile, { paint: plain, now }) + reportList([hostile], { paint: plain, now }) + headline(hostile);
		// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
		expect(text.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/);
		expect(text.split('\n').length).toBeLessThan(40);
	});

	test('has colours on demand, and says the same with them', () => {
		const coloured = reportText(report(), { paint: colours, now });
		expect(coloured).toContain('\x1b[');
		// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of colours
		expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(reportText(report(), { paint: plain, now }));
	});
});

test('a list has a line for each crash', async () => {
	const other = { ...report({ culprit: null, signal: null, score: null }), id: 'abcdefabcdef', status: 'lost' as const };
	const long = {
		...report({ culprit: { function: `ns::${'VeryLong'.repeat(12)}::f`, rule: 'top frame', rules: 1, confidence: 'high' } }),
		id: '0123456789ab',
	};
	await expect(reportList([report(), other, long], { paint: plain, now })).toMatchFileSnapshot(golden('list.txt'));
});

test('the headline says what and where in one line', () => {
	expect(headline(report())).toBe('SIGSEGV at 0x10 in search (search.cc:42)');
	expect(headline(report({ culprit: null }))).toBe('SIGSEGV at 0x10 in milvus, at an unknown place');
	expect(headline(report({ signal: { number: 6, name: 'SIGABRT' } }))).toBe('SIGABRT in search (search.cc:42)');
	expect(headline(fold(undefined, events().found) as CrashReport)).toBe('not analysed yet');
});
