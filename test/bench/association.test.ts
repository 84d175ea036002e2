import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { associationPage, figuresOf, isReached } from '../../bench/association/page.ts';
import { asShown, association, page } from '../../bench/association.ts';

test('99 of 100 crashes are given the right pod, none a wrong one for sure, and the page shows what was measured', async () => {
	const judged = await association(asShown);
	const figures = figuresOf(judged);
	expect(figures.crashes).toBeGreaterThan(2_000);
	expect([figures.wrongForSure, judged.filter(({ verdict }) => verdict === 'wrong pod').map(({ truth }) => truth.situation)]).toEqual([
		0,
		[],
	]);
	expect(isReached(figures)).toBe(true);
	expect(readFileSync(page, 'utf8')).toBe(associationPage(judged));
}, 120_000);

test('other seeds come to no wrong pod for sure either', async () => {
	const judged = await association({ nodes: 4, rounds: 1, seed: 7 });
	const { crashes, wrongForSure, right } = figuresOf(judged);
	expect([crashes > 100, wrongForSure, right >= crashes * 0.97]).toEqual([true, 0, true]);
}, 120_000);
