import { describe, expect, test } from 'vitest';
import { idIn, labelsOf, labelValue, objectName, spec } from '../../src/domain/crash-object/crash-object.ts';
import { restored } from '../../src/domain/crash-object/restore.ts';
import { cutText, mostSpecBytes, shortened } from '../../src/domain/crash-object/shorten.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold } from '../../src/domain/fold.ts';
import { type CrashReport, crashReport, type Frame } from '../../src/domain/report.ts';
import { plain, reportText } from '../../src/report/report.ts';
import { events } from '../support/events.ts';
import { hugeReport } from '../support/huge-report.ts';
import { opinions } from '../support/opinions.ts';
import { ended, podReport } from '../support/pod-report.ts';

/** What a file name, a message, a name of a function may be. */
const hostile = {
	long: 'x',
	'of many bytes': '😀',
	escaped: '\0',
	'escaped by Go': '<',
	'not text': '\udc80',
} as const;

describe('a report as an object', () => {
	test('of a usual size keeps all that it says, and comes back the same', () => {
		const report = podReport({ restart: ended({ missed: 1 }), message: 'last words', notes: ['a note'] });
		const back = crashReport.parse(restored({ spec: shortened(report) }));
		const { registers, modules, ...rest } = report;
		expect(back).toEqual({ ...rest, registers: {}, modules: [] });
		const text = (one: CrashReport) => reportText({ ...one, modules: [] }, { paint: plain, now: Date.now() });
		expect(text(back)).toBe(text(report));
	});

	test('tells in short what a model thinks', () => {
		const { given, none } = opinions;
		const back = (opinion: CrashReport['opinion']) => restored({ spec: spec.parse(shortened({ ...podReport(), opinion })) })?.opinion;
		expect(back(none)).toEqual(none);
		const { summary, rootCause, recommendations, confidence } = given.answer;
		expect(back(given)).toMatchObject({ is: 'given', model: given.model, answer: { summary, rootCause, recommendations, confidence } });
	});

	test('tells of the crashes that it stands for', () => {
		const status = {
			phase: 'stored',
			count: 38,
			firstTime: '2026-11-23T06:00:00.000Z',
			lastTime: '2026-11-23T06:27:00.000Z',
			recentTimes: ['2026-11-23T06:27:00.000Z', '2026-11-23T06:26:10.000Z'],
			summary: { headline: 'SIGSEGV', what: 'SIGSEGV' },
		};
		const { phase, summary, ...repeats } = status;
		expect(restored({ spec: shortened(podReport()), status })).toMatchObject({ status: phase, repeats });
	});

	test('of a newer version is still so many crashes, whatever phase that says it is in', () => {
		const { storage, ...undecided } = shortened(podReport());
		const time = podReport().time;
		const firstTime = '2026-11-23T06:00:00.000Z';
		const status = { phase: 'archived', count: 38, firstTime, lastTime: '2026-11-23T06:27:00.000Z' };
		const gone = {
			form: 'none',
			reason: 'old',
			was: { location: '/x', sha256: 'ab'.repeat(32), sizeBytes: 1, deletedAt: time, why: 'age' },
		};
		const read = (spec: unknown, more = {}) => restored({ spec, status: { ...status, ...more } });
		const { phase, ...repeats } = status;
		expect(read({ ...undecided, storage })).toMatchObject({ status: 'stored', repeats });
		expect(read({ ...undecided, storage: gone })).toMatchObject({ status: 'deleted', repeats });
		expect(read(undecided)).toMatchObject({ status: 'analysed', repeats });
		expect(read(undecided, { phase: 'failed', lastTime: 'today' })).toMatchObject({
			status: 'failed',
			repeats: { count: 38, firstTime, lastTime: time },
		});
		expect(read(undecided, { recentTimes: ['today'] })?.repeats).not.toHaveProperty('recentTimes');
		for (const count of ['many', -1, undefined]) expect(read(undecided, { count })).not.toHaveProperty('repeats');
		expect(restored({ spec: undecided, status: 'archived' })).toMatchObject({ status: 'analysed' });
	});

	test('of a newer version is read as far as this one knows it, and is left out where that is too little', () => {
		const given = shortened(podReport());
		const newer = { ...given, culprit: { ...given.culprit, column: 7 }, origin: 'a' };
		expect(restored({ spec: newer })?.culprit).toEqual(given.culprit);
		expect(restored({ spec: { ...given, kind: 'a new kind' } })).toBeUndefined();
		expect(restored({})).toBeUndefined();
	});

	for (const [what, unit] of Object.entries(hostile)) {
		test(`fits, however much there is of it: ${what}`, () => {
			const cut = shortened(hugeReport(unit));
			expect(Buffer.byteLength(goJson(cut))).toBeLessThanOrEqual(mostSpecBytes);
			expect(JSON.stringify(cut).isWellFormed()).toBe(true);
			expect(crashReport.parse(restored({ spec: spec.parse(cut) }))).toMatchObject({ id: podReport().id });
		});
	}

	test('loses its longest texts first, all to the same length', () => {
		const report = podReport({ reason: 'r'.repeat(200), message: 'm'.repeat(50_000), notes: ['n'.repeat(40_000), 'short'] });
		const { reason, message = '', notes } = shortened(report);
		expect(reason).toBe(report.reason);
		expect(notes[1]).toBe('short');
		expect(message).toMatch(/^m{2000,}…$/);
		expect(notes[0]).toHaveLength(message.length);
	});

	test('keeps the frames around a culprit that lies deep, and says how many it leaves out', () => {
		const frames = Array.from({ length: 100 }, (_, index): Frame => ({ pc: `0x${index + 10}`, function: `f${index}` }));
		const at = (index: number) => {
			const culprit = { function: `f${index}`, rule: 'r', rules: 1, confidence: 'high' } as const;
			const { threads, notes } = shortened(podReport({ culprit, threads: [{ id: 7, crashed: true, frames }] }));
			const [thread] = threads;
			return [thread?.frames[0]?.function, thread?.frames.length, thread?.omittedFrames, notes];
		};
		expect(at(3)).toEqual(['f0', 20, 80, []]);
		expect(at(50)).toEqual(['f43', 20, 37, ['the 43 frames above those of the stack are left out here']]);
		expect(at(99)).toEqual(['f80', 20, undefined, ['the 80 frames above those of the stack are left out here']]);
	});
});

describe('its name', () => {
	const nameOf = (association: Parameters<typeof podReport>[0] = {}) => objectName(podReport(association));

	test('is that of the pod with the id of the crash', () => {
		expect(nameOf()).toBe('my-release-querynode-0-3f9c00000001');
		expect(idIn(nameOf())).toBe('3f9c00000001');
	});

	test.each([
		['x'.repeat(253), `${'x'.repeat(240)}-3f9c00000001`],
		[`${'x'.repeat(239)}-y`, `${'x'.repeat(239)}-3f9c00000001`],
		[`${'x'.repeat(239)}.y`, `${'x'.repeat(239)}-3f9c00000001`],
	])('is never too long, and valid where it is cut: %#', (pod, name) => {
		expect(nameOf({ association: { pod } })).toBe(name);
	});

	test.each([
		['My Host_1.example.', 'my-host-1.example-3f9c00000001'],
		['..-', 'crash-3f9c00000001'],
		[undefined, 'crash-3f9c00000001'],
	])('without a pod is that of the host: %s', (host, name) => {
		expect(nameOf({ association: { pod: undefined, host } })).toBe(name);
	});
});

describe('its labels', () => {
	test('say where the crash was, and of which bug', () => {
		expect(labelsOf(podReport(), 'node-1')).toEqual({
			'diagnostics.milvus.io/node': 'node-1',
			'diagnostics.milvus.io/instance': 'my-release',
			'diagnostics.milvus.io/component': 'querynode',
			'diagnostics.milvus.io/fingerprint': 'v1-0123456789abcdef',
			'app.kubernetes.io/managed-by': 'milvus-coredump-agent',
		});
	});

	test('are valid and tell different texts apart', () => {
		const long = 'node.'.repeat(40);
		const values = ['node-1', long, `${long}1`, 'a b', 'a-b', '.a', '😀', 'x'.repeat(63), 'x'.repeat(64)].map(labelValue);
		expect(new Set(values).size).toBe(values.length);
		for (const value of values) expect(value).toMatch(/^(?=.{1,63}$)[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/);
	});
});

test('a text is cut by what it takes as JSON, and never in the middle of a character', () => {
	expect(cutText('short', 10)).toBe('short');
	expect(cutText('x'.repeat(11), 10)).toBe(`${'x'.repeat(7)}…`);
	expect(cutText('😀'.repeat(3), 10)).toBe('😀…');
	expect(cutText('\n'.repeat(6), 10)).toBe('\n\n\n…');
});

/** As the API server writes it. */
const goJson = (value: unknown) => JSON.stringify(value).replaceAll(/[<>&\u2028\u2029]/g, '\\u0000');

test('a core that was deleted is told of with where it was, and so read back', () => {
	const { found, analysed, stored } = events();
	const deletion: Event = {
		kind: 'DeletionEvent',
		key: found.key,
		body: { time: '2026-12-23T06:26:00.000Z', files: ['x.core.zst', 'x.json'], sizeBytes: 20_000, why: 'age', reason: 'too old' },
	};
	const report = [found, analysed, stored, deletion].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
	const { location, sha256, sizeBytes } = stored.body.storage;
	const was = { location, sha256, sizeBytes, deletedAt: '2026-12-23T06:26:00.000Z', why: 'age' };
	expect(report).toMatchObject({ status: 'deleted', storage: { form: 'none', reason: 'too old', was } });
	expect(restored({ spec: shortened(report) })?.storage).toEqual(report.storage);
});
