import { describe, expect, test } from 'vitest';
import { crashFactsOf } from '../../src/domain/crash-facts.ts';
import { shortened } from '../../src/domain/crash-object/shorten.ts';
import type { Event } from '../../src/domain/events.ts';
import { fold, foldGivenUp } from '../../src/domain/fold.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import { events } from '../support/events.ts';
import { hugeReport } from '../support/huge-report.ts';
import { ended, podReport } from '../support/pod-report.ts';

const at = (seconds: number) => new Date(Date.parse('2026-11-23T06:25:58.000Z') + seconds * 1000).toISOString();
const own = at(0);

const object = (report: CrashReport, status?: unknown) => ({
	metadata: { namespace: 'milvus', name: 'a-crash' },
	spec: shortened(report),
	status,
});
const crashed = (change: Parameters<typeof podReport>[0] = {}) => podReport({ time: own, restart: ended({}), ...change });

describe('what a CrashReport tells of the end of a container', () => {
	test('is whose it was and how it ended', () => {
		expect(crashFactsOf(object(crashed()))).toEqual({
			report: 'a-crash',
			instance: { namespace: 'milvus', name: 'my-release', kind: 'helm' },
			component: 'querynode',
			time: Date.parse(own),
			times: [Date.parse(own)],
			signal: 11,
			reason: 'Error',
			isHealed: false,
			core: 'settled',
		});
		const killed = crashed({
			restart: ended({ killMessage: 'failed liveness probe' }),
			association: { exitCode: 143, component: undefined },
		});
		expect(crashFactsOf(object(killed))).toMatchObject({ component: 'querynode', signal: 15, killMessage: 'failed liveness probe' });
		const told = crashed({ restart: ended({ signal: { number: 6, name: 'SIGABRT' } }), association: { exitCode: 2 } });
		expect(crashFactsOf(object(told))).toMatchObject({ signal: 6 });
	});

	test('is when the last of those were that it stands for', () => {
		const times = [at(90), at(60), at(30)];
		const told = (status: unknown, report = crashed()) =>
			crashFactsOf(object(report, status))?.times.map((time) => new Date(time).toISOString());
		expect(told({ count: 40, firstTime: own, lastTime: at(90), recentTimes: times })).toEqual(times);
		expect(told({ count: 40, firstTime: own, lastTime: at(90) }), 'of an earlier version').toEqual([at(90), own]);
		expect(told({ count: 1, firstTime: own, lastTime: own })).toEqual([own]);
		const healed = crashed({ restart: ended({ isStartUp: true, isHealed: true }) });
		expect(told({ count: 40, firstTime: own, lastTime: at(90) }, healed), 'perhaps all of them healed').toEqual([own]);
	});

	test('is what has become of its core, at each step of its way', () => {
		const { found, analysed, stored } = events();
		const { association, restart } = crashed();
		const core = (given: readonly Event[], change: object = {}) => {
			const report = given.reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
			return crashFactsOf(object({ ...report, association, restart, ...change }))?.core;
		};
		const coreless = { ...found, body: { ...found.body, core: null } };
		const cameLate = { ...found, revision: 2 };
		const settledAs = (body: object) => ({ ...stored, body }) as Event;
		const skipped = settledAs({ is: 'skipped', reason: 'the crash left no core' });
		expect(core([found])).toBe('pending');
		expect(core([found, analysed])).toBe('pending');
		expect(core([found, analysed, stored])).toBe('settled');
		expect(core([found, analysed, settledAs({ is: 'skipped', reason: 'score 2 is below 4' })])).toBe('settled');
		expect(core([found, analysed, settledAs({ is: 'lost', reason: 'it is not there any more' })])).toBe('settled');
		const { status, storage } = foldGivenUp(fold(undefined, found) as CrashReport, 'analyzer', 'process died while handling it');
		expect(core([found], { status, storage }), 'nobody tries any more').toBe('settled');
		expect(core([coreless]), 'it may come yet').toBe('pending');
		expect(core([coreless, skipped]), 'it has not come').toBeUndefined();
		expect(core([coreless, skipped, cameLate]), 'it has come after all').toBe('pending');
		expect(core([coreless], { lostCore: { reason: 'over core_pipe_limit', advice: 'raise it' } })).toBe('settled');
		expect(core([coreless], { association: { ...association, exitCode: 137, reason: 'OOMKilled' } })).toBeUndefined();
	});

	test('is little, and bounded, however much a report says', () => {
		const restart = ended({ killMessage: 'x'.repeat(10_000) });
		const facts = crashFactsOf(object({ ...hugeReport('x'), association: crashed().association, restart }));
		expect(JSON.stringify(facts).length).toBeLessThan(1000);
		const many = Array.from({ length: 500 }, (_, index) => at(index));
		expect(crashFactsOf(object(crashed(), { recentTimes: many }))?.times).toHaveLength(30);
	});

	test.each<[string, CrashReport]>([
		['a core without a container that ended', podReport({ time: own })],
		['a crash of no instance', crashed({ association: { instance: undefined } })],
		['a crash of whom nobody knows who manages it', crashed({ association: { instanceKind: undefined } })],
		['a crash in another namespace than its own', crashed({ association: { namespace: 'other' } })],
	])('is not told by %s', (_, report) => {
		expect(crashFactsOf(object(report))).toBeUndefined();
	});

	test('is read as far as it can be of what another version wrote, or somebody by hand', () => {
		const { metadata, spec } = object(crashed());
		const status = { recentTimes: ['yesterday'], lastTime: 7 };
		expect(crashFactsOf({ metadata, spec: { ...spec, knownIssues: 'none', colour: 'red' }, status })?.times).toEqual([Date.parse(own)]);
		for (const odd of [undefined, null, 'spec', [], { ...spec, time: 'today' }, { ...spec, restart: true }, { ...spec, association: null }])
			expect(crashFactsOf({ metadata, spec: odd })).toBeUndefined();
	});
});
