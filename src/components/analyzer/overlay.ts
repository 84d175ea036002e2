import { defined } from '../../base/defined.ts';
import type { StackFrame, Stacks, ThreadStack } from './stacks.ts';

/** What a debugger says of the same core. */
export type Second = Omit<Stacks, 'by' | 'threads'> & {
	readonly threads: readonly (Omit<ThreadStack, 'frames'> & { readonly frames: readonly SecondFrame[] })[];
};

/** It finds functions too that are no longer on the stack, since they ended by a call: behind the frame of what they called. */
type SecondFrame = StackFrame & { readonly isTailCall?: true };

/**
 * Lays what gdb knows over our own stacks, frame by frame: source lines and inlined calls, by the program counter. Where they go different ways, ours
 * count: they are by what describes the code alone, and gdb guesses where it has no description, which is so in Go that was stripped. Where ours
 * could not go on, gdb's do.
 */
export function overlaid(own: Stacks, gdb: Second): Stacks {
	const others = new Map(gdb.threads.map((thread) => [thread.id, thread]));
	const laid = own.threads.map((thread) => {
		const other = others.get(thread.id);
		return other ? overlaidThread(thread, other) : { thread };
	});
	const known = new Set(own.threads.map(({ id }) => id));
	return {
		by: 'agent+gdb',
		threads: [...laid.map(({ thread }) => thread), ...gdb.threads.filter(({ id }) => !known.has(id)).map(plain)],
		abortMessage: gdb.abortMessage ?? own.abortMessage,
		exception: gdb.exception ?? own.exception,
		debugFiles: gdb.debugFiles,
		problems: [...own.problems, ...gdb.problems, ...(laid[0]?.dissent === undefined ? [] : [laid[0].dissent])],
	};
}

type Laid = {
	readonly thread: ThreadStack;
	/** Where they went different ways, in words. */
	readonly dissent?: string;
};

function overlaidThread(own: ThreadStack, gdb: Second['threads'][number]): Laid {
	const [ours, theirs] = [byPlace(own.frames), byPlace(gdb.frames)];
	const parting = ours.findIndex((calls, index) => theirs[index]?.[0].pc !== calls[0].pc);
	const common = parting < 0 ? ours.length : parting;
	const faults = own.faults.length > 0 ? own.faults : gdb.faults;
	const same = ours.slice(0, common).map((calls, index) => combined(calls, theirs[index]));
	const further = named(theirs.slice(Math.max(0, common - 1))).slice(common > 0 ? 1 : 0);
	if (common === ours.length && further.length > 0 && own.ended !== null && own.omittedFrames === 0) {
		const frames = [...same, ...further].flat();
		return { thread: { ...gdb, frames, faults } };
	}
	const rest = ours.slice(common);
	const thread = { ...own, frames: [...same, ...laidBehind(rest, theirs.slice(common))].flat(), faults };
	return { thread, ...defined({ dissent: rest.length > 0 ? dissentOf(common, theirs[common]) : undefined }) };
}

const plain = (thread: Second['threads'][number]): ThreadStack => ({ ...thread, frames: byPlace(thread.frames).flat() });

/** What is at one place: the calls that were inlined there, the function itself, and those that ended by calling it. */
type Calls = readonly [StackFrame, ...StackFrame[]];

function byPlace(frames: readonly SecondFrame[]): Calls[] {
	const places: [StackFrame, ...StackFrame[]][] = [];
	let isOpen = false;
	for (const { isTailCall, ...frame } of frames) {
		const last = places.at(-1);
		if (last && (isTailCall || (isOpen && last[0].pc === frame.pc))) last.push(frame);
		else places.push([frame]);
		isOpen = frame.inlined === true;
	}
	return places;
}

/** Where gdb has no name it has no description of the frame either, and guesses what is behind it. */
function named(places: readonly Calls[]): readonly Calls[] {
	const guess = places.findIndex((calls) => calls.some((call) => call.function === undefined));
	return guess < 0 ? places : places.slice(0, guess);
}

/** Go's own tables have functions and lines; of other code only debug information does, which gdb reads. */
function combined(own: Calls, gdb: Calls | undefined): Calls {
	if (!gdb || own.some(({ file }) => file !== undefined)) return own;
	if (gdb.some(({ file }) => file !== undefined)) return gdb;
	return own.some((frame) => frame.function !== undefined) ? own : gdb;
}

/** Behind where they parted they may meet again: gdb lacks a frame, or has one too many. */
function laidBehind(own: readonly Calls[], gdb: readonly Calls[]): Calls[] {
	let from = 0;
	return own.map((calls) => {
		const found = gdb.findIndex((others, index) => index >= from && others[0].pc === calls[0].pc);
		if (found < 0) return calls;
		from = found + 1;
		return combined(calls, gdb[found]);
	});
}

/** A frame without a name is a guess, not another opinion. */
function dissentOf(common: number, theirs: Calls | undefined): string | undefined {
	const name = theirs?.[0].function;
	if (name === undefined) return undefined;
	return `gdb sees another stack from frame ${common} on (${name}): ours is shown, which is by what describes the code`;
}
