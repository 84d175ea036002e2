import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { accuracy, accuracyPage, page } from '../../bench/accuracy.ts';

test('the culprit is right in 95 of 100 traces, never named where there is none, and tells bugs apart', async () => {
	const result = await accuracy();
	const wrong = result.judged.filter(({ isRight }) => !isRight);
	const isNegative = ({ expected }: (typeof wrong)[number]) => expected.culprit === null;
	expect(wrong.filter(isNegative).map(({ expected }) => expected.id)).toEqual([]);
	expect(wrong.length / result.judged.filter((one) => !isNegative(one)).length).toBeLessThanOrEqual(0.05);
	expect([result.apart, result.mixed]).toEqual([[], []]);
	expect(result.pairsOfOneBug).toBe(4);
	expect(readFileSync(page, 'utf8')).toBe(accuracyPage(result));
});
