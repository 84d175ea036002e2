import { describe, expect, test } from 'vitest';
import { type ScoreInputs, scoreLine, scoreOf } from '../../src/domain/score.ts';

const nothing: ScoreInputs = {
	reason: null,
	stackText: '',
	threadCount: 1,
	isAssociated: false,
	signal: undefined,
	sizeBytes: 1,
	ageMs: 3_600_000,
	panicKeywords: ['panic', 'SIGSEGV'],
};

describe('each part of the score by itself', () => {
	const parts: readonly (readonly [name: string, inputs: Partial<ScoreInputs>, points: number, not: Partial<ScoreInputs>])[] = [
		['reason', { reason: 'x' }, 2, { reason: null }],
		['keywords', { stackText: 'runtime.goPANIC' }, 1, { stackText: 'calm' }],
		['stack', { stackText: 'x'.repeat(101) }, 1.5, { stackText: 'x'.repeat(100) }],
		['threads', { threadCount: 2 }, 0.5, { threadCount: 1 }],
		['pod', { isAssociated: true }, 1, { isAssociated: false }],
		['signal', { signal: 11 }, 1, { signal: 7 }],
		['signal', { signal: 6 }, 1, { signal: 4 }],
		['signal', { signal: 8 }, 1, { signal: undefined }],
		['size', { sizeBytes: 100_000_001 }, 0.5, { sizeBytes: 100_000_000 }],
		['freshness', { ageMs: 3_599_999 }, 0.5, { ageMs: 3_600_000 }],
	];
	for (const [name, inputs, points, not] of parts) {
		test(`${name}: ${JSON.stringify(inputs).slice(0, 40)}`, () => {
			expect(scoreOf({ ...nothing, ...inputs }).parts).toEqual([
				{ name: 'base', points: 4 },
				{ name, points },
			]);
			expect(scoreOf({ ...nothing, ...not }).parts).toEqual([{ name: 'base', points: 4 }]);
		});
	}
});

test('a keyword counts in the reason too', () => {
	expect(scoreOf({ ...nothing, reason: 'SIGSEGV: access to 0x10' }).parts.map(({ name }) => name)).toEqual(['base', 'reason', 'keywords']);
});

test('the sum is capped at 10, and the line shows the parts that were given', () => {
	const score = scoreOf({
		...nothing,
		reason: 'panic',
		stackText: 'x'.repeat(101),
		threadCount: 9,
		isAssociated: true,
		signal: 11,
		sizeBytes: 1e9,
		ageMs: 0,
	});
	expect(score.total).toBe(10);
	expect(score.parts.reduce((sum, { points }) => sum + points, 0)).toBe(12);
	expect(scoreLine('/cores/core.1', score)).toBe(
		'分数计算详情 [/cores/core.1]: 基础分: 4.0, 崩溃原因: +2.0, Panic关键词: +1.0, 栈跟踪质量: +1.5, 多线程: +0.5, Pod关联: +1.0, 信号严重性: +1.0, 文件大小: +0.5, 新鲜度: +0.5 -> 总分: 10.00',
	);
});

test('the line of a crash with a pod, as people know it', () => {
	const score = scoreOf({ ...nothing, reason: 'panic', stackText: 'x'.repeat(101), isAssociated: true });
	expect(scoreLine('PATH', score)).toBe(
		'分数计算详情 [PATH]: 基础分: 4.0, 崩溃原因: +2.0, Panic关键词: +1.0, 栈跟踪质量: +1.5, Pod关联: +1.0 -> 总分: 9.50',
	);
});
