import { describe, expect, test } from 'vitest';
import { type Limits, left, permit, settled } from '../../src/components/opinion/budget.ts';
import { type Book, book as bookSchema, emptyBook } from '../../src/domain/ledger.ts';
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

test('of a machine by itself nothing is left for others', () => {
	const alone = { maxCostPerMonth: 1, maxPerHour: 7, isAlone: true };
	expect(ask(emptyBook, 'here', { under: alone })).toMatchObject({ granted: 7, answer: { is: 'refused' } });
	expect(ask(emptyBook, 'here', { under: { ...alone, maxPerHour: 50 }, cost: 0.25 })).toMatchObject({ granted: 4 });
});

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
		const next = question('one');
		const later = noon + 40 * 24 * 60 * minute;
		const long = { ...limits, rememberMs: 90 * 24 * 60 * minute };
		const much = settled(permit(book, next, long, later)[0], next.ticket, { cost: 0 }, later);
		expect(permit(much, question('two', { about: 'the crash' }), long, later)[1].is).toBe('answered');
	});

	test('that is being asked is waited for, until who asks must have died; then what it might have cost is spent', () => {
		const [book] = permit(emptyBook, question('one', { about: 'the crash', cost: 60 }), limits, noon);
		const again = (at: number) => permit(book, question('two', { about: 'the crash', cost: 60 }), limits, at)[1];
		expect(again(noon + 4 * minute)).toEqual({ is: 'underway', until: noon + 5 * minute });
		expect(again(noon + 5 * minute)).toMatchObject({ is: 'refused', until: noon + 66 * minute });
		expect(again(noon + 70 * minute)).toMatchObject({ is: 'refused', until: Date.parse('2026-12-01T00:00:00Z') });
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

describe('what there is', () => {
	const hours = 60 * minute;

	test('of the hour one who is alone may have, but for a fifth that is left for who comes late until it comes free anyway', () => {
		const burst = ask(emptyBook, 'storm');
		expect(burst.granted).toBe(40);
		expect(burst.answer).toMatchObject({ is: 'refused', until: noon + 49 * minute });
		const late = ask(burst.book, 'late', { at: noon + minute });
		expect(late.granted).toBe(8);
		expect(ask(late.book, 'later', { at: noon + minute }).granted).toBeGreaterThan(0);
		expect(ask(burst.book, 'storm', { at: noon + 49 * minute }).granted).toBe(10);
	});

	test('of the hour one who is alone and asks steadily gets all', () => {
		let book = emptyBook;
		const granted: number[] = [];
		for (let at = noon; at < noon + 10 * hours; at += minute / 4) {
			const asked = ask(book, 'one', { at, times: 1 });
			book = asked.book;
			if (asked.granted > 0) granted.push(at);
		}
		expect(granted.filter((at) => at >= noon + 9 * hours - minute).length).toBe(50);
	});

	test('is divided equally among those who want it', () => {
		const names = ['a', 'b', 'c', 'd', 'e'];
		const had = new Map(names.map((name) => [name, 0]));
		let book = emptyBook;
		for (let round = 0; round < 60; round++)
			for (const name of names) {
				const asked = ask(book, name, { times: 1, cost: 0.1 });
				book = asked.book;
				had.set(name, (had.get(name) ?? 0) + asked.granted);
			}
		// One or two are left for a sixth.
		expect([...had.values()]).toEqual([10, 10, 10, 9, 9]);
	});

	test('goes to those who have had least, where there are more of them than questions', () => {
		const names = Array.from({ length: 9 }, (_, index) => `node-${index}`);
		const under = { ...limits, maxPerHour: 3 };
		const had = new Map<string, number>();
		let book = emptyBook;
		for (let at = noon; at < noon + 6 * hours; at += minute)
			for (const name of names) {
				const asked = ask(book, name, { times: 1, at, under });
				book = asked.book;
				had.set(name, (had.get(name) ?? 0) + asked.granted);
			}
		expect(Math.min(...names.map((name) => had.get(name) ?? 0))).toBeGreaterThan(0);
	});

	test('of the month one who is alone may have until its end, and who comes late finds something at any time', () => {
		const begin = Date.parse('2026-11-01T00:00:00Z');
		const many = { ...limits, maxPerHour: 2000 };
		let { book, granted } = ask(emptyBook, 'storm', { at: begin, cost: 1, under: many });
		expect(granted).toBe(80);
		for (let at = begin + hours; at < Date.parse('2026-11-30T23:00:00Z'); at += hours) {
			const late = ask(book, 'late', { at, cost: 0.01, times: 1, under: many });
			expect(late.granted, new Date(at).toISOString()).toBe(1);
			const asked = ask(book, 'storm', { at, cost: 0.1, under: many });
			book = asked.book;
			granted += asked.granted / 10;
		}
		expect(granted).toBeGreaterThan(99.5);
		expect(left(book, many, Date.parse('2026-11-30T23:30:00Z'))?.money).toBeLessThan(0.5);
		expect(left(book, many, Date.parse('2026-12-01T00:00:00Z'))?.money).toBe(100);
	});
});

describe('the book', { timeout: 60_000 }, () => {
	test('stays small, forgets answers before anything else, and no money', () => {
		let book = emptyBook;
		const long = { ...given, answer: { ...given.answer, recommendations: Array.from({ length: 20 }, () => '内'.repeat(1500)) } };
		for (let index = 0; index < 60; index++) {
			const asked = question('one', { about: `crash ${index}`, cost: 1 });
			[book] = permit(book, asked, undefined, noon);
			book = settled(book, asked.ticket, { cost: 1, given: index < 50 ? given : long }, noon);
		}
		expect(Buffer.byteLength(JSON.stringify(book))).toBeLessThan(600_000);
		expect(book.answers.length).toBeLessThan(10);
		expect(book.answers.at(-1)?.about).toBe('crash 59');
		expect(left(book, limits, noon)?.money).toBe(40);
		for (let index = 0; index < 1_100; index++)
			book = ask(book, `node-${index}`, { times: 1, cost: 0.01, at: noon, under: undefined }).book;
		const later = noon + 2 * 60 * minute;
		expect(left(ask(book, 'one', { times: 1, at: later, under: undefined }).book, limits, later)?.money).toBeCloseTo(29);
		book = ask(book, 'one', { times: 1, at: later, under: undefined }).book;
		expect(Object.keys(book.month.spent).length).toBeLessThan(1_001);
	});

	test('of a clock that was ahead blocks nobody for ever, and loses no money', () => {
		const ahead = Date.parse('2027-03-01T00:00:00Z');
		const asked = question('one', { about: 'the crash', cost: 30 });
		const [open] = permit(emptyBook, asked, limits, ahead);
		let { book } = ask(settled(open, asked.ticket, { cost: 30 }, ahead), 'one', { at: ahead, cost: 1 });
		[book] = permit(book, question('two', { about: 'another', cost: 1 }), limits, noon);
		expect(book.month.name).toBe('2026-11');
		expect(left(book, limits, noon)?.money).toBeLessThan(70);
		expect(ask(book, 'two', { at: noon + 70 * minute }).granted).toBeGreaterThan(20);
		expect(left(book, limits, Date.parse('2026-12-01T00:00:00Z'))?.money).toBe(100);
	});

	test('of a clock that was ahead blocks not even who asks again and again', () => {
		const ahead = noon + 30 * 24 * 60 * minute;
		const [open] = permit(emptyBook, question('one', { about: 'the crash' }), limits, ahead);
		let { book } = ask(ask(open, 'two', { at: ahead }).book, 'one', { at: ahead });
		const answers: string[] = [];
		for (let at = noon; at < noon + 62 * minute; at += minute) {
			const [next, crash] = permit(book, question('two', { about: 'the crash' }), limits, at);
			const [last, other] = permit(next, question('two'), limits, at);
			book = last;
			answers.push(`${crash.is} ${other.is}`);
		}
		expect(answers[0]).toBe('underway refused');
		expect(answers.at(-1)).toContain('granted');
	});

	test('of two clocks of which one is in the next month already keeps what was spent in it', () => {
		const newYear = Date.parse('2027-01-01T00:00:00Z');
		const first = ask(emptyBook, 'ahead', { at: newYear + 30_000, cost: 40, times: 1 }).book;
		const second = ask(first, 'behind', { at: newYear - 30_000, cost: 10, times: 1 }).book;
		expect(left(second, limits, newYear + minute)?.money).toBe(50);
	});

	test('keeps what a newer version has added, and forgets only an answer that it can not read', () => {
		const text = JSON.stringify({ ...emptyBook, more: 1, answers: [{ about: 'x', at: noon, given: { ...given, more: 1 } }] });
		const [next] = permit(bookSchema.parse(JSON.parse(text)), question('one'), limits, noon);
		expect(next).toMatchObject({ more: 1, answers: [] });
	});
});
