import type { Frame } from '../../domain/report.ts';
import type { Place } from './goroutines.ts';
import type { Format, Heading } from './headings.ts';
import type { TraceStack } from './tracelog.ts';

/** A stack of which more may come. */
export type Draft = {
	readonly heading: Heading;
	readonly at: number;
	readonly frames: Frame[];
	format: Format | undefined;
	lastIndex: number | undefined;
	/** A place that stood above the first numbered frame. */
	readonly placeAbove: Place | undefined;
	/** Its outermost frame was seen. */
	isComplete: boolean;
	/** Lines since the last frame that belong to nothing. */
	strays: number;
	/** A second thread that came into the signal handler before the first had printed a frame. */
	twin: { readonly at: number; readonly frames: Frame[] } | undefined;
};

export const draft = (heading: Heading, at: number, placeAbove?: Place): Draft => ({
	heading,
	at,
	frames: [],
	format: heading.format,
	lastIndex: undefined,
	placeAbove,
	isComplete: false,
	strays: 0,
	twin: undefined,
});

/** Only a recursion without end is deeper: of that the innermost frames are kept, and the outermost. */
export const mostFrames = 2000;

/**
 * Adds a frame. Of two threads that print at once the frames come mixed; those that come a second time are the second thread's,
 * as two threads that die at once mostly die of the same. Where they differ, the first stack holds the frames of both.
 */
export function addFrame(to: Draft, frame: Frame): void {
	to.strays = 0;
	const { twin } = to;
	const other = twin && to.frames[twin.frames.length];
	if (twin && other && other.pc === frame.pc && other.function === frame.function && other.line === frame.line) twin.frames.push(frame);
	else if (to.frames.length >= mostFrames) to.frames.splice(-1, 1, frame);
	else to.frames.push(frame);
}

/** @returns no stack for a heading without frames */
export function finished(
	{ heading: { kind, id, name, state }, at, frames, placeAbove, isComplete, twin }: Draft,
	textEnds: boolean,
): TraceStack[] {
	const stacks = [{ at, frames: placesAbove(frames, placeAbove) }, ...(twin ? [twin] : [])];
	return stacks
		.filter((stack) => stack.frames.length > 0)
		.map((stack) => ({
			kind,
			...(id !== undefined && { id }),
			...(name !== undefined && { name }),
			...(state !== undefined && { state }),
			frames: withInlined(stack.frames),
			isCut: textEnds && !isComplete && !isOutermost(stack.frames.at(-1)),
			at: stack.at,
		}));
}

/** Where a place stood above the first frame and none below the last, each belongs to the frame below it. */
function placesAbove(frames: readonly Frame[], first: Place | undefined): readonly Frame[] {
	if (!first || frames.at(-1)?.file !== undefined) return frames;
	const places: readonly Pick<Frame, 'file' | 'line'>[] = [first, ...frames];
	return frames.map(({ file: _, line: __, ...frame }, index) => {
		const { file, line } = places[index] ?? {};
		return { ...frame, ...(file !== undefined && { file }), ...(line !== undefined && { line }) };
	});
}

/** Symbolizers print what the compiler inlined as frames with the program counter of the function that it is now part of. */
const withInlined = (frames: readonly Frame[]): readonly Frame[] =>
	frames.map((frame, index) => {
		const next = frames[index + 1];
		const isInlined = frame.pc !== undefined && frame.pc === next?.pc && frame.function !== next.function;
		return isInlined ? { ...frame, inlined: true } : frame;
	});

const outermost =
	/^(?:main\.main|runtime\.(?:goexit|mstart)\S*|_start|main|(?:__)?clone3?|start_thread|__libc_start\S*|thread_start|_rt0_\S+)$/;
const isOutermost = (frame: Frame | undefined) => frame?.pc === '0x0' || (frame?.function !== undefined && outermost.test(frame.function));
