import { defined } from '../../base/defined.ts';
import { printable } from '../../base/printable.ts';
import { isAt } from '../frames.ts';
import type { Opinion } from '../opinion.ts';
import type { CrashReport, Culprit, Thread } from '../report.ts';
import type { Spec } from './crash-object.ts';

/** So much a spec may take, as the API server writes it; what metadata and status add to it stays below 5 KiB. */
export const mostSpecBytes = 11 << 10;

/** So many frames; fewer only where all is as long as it can be. */
const mostFrames = [20, 12] as const;
/** So many are kept above a culprit that lies deep. */
const framesAbove = 7;
const mostNotes = 8;
const mostIssues = 3;
const mostRecommendations = 3;
const mostLinks = 5;
/** Hashes are that long, and are not cut: with the most of everything, the spec still fits. */
const leastTextBytes = 64;

/** What a report says in an object of the API: without what is for a closer look, and its longest texts cut until it fits. */
export function shortened(report: CrashReport): Spec {
	const [most, fewer] = mostFrames;
	const spec = fitting(specOf(report, most));
	return jsonBytes(spec) <= mostSpecBytes ? spec : fitting(specOf(report, fewer));
}

function specOf(report: CrashReport, most: number): Spec {
	const { threads, notes } = stackOf(report, most);
	const { environment, ...process } = report.process;
	const { storage, lostCore } = report;
	return {
		schemaVersion: report.schemaVersion,
		id: report.id,
		revision: report.revision,
		time: report.time,
		foundAt: report.foundAt,
		evidence: report.evidence,
		kind: report.kind,
		...defined({
			signal: report.signal ?? undefined,
			coreSignal: report.coreSignal ?? undefined,
			reason: report.reason ?? undefined,
			message: report.message ?? undefined,
			culprit: report.culprit ?? undefined,
			fingerprint: report.fingerprint ?? undefined,
			looseFingerprint: report.looseFingerprint ?? undefined,
			restart: report.restart ?? undefined,
			core: report.core ?? undefined,
			lostCore: lostCore ? { reason: lostCore.reason, advice: lostCore.advice } : undefined,
			log: report.log ?? undefined,
			storage: storage ?? undefined,
			score: report.score ?? undefined,
			opinion: report.opinion ? opinionOf(report.opinion) : undefined,
		}),
		process,
		association: report.association,
		complete: report.complete,
		knownIssues: report.knownIssues.slice(0, mostIssues).map((issue) => ({ ...issue, issues: issue.issues.slice(0, mostLinks) })),
		stack: report.stack,
		threads,
		notes: [...notes, ...report.notes].slice(0, mostNotes),
	};
}

function opinionOf(opinion: Opinion): NonNullable<Spec['opinion']> {
	if (opinion.is === 'not available') return opinion;
	const { is, revision, time, model, answer } = opinion;
	const { codeSuggestions, relatedIssues, ...words } = answer;
	return { is, revision, time, model, ...words, recommendations: words.recommendations.slice(0, mostRecommendations) };
}

/** The crashed thread's frames at the top, or those around the culprit where it lies deeper. */
function stackOf({ threads, culprit }: CrashReport, most: number): { readonly threads: Thread[]; readonly notes: readonly string[] } {
	const [crashed] = threads;
	if (!crashed) return { threads: [], notes: [] };
	const { frames, omittedFrames = 0, ...thread } = crashed;
	const from = firstShown(frames, culprit, most);
	const shown = frames.slice(from, from + most);
	const below = frames.length - from - shown.length + omittedFrames;
	return {
		threads: [{ ...thread, frames: shown, ...(below > 0 ? { omittedFrames: below } : {}) }],
		notes: from > 0 ? [`the ${from} frames above those of the stack are left out here`] : [],
	};
}

function firstShown(frames: Thread['frames'], culprit: Culprit | null, most: number): number {
	const at = culprit === null ? -1 : frames.findIndex((frame) => isAt(culprit, frame));
	return at < most ? 0 : Math.min(at - framesAbove, frames.length - most);
}

/** With the longest texts cut, all to the same length, as little as it takes. */
function fitting(spec: Spec): Spec {
	const clean = withTexts(spec, (text) => (text.isWellFormed() ? text : printable(text)));
	if (jsonBytes(clean) <= mostSpecBytes) return clean;
	let [fits, tooLong] = [leastTextBytes, mostSpecBytes];
	while (tooLong - fits > 1) {
		const between = (fits + tooLong) >> 1;
		if (jsonBytes(cutTo(clean, between)) <= mostSpecBytes) fits = between;
		else tooLong = between;
	}
	return cutTo(clean, fits);
}

const cutTo = (spec: Spec, bytes: number) => withTexts(spec, (text) => cutText(text, bytes));

function withTexts<T>(value: T, change: (text: string) => string): T {
	if (typeof value === 'string') return change(value) as T;
	if (Array.isArray(value)) return value.map((one) => withTexts(one, change)) as T;
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withTexts(one, change)])) as T;
}

/** A text that takes no more bytes as JSON than that, its end shown by `…`. */
export function cutText(text: string, most: number): string {
	const size = (one: string) => jsonBytes(one) - 2;
	if (text.length <= most && size(text) <= most) return text;
	const room = most - size('…');
	let [fits, tooLong] = [0, Math.min(text.length, room) + 1];
	while (tooLong - fits > 1) {
		const between = (fits + tooLong) >> 1;
		if (size(text.slice(0, between)) <= room) fits = between;
		else tooLong = between;
	}
	const end = text.charCodeAt(fits - 1);
	return `${text.slice(0, end >= 0xd800 && end < 0xdc00 ? fits - 1 : fits)}…`; // no half of a pair
}

/** As Go writes it, which escapes what HTML would take for itself. */
function jsonBytes(value: unknown): number {
	const json = JSON.stringify(value);
	return Buffer.byteLength(json) + 5 * (json.match(/[<>&]/g)?.length ?? 0) + 3 * (json.match(/[\u2028\u2029]/g)?.length ?? 0);
}
