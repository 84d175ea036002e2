import { describe, expect, test } from 'vitest';
import { type Limits, left, permit, settled } from '../../src/components/opinion/budget.ts';
import { type Book, emptyBook } from '../../src/domain/ledger.ts';
import type { Given } from '../../src/domain/opinion.ts';

const minute = 60_000;
const noon = Date.parse('2026-11-15T12:00:00Z');
const limits: Limits = { maxCostPerMonth: 100, maxPerHour: 50 };

const given: Given = {
	time: '2026-11-15T12:00:00.000Z',
	provider: 'glm',
	model: 'glm-4.5-flash',
	promptVersion: 1,
	cost: 0.5,
	answer: {
		summary: 'It read a null pointer.',
		rootCause: 'A segment was released twice.',
		impact: 'The query node restarts.',
		recommendations: [],
		confidence: 0.4,
		codeSuggestions: [],
		relatedIssues: [],
	},
};

let tickets = 0;
const question = (party: string, { about = `about ${++tickets}`, cost = 0 } = {}) => ({
	about,
	party,
	cost,
	ticket: `ticket ${++tickets}`,
});

type Asking = { readonly times?: number; readonly cost?: number; readonly at?: number; readonly under?: Limits | undefined };

/** Asks so often, or until it is refused. */
function ask(book: Book, party: string, { times = 1000, cost = 0, at = noon, ...more }: Asking = {}) {
	const under = 'under' in more ? more.under : limits;
	for (let granted = 0; granted < times; granted++) {
		const [next, answer] = permit(book, question(party, { cost }), under, at);
		book = next;
		if (answer.is !== 'granted') return { book, granted, answer };
	}
	return { book, granted: times, answer: undefined };
}

describe('a question', () => {
	test('that was answered is not asked again, by nobody, for as long as answers are remembered, whatever the limits', () => {
		const first = question('one', { about: 'the crash', cost: 0.5 });
		const [asked, granted] = permit(emptyBook, first, limits, noon);
		expect(granted).toEqual({ is: 'granted', ticket: first.ticket });
		const book = settled(asked, first.ticket, { cost: 0.4, given }, noon + minute);
		const none = { maxCostPerMonth: 0, maxPerHour: 0 };
		const again = (at: number, rememberMs?: number) =>
			permit(book, question('two', { about: 'the crash', cost: 1 }), { ...none, ...(rememberMs && { rememberMs }) }, at)[1];
		expect(again(noon + 29 * 24 * 60 * minute)).toEqual({ is: 'answered', given });
		expect(again(noon + 31 * 24 * 60 * minute)).toMatchObject({ is: 'refused' });
		expect(again(noon + 60 * minute, 10 * minute)).toMatchObject({ is: 'refused' });
	});

	test('that is being asked is waited for, until who asks must have died; then what it might have cost is spent', () => {
		const [book] = permit(emptyBook, question('one', { about: 'the crash', cost: 60 }), limits, noon);
		const again = (at: number) => permit(book, question('two', { about: 'the crash', cost: 60 }), limits, at)[1];
		expect(again(noon + 4 * minute)).toEqual({ is: 'underway', until: noon + 5 * minute });
		expect(again(noon + 5 * minute)).toMatchObject({ is: 'refused', until: Date.parse('2026-12-01T00:00:00Z') });
		for (const later of [6 * minute, 60 * minute, 5 * 24 * 60 * minute]) expect(left(book, limits, noon + later)?.money).toBe(40);
		const [next, answer] = permit(book, question('two', { about: 'the crash', cost: 10 }), limits, noon + 6 * minute);
		expect(answer.is).toBe('granted');
		expect(left(next, limits, noon + 6 * minute)?.money).toBe(30);
	});

	test('whose answer comes after all costs what it has cost', () => {
		const slow = question('one', { cost: 60 });
		const [book] = permit(emptyBook, slow, limits, noon);
		expect(left(settled(book, slow.ticket, { cost: 1 }, noon + 20 * minute), limits, noon + 20 * minute)?.money).toBe(99);
		expect(settled(book, 'another', { cost: 1 }, noon)).toBe(book);
	});

	test('is refused in words and with the time at which there is room again', () => {
		const { book, granted, answer } = ask(emptyBook, 'one', { under: { ...limits, maxPerHour: 1 } });
		expect(granted).toBe(1);
		expect(answer).toEqual({
			is: 'refused',
			reason: 'the one question of this hour is asked (aiAnalysis.maxAnalysisPerHour)',
			until: noon + 49 * minute,
		});
		expect(permit(book, question('one'), { ...limits, maxPerHour: 1 }, noon + 61 * minute)[1].is).toBe('granted');
		const [, money] = permit(emptyBook, question('one', { cost: 101 }), limits, noon);
		expect(money).toEqual({
			is: 'refused',
			reason: 'what is left of the 100 for this month is less than the question may cost (aiAnalysis.maxCostPerMonth)',
			until: Date.parse('2026-12-01T00:00:00Z'),
		});
	});

	test('that costs nothing is never refused for money', () => {
		expect(ask(emptyBook, 'one', { under: { maxCostPerMonth: 0, maxPerHour: 5 } }).granted).toBeGreaterThan(1);
		expect(permit(emptyBook, question('one', { cost: 0.001 }), { maxCostPerMonth: 0, maxPerHour: 5 }, noon)[1]).toMatchObject({
			is: 'refused',
		});
	});

	test('without limits is never refused, and counted all the same', () => {
		const { book, granted } = ask(emptyBook, 'one', { times: 300, cost: 1, under: undefined });
		expect(granted).toBe(300);
		expect(left(book, undefined, noon)).toBeUndefined();
		expect(left(book, limits, noon)).toEqual({ money: 0, questions: 0 });
	});
});
