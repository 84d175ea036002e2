import { formatBytes, formatSpan } from '../base/quantity.ts';
import { isAt, placeName, sourcePlace } from '../domain/frames.ts';
import type { Earlier } from '../domain/history.ts';
import type { CrashReport, Culprit, KnownIssue, Repeats, Storage } from '../domain/report.ts';
import { isKept } from '../domain/stored-file.ts';
import { opinionSection } from './opinion.ts';
import { lost, place } from './place.ts';
import { otherThreads, stack } from './stacks.ts';

/** What a report says, before anybody decides how it looks: sections in order of importance, texts not made printable yet. */
export type Section = { readonly title?: string } & (
	| { readonly is: 'facts'; readonly facts: readonly Fact[] }
	/** Rows of cells; an empty first cell is a margin. */
	| { readonly is: 'rows'; readonly rows: readonly (readonly string[])[] }
	| { readonly is: 'list'; readonly isWarning: boolean; readonly items: readonly string[] }
);

export type Fact = readonly [label: string, value: string];

export type ContentOptions = {
	readonly now: number;
	/** Crashes of the same fingerprint before this one. */
	readonly earlier?: Earlier | undefined;
};

export function contentOf(report: CrashReport, options: ContentOptions): Section[] {
	const sections: readonly Section[] = [
		{ is: 'facts', facts: facts(report, options) },
		{ title: 'Known issues', is: 'list', isWarning: false, items: report.knownIssues.map(knownIssue) },
		stack(report),
		otherThreads(report),
		score(report),
		{ is: 'facts', facts: files(report) },
		modules(report),
		{ title: 'Missing', is: 'list', isWarning: true, items: report.notes },
		opinionSection(report),
	];
	return sections.filter((section) => sizeOf(section) > 0);
}

function sizeOf(section: Section): number {
	switch (section.is) {
		case 'facts':
			return section.facts.length;
		case 'rows':
			return section.rows.length;
		case 'list':
			return section.items.length;
		default:
			return section satisfies never;
	}
}

function facts(report: CrashReport, { now, earlier }: ContentOptions): Fact[] {
	const { process, culprit, association, signal, coreSignal, repeats } = report;
	const pids = [
		process.pid === undefined ? '' : `pid ${process.pid}`,
		process.hostPid === undefined || process.hostPid === process.pid ? '' : `${process.hostPid} on the machine`,
	];
	const blamed = culprit && [placeName(culprit), culprit.function ? sourcePlace(culprit) : undefined];
	return known([
		['crash', report.id],
		['why', report.reason],
		['core says', coreSignal && signal && coreSignal.number !== signal.number ? `${coreSignal.name}: it was raised anew` : undefined],
		['when', `${report.time.replace(/\.\d+/, '')} (${formatSpan(now - Date.parse(report.time))} ago)`],
		['repeats', repeats && repeated(repeats, now)],
		...place(report),
		['process', [process.name, pids.filter(Boolean).join(', ')].filter(Boolean).join(', ')],
		['command', process.arguments ?? process.executable],
		['host', association.host],
		['culprit', culprit && blamed && [...blamed, `(${culprit.rule}, confidence ${culprit.confidence})`].filter(Boolean).join('  ')],
		['called with', culprit && calledWith(report, culprit)],
		['fingerprint', report.fingerprint],
		['seen', earlier && seen(earlier, now)],
	]);
}

/** The culprit's arguments, as far as they are known. */
function calledWith({ threads }: CrashReport, culprit: Culprit): string | undefined {
	return threads[0]?.frames.find((frame) => isAt(culprit, frame))?.arguments;
}

function repeated({ count, lastTime }: Repeats, now: number): string | undefined {
	const more = count - 1;
	return more > 0 ? `and ${more} more like it, last ${formatSpan(now - Date.parse(lastTime))} ago` : undefined;
}

function seen({ count, first, last }: Earlier, now: number): string {
	if (count === 0 || first === undefined || last === undefined) return 'for the first time';
	return `${count} ${count === 1 ? 'time' : 'times'} before, first ${formatSpan(now - first)} ago, last ${formatSpan(now - last)} ago`;
}

function knownIssue({ issues, symptom, fixedIn, isFixedInImage, advice, cleanup, match }: KnownIssue): string {
	const fix =
		fixedIn === undefined
			? ''
			: ` Fixed in ${fixedIn}${isFixedInImage === undefined ? '' : isFixedInImage ? ', which this image has: it may be another bug' : ', which this image does not have'}.`;
	const clean = { neutral: '', never: ' Not a reason to clean up: it heals itself, or is the environment.', supports: '' }[cleanup];
	const sure = match >= 1 ? '' : match >= 0.6 ? ' (by a frame behind the culprit)' : ' (by its words only)';
	return `${issues.join(', ')}${sure}: ${symptom}${fix} ${advice}${clean}`;
}

function score({ score }: CrashReport): Section {
	const parts = score?.parts.map(({ name, points }) => `${name} +${points.toFixed(1)}`).join(', ');
	return { title: `Score ${score?.total.toFixed(1)} of 10`, is: 'rows', rows: parts === undefined ? [] : [['', parts]] };
}

function files(report: CrashReport): Fact[] {
	const { core, log, complete, storage } = report;
	const completeness = { yes: 'complete', truncated: 'cut off', unknown: 'not known to be complete' }[complete];
	const size = core && [
		formatBytes(core.sizeBytes),
		core.encoding,
		core.uncompressedBytes === undefined ? '' : `${formatBytes(core.uncompressedBytes)} unpacked`,
		completeness,
	];
	return known([
		['core', core && size ? `${core.path} (${size.filter(Boolean).join(', ')})` : noCore(report)],
		...lost(report),
		['log', log && `${log.path} (${formatBytes(log.sizeBytes)} read)`],
		['stored', storage && storedAs(storage)],
		['kept as', isKept(storage) ? storage.reason : undefined],
		['SHA-256', isKept(storage) ? storage.sha256 : undefined],
	]);
}

function storedAs(storage: Storage): string {
	if (isKept(storage)) return `${storage.location} (${formatBytes(storage.sizeBytes)}${storage.form === 'slim' ? ', slim' : ''})`;
	return storage.was ? `no more: ${storage.reason}; it was ${storage.was.location}` : `no: ${storage.reason}`;
}

function noCore({ log, lostCore }: CrashReport): string | undefined {
	if (lostCore) return undefined; // told in its own words
	return `none: what is known comes from ${log ? 'the log' : 'the end of the container'}`;
}

function modules({ modules }: CrashReport): Section {
	const count = (symbols: 'full' | 'names' | 'none') => modules.filter((module) => module.symbols === symbols).length;
	const text = `${modules.length} mapped: ${count('full')} with source lines, ${count('names')} with names only, ${count('none')} without`;
	return { title: 'Modules', is: 'rows', rows: modules.length === 0 ? [] : [['', text]] };
}

/** Without what is not known. */
export const known = (rows: readonly (readonly [label: string, value: string | null | undefined])[]): Fact[] =>
	rows.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
