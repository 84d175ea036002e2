import { describe, expect, test } from 'vitest';
import { evidenceOf, longestWaitMs } from '../../src/components/cleaner/evidence.ts';
import type { CrashFacts } from '../../src/domain/crash-facts.ts';

const due = Date.parse('2026-11-23T07:00:00.000Z');
const minute = 60_000;
const ago = (minutes: number) => due - minutes * minute;
const hour = { since: ago(60), until: due };
const waitMs = 30 * minute;

const crash = (report: string, change: Partial<CrashFacts> = {}): CrashFacts => ({
	report,
	instance: { namespace: 'milvus', name: 'search', kind: 'helm' },
	component: 'querynode',
	time: ago(5),
	times: [ago(5)],
	signal: 11,
	isHealed: false,
	core: 'pending',
	...change,
});

const evidence = (crashes: readonly CrashFacts[], now = due) => evidenceOf(crashes, hour, now, { waitMs });

describe('the newest evidence', () => {
	test('is waited for while its core is not stored, and not for longer than the limit', () => {
		const crashes = [crash('query-0-a')];
		expect(evidence(crashes)).toEqual({
			waits: 'the core of CrashReport query-0-a is not stored yet; that is waited for until 2026-11-23T07:25:00.000Z at the latest',
		});
		expect(evidence(crashes, due + minute), 'says the same at the next look').toEqual(evidence(crashes));
		expect(evidence(crashes, ago(-25) - 1).waits).toBeDefined();
		expect(evidence(crashes, ago(-25))).toEqual({
			gaveUp: 'the core of CrashReport query-0-a is not stored after 30 min; it is not waited for any longer',
		});
	});

	test('holds nothing up when it is stored, or will never be', () => {
		expect(evidence([])).toEqual({});
		expect(evidence([crash('a', { core: 'settled' })])).toEqual({});
		const { core, ...coreless } = crash('a');
		expect(evidence([coreless])).toEqual({});
	});

	test('is the newest core of each component, whatever came before it or left none', () => {
		const old = crash('old', { time: ago(9) });
		const { core, ...killed } = crash('killed', { time: ago(1), signal: 9 });
		expect(evidence([old, crash('new', { core: 'settled' })])).toEqual({});
		expect(evidence([old, crash('new', { core: 'settled' }), crash('proxy-a', { component: 'proxy', time: ago(8) })]).waits).toContain(
			'the core of CrashReport proxy-a is',
		);
		expect(evidence([killed, old]).waits).toContain('CrashReport old is');
	});

	test('is waited for in one component and given up in another', () => {
		const { waits, gaveUp } = evidence([crash('young'), crash('stuck', { component: 'proxy', time: ago(31) })]);
		expect(waits).toContain('CrashReport young ');
		expect(gaveUp).toContain('CrashReport stuck ');
	});

	test('is told of many components in a few words, with when the last wait is over', () => {
		const crashes = Array.from({ length: 5 }, (_, index) => crash(`r-${index}`, { component: `c-${index}`, time: ago(index) }));
		expect(evidence(crashes).waits).toBe(
			'the core of CrashReport r-0, CrashReport r-1, CrashReport r-2, 2 more is not stored yet; that is waited for until 2026-11-23T07:30:00.000Z at the latest',
		);
	});

	test('is not of before the window', () => {
		expect(evidence([crash('a', { time: ago(60) })])).toEqual({});
		expect(evidence([crash('a', { time: ago(59) })]).gaveUp).toBeDefined();
	});

	test('does not hold up for ever what crashes again before each core is stored', () => {
		const loop = (now: number) =>
			Array.from({ length: 60 }, (_, index) => crash(`r-${index}`, { time: due + (index - 30) * 2 * minute }))
				.filter(({ time }) => time <= now)
				.map((one) => ({ ...one, core: one.time + 3 * minute < now ? ('settled' as const) : ('pending' as const) }));
		expect(evidence(loop(due)).waits).toBeDefined();
		expect(evidence(loop(ago(-4)), ago(-4))).toEqual({});
		const storeIsAway = (now: number) => loop(now).map((one) => ({ ...one, core: 'pending' as const }));
		expect(evidence(storeIsAway(ago(-29)), ago(-29)).waits).toBeDefined();
		expect(evidence(storeIsAway(ago(-30)), ago(-30))).toEqual({ gaveUp: expect.any(String) });
	});

	test('is given more time than gdb has', () => {
		expect(longestWaitMs).toBeGreaterThan(5 * minute);
	});
});
