import { describe, expect, test } from 'vitest';
import { countCrashes } from '../../src/components/cleaner/count.ts';
import { exclusions } from '../../src/components/cleaner/rules.ts';
import { supportOf } from '../../src/components/cleaner/support.ts';
import type { CrashFacts } from '../../src/domain/crash-facts.ts';
import type { PodNow } from '../../src/domain/instance-now.ts';

const now = Date.parse('2026-11-23T07:00:00Z');
const minute = 60_000;
const hour = { since: now - 60 * minute, until: now + minute };
const ago = (minutes: number) => now - minutes * minute;

const crash = (change: Partial<CrashFacts> = {}): CrashFacts => ({
	report: 'a',
	instance: { namespace: 'milvus', name: 'search', kind: 'helm' },
	component: 'querynode',
	time: ago(5),
	times: [ago(5)],
	signal: 11,
	reason: 'Error',
	isHealed: false,
	...change,
});

const countOf = (crashes: readonly CrashFacts[], countOutOfMemory = false) => countCrashes(crashes, { countOutOfMemory }, hour);

describe('the crashes of an instance', () => {
	test('count within the window, folded ones too, over all components', () => {
		const reports = [
			crash(),
			crash({ report: 'b', component: 'proxy', times: [ago(1), ago(2), ago(59), ago(61)], time: ago(90) }),
			crash({ report: 'c', times: [ago(61)] }),
			crash({ report: 'd', times: [now + 5 * minute] }),
		];
		expect(countOf(reports)).toEqual({
			total: 4,
			reports: [
				{ name: 'b', count: 3 },
				{ name: 'a', count: 1 },
			],
			byComponent: new Map([
				['querynode', 1],
				['proxy', 3],
			]),
			last: ago(1),
			left: [],
		});
	});

	test('without any are none', () => {
		expect(countOf([])).toMatchObject({ total: 0, last: undefined, left: [] });
	});

	const excluded: readonly (readonly [id: string, is: Partial<CrashFacts>, isNot: Partial<CrashFacts>])[] = [
		['healed at start-up', { isHealed: true }, { isHealed: false }],
		['passes by itself', { passing: 'lost its lease in etcd' }, {}],
		['out of memory', { reason: 'OOMKilled', signal: 9 }, { reason: 'Error', signal: 6 }],
		['ended by the kubelet', { killMessage: 'failed liveness probe', signal: 6 }, { signal: 6 }],
		['killed', { signal: 9 }, { signal: 4 }],
		['asked to end', { signal: 15 }, { signal: 8 }],
		['asked to end', { reason: 'Evicted' }, { reason: 'Error' }],
	];
	for (const [id, is, isNot] of excluded) {
		test(`do not count, and are told of, where this is so: ${id}: ${JSON.stringify(is)}`, () => {
			const rule = exclusions.find((one) => one.id === id);
			expect(countOf([crash(is), crash({ report: 'b' })])).toMatchObject({ total: 1, left: [{ why: rule?.why, count: 1 }] });
			expect(countOf([crash(isNot)])).toMatchObject({ total: 1, left: [] });
		});
	}

	test('have a test for each reason not to count', () => {
		expect(new Set(excluded.map(([id]) => id))).toEqual(new Set(exclusions.map(({ id }) => id)));
	});

	test('that ran out of memory count where that is wanted', () => {
		const ended = { reason: 'OOMKilled', signal: 9 };
		expect(countOf([crash(ended), crash({ ...ended, killMessage: 'memory pressure' })], true)).toMatchObject({ total: 2, left: [] });
	});

	test('count but for the one that healed, where a report stands for others', () => {
		const time = ago(10);
		expect(countOf([crash({ isHealed: true, time, times: [ago(1), ago(2), time] })])).toMatchObject({ total: 2, left: [{ count: 1 }] });
	});
});

describe('what pods say of that', () => {
	const pod = (change: Partial<PodNow> = {}): PodNow => ({
		name: 'p',
		uid: 'u',
		component: 'querynode',
		annotations: {},
		ends: 8,
		lastEnd: ago(1),
		isBackingOff: false,
		owners: [],
		areOwnersKnown: true,
		...change,
	});
	const support = (counted: Readonly<Record<string, number>>, ...pods: readonly PodNow[]) =>
		supportOf({ byComponent: new Map(Object.entries(counted)) }, pods, hour.since);

	test('supports no more crashes of a component than its containers have ended', () => {
		expect(support({ querynode: 7 }, pod()).total).toBe(7);
		expect(support({ querynode: 100 }, pod()).total).toBe(8);
		expect(support({ querynode: 100 }, pod(), pod({ ends: 3 })).total).toBe(11);
		expect(support({ querynode: 7, proxy: 100 }, pod(), pod({ component: 'proxy', ends: 1 })).total).toBe(8);
	});

	test('supports nothing where there are no pods, or none that ended within the window', () => {
		expect(support({ querynode: 7 })).toEqual({ total: 0, last: undefined, isBackingOff: false });
		expect(support({ querynode: 7 }, pod({ component: 'proxy' })).total).toBe(0);
		expect(support({ querynode: 7 }, pod({ lastEnd: ago(61) }), pod({ lastEnd: undefined })).total).toBe(0);
	});

	test('is when the last of them ended, and whether one waits because it ended too often', () => {
		expect(support({}, pod({ lastEnd: ago(3) }), pod({ lastEnd: ago(2) }))).toMatchObject({ last: ago(2), isBackingOff: false });
		expect(support({}, pod(), pod({ isBackingOff: true })).isBackingOff).toBe(true);
	});
});
