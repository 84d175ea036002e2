import { defined } from '../../../base/defined.ts';
import type { CrashKind, KnownIssue } from '../../../domain/report.ts';
import type { Entry } from './entry.ts';
import { isMeant } from './pattern.ts';
import { hasRelease } from './release.ts';

/** What is known of a crash, as far as known issues are told by it. */
export type CrashTraits = {
	/** Normalised names of the function to blame and of what is inlined there; empty where there is none. */
	readonly culprit: readonly string[];
	/** Normalised names of the in-app frames behind it, the nearest first; the first two count. */
	readonly next: readonly string[];
	/** What the process said last, and the reason of its death. */
	readonly texts: readonly string[];
	readonly kind: CrashKind;
	readonly exitCode?: number;
	/** `querynode`, … */
	readonly component?: string;
	/** Tag of the running image, or its whole reference. */
	readonly imageTag?: string;
};

const scores = { culprit: 1, next: 0.6, text: 0.4, none: 0 } as const;
const confidences = ['high', 'medium', 'low'] as const;

/** How much of what a process said is looked at: last words are short. */
const mostTexts = 16;
const longestText = 16 * 1024;

/** The known issues that a crash looks like, the best match first: advice, not proof. */
export function matchKnownIssues(base: readonly Entry[], crash: CrashTraits): KnownIssue[] {
	const words = wordsOf(crash.texts);
	return base
		.map((entry) => ({ entry, issue: told(entry, scoreOf(entry, crash, words), crash.imageTag) }))
		.filter(({ issue }) => issue.match > scores.none)
		.sort((a, b) => b.issue.match - a.issue.match || rank(a) - rank(b))
		.map(({ issue }) => issue);
}

/** The function that a known message stands for: for deaths that leave no stack. */
export function originOf(base: readonly Entry[], texts: readonly string[]): { readonly id: string; readonly function: string } | undefined {
	const words = wordsOf(texts);
	const entry = base.find(({ match, origin }) => origin !== undefined && isSaid(match.text ?? [], words));
	return entry?.origin === undefined ? undefined : { id: entry.id, function: entry.origin };
}

/** No piece of the knowledge base has a line break in it, so none matches across two texts. */
const wordsOf = (texts: readonly string[]) =>
	texts
		.slice(0, mostTexts)
		.map((text) => text.slice(0, longestText).toLowerCase())
		.join('\n');

function scoreOf({ match, requireAll }: Entry, crash: CrashTraits, words: string): number {
	if (!isNarrowedTo(match, crash)) return scores.none;
	const frame = frameScore(match.frames ?? [], crash);
	const text = isSaid(match.text ?? [], words) ? scores.text : scores.none;
	if (requireAll && (frame === scores.none || text === scores.none)) return scores.none;
	return Math.max(frame, text);
}

/** What is not known of a crash excludes nothing. */
function isNarrowedTo({ kinds, exitCodes, components }: Entry['match'], { kind, exitCode, component }: CrashTraits): boolean {
	if (kinds && kind !== 'unknown' && !kinds.some((wanted) => wanted === kind)) return false;
	if (exitCodes && exitCode !== undefined && !exitCodes.includes(exitCode)) return false;
	return !components || component === undefined || components.some((wanted) => runs(component, wanted));
}

/** Some processes run several components. */
const runs = (process: string, component: string) =>
	process === component || process === 'standalone' || (process === 'mixcoord' && component.endsWith('coord'));

function frameScore(patterns: readonly string[], { culprit, next }: CrashTraits): number {
	const has = (names: readonly string[]) => patterns.some((pattern) => names.some((name) => isMeant(pattern, name)));
	if (has(culprit)) return scores.culprit;
	return has(next.slice(0, 2)) ? scores.next : scores.none;
}

const isSaid = (pieces: readonly string[], words: string) => pieces.some((piece) => words.includes(piece.toLowerCase()));

function told({ id, issues, symptom, fixedIn, advice, cleanup }: Entry, match: number, image: string | undefined): KnownIssue {
	const isFixedInImage = image === undefined || fixedIn === undefined ? undefined : hasRelease(image, fixedIn);
	return defined({ id, issues, symptom, fixedIn, isFixedInImage, advice, cleanup, match });
}

/** Among equal matches: what the image can still have first, then what is better founded. */
const rank = ({ entry, issue }: { readonly entry: Entry; readonly issue: KnownIssue }) =>
	(issue.isFixedInImage ? confidences.length : 0) + confidences.indexOf(entry.confidence);
