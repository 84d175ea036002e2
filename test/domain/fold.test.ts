import { expect, test } from 'vitest';
import type { Event } from '../../src/domain/events.ts';
import { fold, foldGivenUp } from '../../src/domain/fold.ts';
import type { Opinion } from '../../src/domain/opinion.ts';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { events } from '../support/events.ts';
import { opinions } from '../support/opinions.ts';

test('a crash grows with each event, and has the published shape after each', () => {
	const { found, analysed, stored } = events();
	const one = fold(undefined, found);
	expect(crashReport.parse(one)).toMatchObject({ id: found.key, status: 'found', reason: null, storage: null, revision: 1 });
	const two = fold(one, analysed);
	expect(crashReport.parse(two)).toMatchObject({ status: 'analysed', reason: analysed.body.analysis.reason });
	const three = fold(two, stored);
	expect(crashReport.parse(three)).toMatchObject({ status: 'stored', storage: { form: 'full' }, reason: analysed.body.analysis.reason });
});

test('a core that is not stored keeps the reason', () => {
	const { found, analysed } = events();
	for (const is of ['skipped', 'lost'] as const) {
		const event: Event = { kind: 'StorageEvent', key: found.key, body: { is, reason: 'because' } };
		expect(fold(fold(fold(undefined, found), analysed), event)).toMatchObject({ status: is, storage: { form: 'none', reason: 'because' } });
	}
});

test('what a stage gives up is told, and ends the way of a crash that is not stored, and only of that', () => {
	const { found, analysed, stored } = events();
	const way = [found, analysed, stored].map((_, index, all) => all.slice(0, index + 1).reduce(fold, undefined));
	const end = way.map((report) => crashReport.parse(report && foldGivenUp(report, 'storage', 'no answer')));
	expect(end.map(({ status, storage, notes }) => [status, storage?.form, notes])).toEqual([
		['failed', 'none', ['storage gave up: no answer']],
		['failed', 'none', ['storage gave up: no answer']],
		['stored', 'full', ['storage gave up: no answer']],
	]);
});

test('an event of a crash that is not known, or twice the same, changes nothing', () => {
	const { found, analysed, stored } = events();
	expect(fold(undefined, analysed)).toBeUndefined();
	expect(fold(undefined, stored)).toBeUndefined();
	const report = fold(fold(undefined, found), analysed);
	expect(fold(report, found)).toBe(report);
});

test('what is known later of a crash amends it, and what was found out of less says nothing against it', () => {
	const { found, analysed } = events();
	const restart = { isPanic: false, isStartUp: false, isHealed: false, missed: 0 };
	const association = { method: 'cgroup', confidence: 'exact', podUid: 'one' } as const;
	const more: Event<'CoredumpFile'> = {
		...found,
		revision: 2,
		body: { ...found.body, time: '2026-11-23T06:25:57.000Z', association, restart },
	};
	const amended = fold(fold(undefined, found), more);
	expect(amended).toMatchObject({
		revision: 2,
		status: 'found',
		evidence: ['core', 'restart'],
		association,
		time: '2026-11-23T06:25:57.000Z',
	});
	const early = fold(amended, analysed);
	expect(early).toMatchObject({ status: 'analysed', reason: analysed.body.analysis.reason, association });
	const analysis = { ...analysed.body.analysis, association, reason: 'with all that is known' };
	const late = fold(early, { ...analysed, revision: 2, body: { ...analysed.body, analysis } });
	expect(late).toMatchObject({ reason: 'with all that is known', association });
	expect(fold(late, analysed)).toBe(late);
});

test('a core that comes late opens anew what was decided of the crash without it', () => {
	const { found } = events();
	const { core, ...rest } = found.body;
	const restart = { isPanic: false, isStartUp: false, isHealed: false, missed: 0 };
	const alone: Event<'CoredumpFile'> = { ...found, body: { ...rest, core: null, restart } };
	const skipped: Event = { kind: 'StorageEvent', key: found.key, body: { is: 'skipped', reason: 'the crash left no core' } };
	const before = fold(fold(undefined, alone), skipped);
	const late: Event<'CoredumpFile'> = { ...found, revision: 2, body: { ...rest, core, restart } };
	expect(crashReport.parse(fold(before, late))).toMatchObject({
		revision: 2,
		status: 'found',
		storage: null,
		evidence: ['core', 'restart'],
	});
});

test('an opinion is that on the newest revision that was asked about, and one that was given is not replaced by none', () => {
	const { found, analysed, stored } = events();
	const known = [found, analysed, stored].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
	const said = (report: CrashReport | undefined, opinion: Opinion) =>
		fold(report, { kind: 'OpinionEvent', key: found.key, body: { opinion } });
	const { given, none } = opinions;
	const second = { ...given, revision: 2, model: 'glm-9' };
	expect(crashReport.parse(said(known, none))).toEqual({ ...known, opinion: none });
	expect(said(said(known, none), given)?.opinion).toEqual(given);
	expect(said(said(known, given), { ...none, revision: 2 })?.opinion).toEqual(given);
	expect(said(said(known, second), given)?.opinion).toEqual(second);
	expect(said(said(known, given), second)).toEqual({ ...known, opinion: second });
	expect(said(undefined, given)).toBeUndefined();
});

test('asking anew is a further revision of a report, and changes nothing else in it', () => {
	const { found, analysed } = events();
	const known = [found, analysed].reduce<CrashReport | undefined>(fold, undefined) as CrashReport;
	expect(fold(known, { kind: 'OpinionRequest', key: found.key, revision: 2, body: {} })).toEqual({ ...known, revision: 2 });
});
