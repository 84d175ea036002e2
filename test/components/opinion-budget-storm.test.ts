import { describe, expect, test } from 'vitest';
import { permit } from '../../src/components/opinion/budget.ts';
import { budgetHistory, type Plan } from '../support/budget-history.ts';
import { randomOf } from '../support/candidates.ts';

const minute = 60_000;
const hour = 60 * minute;
const several = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Some hours in which the number matters. */
function someHours(seed: number): Plan {
	const random = randomOf(seed * 7919);
	const begin = Date.parse('2026-11-15T00:00:00Z');
	return {
		limits: { maxCostPerMonth: 0, maxPerHour: 20 + Math.floor(random() * 40) },
		...{ begin, end: begin + 6 * hour, stormEveryMs: (0.2 + random() / 3) * minute, stormCost: 0 },
		...{ others: 1 + Math.floor(random() * 6), otherCost: 0 },
	};
}

/** Days around the end of a month, in which money matters. */
function endOfMonth(seed: number): Plan {
	const max = 10 + randomOf(seed * 7919)() * 90;
	return {
		limits: { maxCostPerMonth: max, maxPerHour: 1000 },
		...{
			begin: Date.parse('2026-11-26T00:00:00Z'),
			end: Date.parse('2026-12-03T00:00:00Z'),
			stormEveryMs: 6 * minute,
			stormCost: max / 50,
		},
		...{ others: 4, otherCost: max / 5000 },
	};
}

/** The most that were granted within an hour. */
function mostInAnHour(times: readonly number[]): number {
	let first = 0;
	return Math.max(
		0,
		...times.map((at, index) => {
			while ((times[first] ?? at) <= at - hour) first++;
			return index - first + 1;
		}),
	);
}

/** Those who asked and were not granted in time. */
const starved = ({ asked }: ReturnType<typeof budgetHistory>, until: (askedAt: number) => number, end: number) =>
	asked.filter(({ askedAt, grantedAt = Infinity }) => until(askedAt) < end && grantedAt > until(askedAt));

/** Whoever comes first. */
const greedily: typeof permit = (book, question, limits, now) => {
	const [next, answer] = permit(
		{ ...book, waiting: [], recent: book.recent.map((one) => ({ ...one, party: 'all' })) },
		{ ...question, cost: 0 },
		undefined,
		now,
	);
	const money = Object.values(next.month.spent).reduce((sum, one) => sum + one, 0) + next.open.reduce((sum, one) => sum + one.cost, 0);
	const isFull = limits && (next.recent.length > limits.maxPerHour || money + question.cost > limits.maxCostPerMonth);
	if (isFull) return [book, { is: 'refused', reason: '', until: now }];
	return [{ ...next, open: next.open.map((one) => (one.ticket === question.ticket ? { ...one, cost: question.cost } : one)) }, answer];
};

describe('in a storm of crashes on one node', { timeout: 120_000 }, () => {
	test('no hour has more questions than it may, whatever clocks say and whoever dies, and the others get theirs', () => {
		for (const seed of several(20)) {
			const plan = someHours(seed);
			const history = budgetHistory(seed, plan);
			expect(mostInAnHour(history.granted.map(({ at }) => at)), `seed ${seed}`).toBeLessThanOrEqual(plan.limits.maxPerHour);
			const inTime = (askedAt: number) => askedAt + 0.5 * hour;
			expect(starved(history, inTime, plan.end), `seed ${seed}`).toEqual([]);
		}
	});

	test('no month costs more than it may, whatever clocks say and whoever dies, and the others get theirs', () => {
		const nextMonth = Date.parse('2026-12-01T00:00:00Z');
		for (const seed of several(12)) {
			const plan = endOfMonth(seed);
			const history = budgetHistory(seed, plan);
			for (const month of ['2026-11', '2026-12']) {
				const spent = history.granted.filter((one) => one.month === month).reduce((sum, { cost }) => sum + cost, 0);
				expect(spent, `seed ${seed}`).toBeLessThanOrEqual(plan.limits.maxCostPerMonth);
				expect(spent, `seed ${seed}`).toBeGreaterThan(plan.limits.maxCostPerMonth / 3);
			}
			// In the last hours of a month what is left is nearly nothing, and nobody's.
			const inTime = (askedAt: number) => (askedAt > nextMonth - 12 * hour ? Math.max(askedAt, nextMonth) : askedAt) + hour;
			expect(starved(history, inTime, plan.end), `seed ${seed}`).toEqual([]);
		}
	});

	test('others would starve if whoever comes first were served first', () => {
		const ofHour = several(10).filter((seed) => {
			const plan = someHours(seed);
			return starved(budgetHistory(seed, { ...plan, decide: greedily }), (askedAt) => askedAt + 0.5 * hour, plan.end).length > 0;
		});
		const ofMonth = several(3).filter((seed) => {
			const plan = endOfMonth(seed);
			return (
				starved(budgetHistory(seed, { ...plan, decide: greedily }), (askedAt) => askedAt + hour, Date.parse('2026-11-30T12:00:00Z'))
					.length > 0
			);
		});
		expect(ofHour.length).toBeGreaterThan(5);
		expect(ofMonth.length).toBe(3);
	});
});
