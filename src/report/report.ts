import { basename } from 'node:path';
import { printable } from '../base/printable.ts';
import { formatBytes, formatSpan } from '../base/quantity.ts';
import { placeName, sourcePlace } from '../domain/frames.ts';
import type { Earlier } from '../domain/history.ts';
import type { CrashReport, Frame, Thread } from '../domain/report.ts';
import { headline } from './headline.ts';
import type { Paint } from './paint.ts';
import { cut, table } from './table.ts';

export { headline } from './headline.ts';
export { reportList } from './list.ts';
export { colours, type Paint, plain } from './paint.ts';
export { table } from './table.ts';

export type TextOptions = {
	readonly paint: Paint;
	readonly now: number;
	/** Crashes of the same fingerprint before this one. */
	readonly earlier?: Earlier | undefined;
};

/** So many lines are shown of a stack; `--json` has all frames. */
const mostRuns = 30;
/** Names of templates run to thousands of characters. */
const widestName = 80;

/** A crash report for a person at a terminal: what happened first, then the evidence, then what is missing. */
export function reportText(report: CrashReport, options: TextOptions): string {
	const { paint } = options;
	const sections = [
		[paint('bold', paint('red', headline(report)))],
		facts(report, options),
		stack(report, paint),
		otherThreads(report, paint),
		score(report, paint),
		core(report, paint),
		modules(report, paint),
		notes(report, paint),
	];
	return `${sections
		.filter((lines) => lines.length > 0)
		.map((lines) => lines.join('\n'))
		.join('\n\n')}\n`;
}

function facts(report: CrashReport, { now, earlier, paint }: TextOptions): string[] {
	const { process, culprit, association } = report;
	const pids = [
		process.pid === undefined ? '' : `pid ${process.pid}`,
		process.hostPid === undefined || process.hostPid === process.pid ? '' : `${process.hostPid} on the machine`,
	];
	return labelled(paint, [
		['crash', report.id],
		['why', report.reason],
		['when', `${report.time.replace(/\.\d+/, '')} (${formatSpan(now - Date.parse(report.time))} ago)`],
		['process', [process.name, pids.filter(Boolean).join(', ')].filter(Boolean).join(', ')],
		['command', process.arguments ?? process.executable],
		['host', association.host],
		[
			'culprit',
			culprit &&
				[placeName(culprit), sourcePlace(culprit), `(${culprit.rule}, confidence ${culprit.confidence})`].filter(Boolean).join('  '),
		],
		['fingerprint', report.fingerprint],
		['seen', earlier && seen(earlier, now)],
	]);
}

function seen({ count, first, last }: Earlier, now: number): string {
	if (count === 0 || first === undefined || last === undefined) return 'for the first time';
	return `${count} ${count === 1 ? 'time' : 'times'} before, first ${formatSpan(now - first)} ago, last ${formatSpan(now - last)} ago`;
}

function stack({ threads, stack }: CrashReport, paint: Paint): string[] {
	const [crashed] = threads;
	if (!crashed) return [];
	const title = `${stack === 'none' ? 'Program counter' : 'Stack'} of the crashed thread ${crashed.id}${threads.length > 1 ? ` (one of ${threads.length})` : ''}`;
	const runs = runsOfEqual(crashed.frames);
	const shown = runs.slice(0, mostRuns);
	const more = crashed.frames.length - shown.reduce((sum, { count }) => sum + count, 0) + (crashed.omittedFrames ?? 0);
	return [
		paint('bold', title),
		...table(
			shown.map(({ first, count, text: [name, place] }) => [
				count === 1 ? `  #${first}` : `  #${first} … #${first + count - 1}`,
				name,
				place,
			]),
		),
		...(more > 0 ? [`  … ${more} more`] : []),
	];
}

const describe = (frame: Frame) =>
	[cut(printable(placeName(frame)), widestName), printable(sourcePlace(frame) ?? moduleName(frame))] as const;

type Run = { readonly first: number; count: number; readonly text: ReturnType<typeof describe> };

/** Frames that look the same, as in a recursion, in one line. */
function runsOfEqual(frames: readonly Frame[]): Run[] {
	const runs: Run[] = [];
	for (const [first, frame] of frames.entries()) {
		const text = describe(frame);
		const last = runs.at(-1);
		if (last && last.text.join('\n') === text.join('\n')) last.count++;
		else runs.push({ first, count: 1, text });
	}
	return runs;
}

const moduleName = ({ module, pc }: Frame) => (module === undefined ? pc : `in ${basename(module)}`);

/** The others, those with the same stack together. */
function otherThreads({ threads, stack }: CrashReport, paint: Paint): string[] {
	if (threads.length < 2 || stack === 'none') return [];
	const groups = new Map<string, number>();
	for (const thread of threads.slice(1)) groups.set(inShort(thread), (groups.get(inShort(thread)) ?? 0) + 1);
	const rows = [...groups].sort(([, a], [, b]) => b - a).map(([text, count]) => [`  ${count}`, text]);
	return [
		paint('bold', 'Other threads'),
		...table(rows.slice(0, 10)),
		...(rows.length > 10 ? [`  … ${rows.length - 10} more stacks`] : []),
	];
}

function inShort({ frames }: Thread): string {
	const named = frames.filter(({ function: name }) => name !== undefined);
	return named.length === 0
		? printable(placeName(frames[0] ?? {}))
		: named
				.slice(0, 4)
				.map((frame) => printable(placeName(frame)))
				.join(' ← ');
}

function score({ score }: CrashReport, paint: Paint): string[] {
	if (!score) return [];
	return [
		paint('bold', `Score ${score.total.toFixed(1)} of 10`),
		`  ${score.parts.map(({ name, points }) => `${name} +${points.toFixed(1)}`).join(', ')}`,
	];
}

function core({ core, complete, storage }: CrashReport, paint: Paint): string[] {
	const size = [
		formatBytes(core.sizeBytes),
		core.encoding,
		core.uncompressedBytes === undefined ? '' : `${formatBytes(core.uncompressedBytes)} unpacked`,
	];
	const completeness = { yes: 'complete', truncated: 'cut off', unknown: 'not known to be complete' }[complete];
	return labelled(paint, [
		['core', `${core.path} (${[...size, completeness].filter(Boolean).join(', ')})`],
		['stored', storage && (storage.form === 'none' ? `no: ${storage.reason}` : `${storage.location} (${formatBytes(storage.sizeBytes)})`)],
		['SHA-256', storage?.form === 'full' ? storage.sha256 : undefined],
	]);
}

function modules({ modules }: CrashReport, paint: Paint): string[] {
	const withSymbols = modules.filter(({ symbols }) => symbols !== 'none');
	if (modules.length === 0) return [];
	const counts = `${modules.length} mapped: ${withSymbols.filter(({ symbols }) => symbols === 'full').length} with source lines, ${withSymbols.filter(({ symbols }) => symbols === 'names').length} with names only, ${modules.length - withSymbols.length} without`;
	return [paint('bold', 'Modules'), `  ${counts}`];
}

function notes({ notes }: CrashReport, paint: Paint): string[] {
	return notes.length === 0 ? [] : [paint('bold', paint('yellow', 'Missing')), ...notes.map((note) => `  - ${printable(note)}`)];
}

/** A column of labels; what is not known is left out. */
function labelled(paint: Paint, rows: readonly (readonly [label: string, value: string | null | undefined])[]): string[] {
	return rows.flatMap(([label, value]) => (value ? [`${paint('dim', label.padEnd(12))}${printable(value)}`] : []));
}
