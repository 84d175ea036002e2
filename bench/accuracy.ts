// How often the culprit is right, over the traces of test/fixtures/traces. Writes docs/reference/accuracy.md; fails where the goal is missed.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyse, loadKnownIssues } from '../src/components/analyzer/analyzer.ts';
import { defaultPanicKeywords } from '../src/config/config.ts';
import { placeName } from '../src/domain/frames.ts';
import { normalName, shortName } from '../src/domain/function-name/function-name.ts';
import type { Analysis, Culprit } from '../src/domain/report.ts';

const folder = join(import.meta.dirname, '../test/fixtures/traces');
export const page = join(import.meta.dirname, '../docs/reference/accuracy.md');

/** A trace as somebody reported it, and what an engineer would say of it. */
type Expected = {
	readonly id: string;
	readonly issue: string;
	/** As it is spelt in the trace; null: nothing in it is to blame. */
	readonly culprit: string | null;
	readonly demangled: string | null;
	readonly acceptable: readonly string[];
	/** Traces of one bug have the same; null: of a bug of its own. */
	readonly group: string | null;
};

export type Judged = { readonly expected: Expected; readonly analysis: Analysis; readonly isRight: boolean };

export type Accuracy = {
	readonly judged: readonly Judged[];
	/** Pairs of one bug that were told apart, and of two bugs that were not. */
	readonly apart: readonly string[];
	readonly mixed: readonly string[];
	readonly pairsOfOneBug: number;
};

export async function accuracy(): Promise<Accuracy> {
	const all = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as readonly Expected[];
	const judged = await Promise.all(all.map(async (expected) => judge(expected, await analysisOf(join(folder, `${expected.id}.log`)))));
	const pairs = judged.flatMap((one, index) => judged.slice(index + 1).map((other) => [one, other] as const));
	const named = ([one, other]: readonly [Judged, Judged]) => `${one.expected.id} and ${other.expected.id}`;
	const ofOneBug = pairs.filter(([one, other]) => one.expected.group !== null && one.expected.group === other.expected.group);
	return {
		judged,
		pairsOfOneBug: ofOneBug.length,
		apart: ofOneBug.filter(([one, other]) => !areOne(one.analysis, other.analysis)).map(named),
		mixed: pairs.filter((pair) => !ofOneBug.includes(pair) && areOne(pair[0].analysis, pair[1].analysis)).map(named),
	};
}

async function analysisOf(path: string): Promise<Analysis> {
	const time = '2026-01-01T00:00:00.000Z';
	const found = { core: null, log: { path, sizeBytes: statSync(path).size }, time, foundAt: time };
	const options = {
		places: { sysroot: '/', paths: [] },
		gdb: undefined,
		scratch: { path: folder, maxBytes: 0 },
		panicKeywords: defaultPanicKeywords,
		knownIssues: loadKnownIssues([]),
	};
	return (await analyse(found, options)).analysis;
}

function judge(expected: Expected, analysis: Analysis): Judged {
	if (expected.culprit === null) return { expected, analysis, isRight: analysis.culprit === null };
	const right = [expected.culprit, expected.demangled, ...expected.acceptable].filter((name) => name !== null);
	return { expected, analysis, isRight: placesOf(analysis.culprit).some((place) => right.some((name) => isSame(place, name))) };
}

const placesOf = (culprit: Culprit | null) =>
	[culprit?.function, culprit?.file === undefined ? undefined : `${culprit.file}:${culprit.line}`].filter((place) => place !== undefined);

/** The same function or place; people leave out namespaces and folders. */
function isSame(found: string, expected: string): boolean {
	const [long, short] = [normalName(found), normalName(expected)].sort((a, b) => b.length - a.length) as [string, string];
	return long === short || ['::', '/', '.'].some((border) => long.endsWith(`${border}${short}`)) || found.endsWith(`/${expected}`);
}

/** As `list --group` has it: by the fingerprint; where a stack is cut off, by the loose one. */
const areOne = (one: Analysis, other: Analysis) =>
	isEqual(one.fingerprint, other.fingerprint) || ((isCut(one) || isCut(other)) && isEqual(one.looseFingerprint, other.looseFingerprint));

const isCut = ({ threads: [crashed] }: Analysis) => crashed?.isCut === true;

const isEqual = (one: string | null, other: string | null) => one !== null && one === other;

export function accuracyPage({ judged, apart, mixed, pairsOfOneBug }: Accuracy): string {
	const withCulprit = judged.filter(({ expected }) => expected.culprit !== null);
	const without = judged.filter(({ expected }) => expected.culprit === null);
	const rightOf = (some: readonly Judged[]) => some.filter(({ isRight }) => isRight).length;
	const pairCount = (judged.length * (judged.length - 1)) / 2;
	return [
		'# Accuracy',
		'',
		'<!-- Made by `npm run bench:accuracy`. -->',
		'',
		'The traces in `test/fixtures/traces` come from public issues; an engineer said of each which frame is to blame. This is what the analyzer answers, from the text alone. The rules were written with these traces at hand, so traces that nobody has seen will do worse.',
		'',
		'| | goal | reached |',
		'| --- | --- | --- |',
		`| right culprit, of traces that have one | 95 % | ${rightOf(withCulprit)} of ${withCulprit.length} |`,
		`| none, where nothing in the text is to blame | all | ${rightOf(without)} of ${without.length} |`,
		`| pairs of one bug taken for one, of stacks that are cut off by the culprit alone | all | ${pairsOfOneBug - apart.length} of ${pairsOfOneBug} |`,
		`| pairs of different bugs taken for one | none | ${mixed.length} of ${pairCount - pairsOfOneBug} |`,
		'',
		'| issue | answer | rule | confidence | right |',
		'| --- | --- | --- | --- | --- |',
		...judged.map(({ expected, analysis: { culprit }, isRight }) =>
			[
				'',
				expected.issue,
				culprit ? `\`${placeName(culprit)}\`` : 'none',
				culprit?.rule ?? '',
				culprit?.confidence ?? '',
				isRight ? 'yes' : `no: \`${expected.culprit === null ? 'none' : shortName(expected.demangled ?? expected.culprit)}\``,
				'',
			]
				.join(' | ')
				.trim(),
		),
		'',
	].join('\n');
}

if (import.meta.main) {
	const result = await accuracy();
	writeFileSync(page, accuracyPage(result));
	const withCulprit = result.judged.filter(({ expected }) => expected.culprit !== null);
	const wrong = result.judged.filter(({ isRight }) => !isRight);
	for (const { expected, analysis } of wrong)
		console.log(
			`wrong: ${expected.id}: ${analysis.culprit ? placeName(analysis.culprit) : 'none'}; expected ${expected.culprit ?? 'none'}`,
		);
	for (const pair of result.apart) console.log(`told apart, but one bug: ${pair}`);
	for (const pair of result.mixed) console.log(`taken for one bug: ${pair}`);
	const missed = wrong.filter(({ expected }) => expected.culprit !== null).length;
	console.log(
		`${withCulprit.length - missed} of ${withCulprit.length} culprits right, ${wrong.length - missed} false alarms; see docs/reference/accuracy.md`,
	);
	const isReached = missed <= withCulprit.length * 0.05 && wrong.length === missed && result.apart.length + result.mixed.length === 0;
	if (!isReached) process.exitCode = 1;
}
