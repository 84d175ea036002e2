import type { Score } from './report.ts';

/** What the score depends on, and nothing else: the same inputs give the same score on a retry. */
export type ScoreInputs = {
	readonly reason: string | null;
	/** The crashed thread's stack as text. */
	readonly stackText: string;
	readonly threadCount: number;
	/** Whether the pod or instance is known. */
	readonly isAssociated: boolean;
	readonly signal?: number | undefined;
	/** Uncompressed where known, else on disk. */
	readonly sizeBytes: number;
	/** From the crash to when the core was found. */
	readonly ageMs: number;
	readonly panicKeywords: readonly string[];
};

/** What a core is worth. An analysis that failed says nothing against it: then it is what every core is given. */
export const worthOf = (score: Score | null): number => score?.total ?? base;

type Part = Score['parts'][number];

const base = 4;

const severeSignals: readonly (number | undefined)[] = [11, 6, 8];

/** How much a core dump is worth keeping: at most 10, part by part. */
export function scoreOf(inputs: ScoreInputs): Score {
	const text = `${inputs.reason ?? ''}\n${inputs.stackText}`.toLowerCase();
	const rules: readonly [Part['name'], number, boolean][] = [
		['base', base, true],
		['reason', 2, inputs.reason !== null],
		['keywords', 1, inputs.panicKeywords.some((keyword) => text.includes(keyword.toLowerCase()))],
		['stack', 1.5, inputs.stackText.length > 100],
		['threads', 0.5, inputs.threadCount > 1],
		['pod', 1, inputs.isAssociated],
		['signal', 1, severeSignals.includes(inputs.signal)],
		['size', 0.5, inputs.sizeBytes > 100_000_000],
		['freshness', 0.5, inputs.ageMs < 3_600_000],
	];
	const parts = rules.filter(([, , given]) => given).map(([name, points]): Part => ({ name, points }));
	return {
		total: Math.min(
			10,
			parts.reduce((sum, { points }) => sum + points, 0),
		),
		parts,
	};
}

const chineseNames: Readonly<Record<Part['name'], string>> = {
	base: '基础分',
	reason: '崩溃原因',
	keywords: 'Panic关键词',
	stack: '栈跟踪质量',
	threads: '多线程',
	pod: 'Pod关联',
	signal: '信号严重性',
	size: '文件大小',
	freshness: '新鲜度',
};

/** The line by which people find the score in the log: the parts that were given, and their capped sum. */
export function scoreLine(path: string, { total, parts }: Score): string {
	const given = parts.map(({ name, points }) => `${chineseNames[name]}: ${name === 'base' ? '' : '+'}${points.toFixed(1)}`);
	return `分数计算详情 [${path}]: ${given.join(', ')} -> 总分: ${total.toFixed(2)}`;
}
