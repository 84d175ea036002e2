import { basename } from 'node:path';
import { isAt, placeName, sourcePlace } from '../domain/frames.ts';
import type { CrashReport, Culprit, Frame, Thread } from '../domain/report.ts';
import type { Section } from './content.ts';
import { cut } from './table.ts';

/** So many lines are shown of a stack; `--json` has all frames. */
const mostRuns = 30;
/** Names of templates run to thousands of characters. */
const widestName = 80;
/** So many stacks are shown of the threads that did not crash. */
const mostOthers = 10;

/** The crashed thread's stack: recursions and runs of frames that are never to blame in one line each, the culprit with a mark. */
export function stack({ threads, stack, culprit }: CrashReport): Section {
	const [crashed] = threads;
	if (!crashed || crashed.frames.length === 0) return { is: 'rows', rows: [] };
	const title = `${stack === 'none' ? 'Program counter' : 'Stack'} of the crashed ${label(crashed)}${threads.length > 1 ? ` (one of ${threads.length})` : ''}`;
	const runs = runsOf(crashed.frames, culprit);
	const shown = runs.slice(0, mostRuns);
	const more = crashed.frames.length - shown.reduce((sum, { frames }) => sum + frames.length, 0) + (crashed.omittedFrames ?? 0);
	return {
		title,
		is: 'rows',
		rows: [...shown.map(row), ...(more > 0 ? [['', `… ${more} more`]] : [])],
	};
}

/** `thread 7`, `goroutine 4563`, `thread search`. */
const label = ({ id, name }: Thread) => {
	if (name?.startsWith('goroutine ')) return name;
	if (id !== undefined) return `thread ${id}`;
	return name === undefined ? 'thread' : `thread ${name}`;
};

type Run = { readonly first: number; readonly frames: Frame[]; readonly is: 'culprit' | 'noise' | 'plain'; readonly words: Words };
type Words = readonly [what: string, where: string];

function runsOf(frames: readonly Frame[], culprit: Culprit | null): Run[] {
	const runs: Run[] = [];
	let isFound = false;
	for (const [first, frame] of frames.entries()) {
		const isCulprit: boolean = !isFound && culprit !== null && isAt(culprit, frame);
		isFound ||= isCulprit;
		const is = isCulprit ? 'culprit' : frame.noise ? 'noise' : 'plain';
		const words = describe(frame);
		const last = runs.at(-1);
		if (last && (is === 'noise' ? last.is === 'noise' : last.is !== 'noise' && !isCulprit && String(last.words) === String(words)))
			last.frames.push(frame);
		else runs.push({ first, frames: [frame], is, words });
	}
	return runs;
}

function row({ first, frames, is, words }: Run): string[] {
	const last = first + frames.length - 1;
	const numbers = frames.length === 1 ? `#${first}` : `#${first} … #${last}`;
	const mark = is === 'culprit' ? '→' : '';
	if (is !== 'noise' || frames.length === 1) return [mark, numbers, ...words];
	const names = frames.map((one) => placeName(one));
	const some = names.length > 4 ? [...names.slice(0, 2), '…', ...names.slice(-1)] : names;
	return [mark, numbers, cut(some.join(' ← '), widestName), ''];
}

const describe = (frame: Frame): Words => [cut(placeName(frame), widestName), sourcePlace(frame) ?? moduleName(frame)];

const moduleName = ({ module, pc }: Frame) => (module === undefined ? (pc ?? '') : `in ${basename(module)}`);

/** The others, those with the same stack together. */
export function otherThreads({ threads, stack }: CrashReport): Section {
	const alike = Map.groupBy(stack === 'none' ? [] : threads.slice(1), inShort);
	const rows = [...alike].sort(([, a], [, b]) => b.length - a.length).map(([text, { length }]) => ['', String(length), text]);
	const more = rows.length - mostOthers;
	return { title: 'Other threads', is: 'rows', rows: more > 0 ? [...rows.slice(0, mostOthers), ['', '', `… ${more} more stacks`]] : rows };
}

function inShort({ frames }: Thread): string {
	const named = frames.filter(({ function: name }) => name !== undefined);
	if (named.length === 0) return placeName(frames[0] ?? {});
	return named
		.slice(0, 4)
		.map((frame) => placeName(frame))
		.join(' ← ');
}
