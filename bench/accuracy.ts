// How often the culprit is right, over the traces of test/fixtures/traces: prints a table; `--write` puts it into docs/reference/accuracy.md.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyse, loadKnownIssues } from '../src/components/analyzer/analyzer.ts';
import { defaultPanicKeywords } from '../src/config/config.ts';
import { normalName } from '../src/domain/function-name/function-name.ts';
import type { Analysis, Culprit } from '../src/domain/report.ts';

const folder = join(import.meta.dirname, '../test/fixtures/traces');
const page = join(import.meta.dirname, '../docs/reference/accuracy.md');

/** A trace as people have reported it, and what an engineer would say of it. */
type Expected = {
	readonly id: string;
	readonly issue: string;
	readonly kind: string;
	/** As it is spelt in the trace; null: nothing in it is to blame. */
	readonly culprit: string | null;
	readonly demangled: string | null;
	readonly acceptable: readonly string[];
	/** Traces of one bug. */
	readonly group: string | null;
};

export type Judged = {
	readonly expected: Expected;
	readonly analysis: Analysis;
	readonly isRight: boolean;
};

export async function judgeAll(): Promise<Judged[]> {
	const all = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as readonly Expected[];
	return Promise.all(all.map(async (expected) => judged(expected, await analysisOf(join(folder, `${expected.id}.log`)))));
}

async function analysisOf(path: string): Promise<Analysis> {
	const { size: sizeBytes } = statSync(path);
	const time = '2026-01-01T00:00:00.000Z';
	const options = {
		places: { sysroot: '/', paths: [] },
		gdb: undefined,
		scratch: { path: folder, maxBytes: 0 },
		panicKeywords: defaultPanicKeywords,
		knownIssues: loadKnownIssues([]),
	};
	return (await analyse({ core: null, log: { path, sizeBytes }, time, foundAt: time }, options)).analysis;
}

function judged(expected: Expected, analysis: Analysis): Judged {
	const right = [expected.culprit, expected.demangled, ...expected.acceptable].filter((name) => name !== null);
	const found = namesOf(analysis.culprit);
	const isRight = expected.culprit === null ? analysis.culprit === null : right.some((name) => found.some((one) => isSame(one, name)));
	return { expected, analysis, isRight };
}

const namesOf = (culprit: Culprit | null) =>
	culprit
		? [culprit.function, culprit.file === undefined ? undefined : `${culprit.file}:${culprit.line}`].filter((name) => name !== undefined)
		: [];

/** The same function, or the same place by the end of its path. */
function isSame(found: string, expected: string): boolean {
	const [one, other] = [normalName(found), normalName(expected)];
	const ends = (long: string, short: string) =>
		long === short ||
		/^(?:::|[/.])$/.test(long.slice(-short.length - 1, -short.length)) ||
		(long.endsWith(short) && /(?:::|[/.])$/.test(long.slice(0, -short.length)));
	return one === other || ends(one, other) || found.endsWith(expected);
}

/** One crash is another's when their fingerprints say so; where a stack is cut off, the loose ones. */
export const areOneBug = (one: Analysis, other: Analysis) =>
	(one.fingerprint !== null && one.fingerprint === other.fingerprint) ||
	(one.looseFingerprint !== null && one.looseFingerprint === other.looseFingerprint);

export function pairsOf(all: readonly Judged[]): readonly (readonly [Judged, Judged])[] {
	return all.flatMap((one, index) => all.slice(index + 1).map((other) => [one, other] as const));
}

if (import.meta.main) {
	const all = await judgeAll();
	for (const { expected, analysis, isRight } of all)
		console.log(
			isRight ? 'right' : 'WRONG',
			expected.id,
			expected.culprit,
			'|',
			namesOf(analysis.culprit).join(' '),
			'|',
			analysis.culprit?.rule ?? '-',
			'|',
			analysis.kind,
			'|',
			analysis.knownIssues.map(({ id }) => id).join(' '),
		);
	for (const [one, other] of pairsOf(all)) {
		const isExpected = one.expected.group !== null && one.expected.group === other.expected.group;
		if (areOneBug(one.analysis, other.analysis) !== isExpected)
			console.log('PAIR', one.expected.id, other.expected.id, isExpected ? 'should be equal' : 'should differ');
	}
}
