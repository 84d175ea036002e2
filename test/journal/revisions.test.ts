import { describe, expect, test } from 'vitest';
import type { Bodies, Event } from '../../src/domain/events.ts';
import { done } from '../../src/domain/stage.ts';
import { events } from '../support/events.ts';
import { emptyJournal, take } from '../support/journal.ts';

const id = '3f9c0000000a';
const day = 24 * 3600_000;

const { found, analysed, stored } = events(id);
const anew = (revision: number): Event<'CoredumpFile'> => ({
	kind: 'CoredumpFile',
	key: id,
	revision,
	body: { ...found.body, isAnew: true },
});
/** Another reason each time. */
const analysedAs = (revision: number): Event<'AnalysisResults'> => ({
	...analysed,
	revision,
	body: { ...analysed.body, analysis: { ...analysed.body.analysis, reason: `reason ${revision}` } },
});
const storedAnew = (revision: number): Event<'StorageEvent'> => ({ ...stored, revision });

/** A crash that was looked into three times, a day apart. */
async function threeRevisions() {
	const opened = await emptyJournal({});
	const { journal, clock } = opened;
	journal.append(found, analysed, stored);
	const reports = [journal.view.report(id)];
	for (const revision of [2, 3]) {
		clock.now += day;
		journal.append(anew(revision), analysedAs(revision), storedAnew(revision));
		reports.push(journal.view.report(id));
	}
	return { ...opened, journal, clock, reports };
}

describe('an earlier revision of a report', () => {
	test('is what it was then', async () => {
		await using opened = await threeRevisions();
		const { view } = opened.journal;
		for (const [at, report] of opened.reports.entries()) expect(view.reportAt(id, at + 1)).toEqual({ is: 'report', report });
		expect(opened.reports.map((report) => report?.reason)).toEqual([analysed.body.analysis.reason, 'reason 2', 'reason 3']);
	});

	test('never was where nothing says so, and there is none of a crash that is not known', async () => {
		await using opened = await threeRevisions();
		const { journal } = opened;
		expect(journal.view.reportAt(id, 4)).toEqual({ is: 'never' });
		journal.append({ ...anew(6) });
		expect(journal.view.reportAt(id, 5)).toEqual({ is: 'never' });
		expect(journal.view.reportAt('3f9c0000000b', 1)).toBeUndefined();
	});

	test('knows no opinion that came later, and is a revision of its own where only a model was asked', async () => {
		await using opened = await threeRevisions();
		const { journal } = opened;
		journal.append({ kind: 'OpinionRequest', key: id, revision: 4, body: { model: 'other' } });
		const opinion = { is: 'not available', revision: 4, time: '2026-11-26T00:00:00.000Z', reason: 'no answer' } as const;
		journal.append({ kind: 'OpinionEvent', key: id, revision: 4, body: { opinion } });
		expect(journal.view.reportAt(id, 4)).toMatchObject({ report: { revision: 4, reason: 'reason 3', opinion } });
		expect(journal.view.reportAt(id, 3)).toEqual({ is: 'report', report: opened.reports[2] });
		expect([3, 4].map((revision) => journal.view.opinionOn(id, revision))).toEqual([undefined, opinion]);
	});

	test('is forgotten with what it was made of; later ones are not', async () => {
		await using opened = await threeRevisions();
		const { journal, clock } = opened;
		clock.now += 1;
		journal.prune(2 * day + 2);
		expect(journal.view.reportAt(id, 1)).toEqual({ is: 'report', report: opened.reports[0] });
		journal.prune(2 * day);
		expect(journal.view.reportAt(id, 1)).toEqual({ is: 'forgotten' });
		for (const revision of [2, 3])
			expect(journal.view.reportAt(id, revision)).toEqual({ is: 'report', report: opened.reports[revision - 1] });
		journal.prune(day);
		expect(journal.view.reportAt(id, 2)).toEqual({ is: 'forgotten' });
		expect(journal.view.reportAt(id, 3)).toEqual({ is: 'report', report: opened.reports[2] });
	});

	test('has what has become of the core since', async () => {
		await using opened = await threeRevisions();
		const body: Bodies['DeletionEvent'] = { time: '2026-11-26T00:00:00.000Z', files: [], sizeBytes: 1, why: 'age', reason: 'too old' };
		opened.journal.append({ kind: 'DeletionEvent', key: id, body });
		expect(opened.journal.view.reportAt(id, 2)).toMatchObject({ report: { reason: 'reason 2', status: 'deleted' } });
	});
});

describe('what is still to be done about a crash', () => {
	test('is what its stages have not settled, and a stage that gave up says why', async () => {
		await using opened = await emptyJournal({ CoredumpFile: ['analyzer'] });
		const { journal } = opened;
		journal.append(found);
		expect(journal.view.unsettled(id)).toEqual([{ stage: 'analyzer', reason: null }]);
		const claim = take(journal, 'analyzer');
		expect(journal.view.unsettled(id)).toHaveLength(1);
		journal.settle(claim, done(analysed));
		expect(journal.view.unsettled(id)).toEqual([]);
		journal.append(anew(2));
		journal.settle(take(journal, 'analyzer'), { is: 'rejected', reason: 'the core is gone' });
		expect([journal.view.givenUp(id, 1), journal.view.givenUp(id, 2)]).toEqual([undefined, 'analyzer: the core is gone']);
		expect(journal.view.report(id)).toMatchObject({ revision: 2, reason: analysed.body.analysis.reason });
	});

	test('the crashes of one bug are known by its fingerprint', async () => {
		await using opened = await emptyJournal({});
		const other = events('3f9c0000000b');
		opened.journal.append(found, analysed, other.found, other.analysed, events('3f9c0000000c').found);
		expect(opened.journal.view.idsOf('v1:0123456789abcdef')).toEqual([id, '3f9c0000000b']);
		expect(opened.journal.view.idsOf('v1:0')).toEqual([]);
	});
});
