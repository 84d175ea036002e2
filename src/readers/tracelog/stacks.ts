import type { Frame } from '../../domain/report.ts';
import { addFrame, type Draft, draft, finished } from './drafts.ts';
import { isCreator, type Place, readGoCall, readPlace } from './goroutines.ts';
import { endsStack, type Format, readHeading } from './headings.ts';
import { continuesFrame, readNumbered, readRustFrame } from './numbered.ts';
import type { TraceStack } from './tracelog.ts';

/** More lines of other things than these do not come between two frames of one stack. */
const mostStrays = 30;
/** A place this many lines above the first frame is the frame's, with a blank line or a time between. */
const mostBetween = 3;
/** Nor does a debugger break one frame into more lines. Each is a reason to read all of them again. */
const mostPieces = 64;
const longestFrame = 8 << 10;

/** Of more the middle is left out: the crashed thread's comes first, or at the end, if others were printed for long before it. */
const mostStacks = 2000;
const mostFramesInAll = 20_000;

/** Puts stacks together, line by line. */
export class Stacks {
	readonly #done: TraceStack[] = [];
	/** In all that is done. */
	#frames = 0;
	#leftOut = 0;
	#open: Draft | undefined;
	/** The last line that nobody understood: a function, if a place follows. */
	#pending: string | undefined;
	/** The last place that belonged to nothing. */
	#orphan: { readonly at: number; readonly place: Place } | undefined;
	/** What was read so far of a numbered frame that later lines may go on with. */
	#pieces: string[] = [];

	/** @returns whether the line belongs to a stack */
	take(at: number, line: string): boolean {
		const text = line.trim();
		return this.#piece(line, text) || this.#heading(at, text) || this.#numbered(at, text) || this.#place(at, text);
	}

	/** A line that is neither a stack's nor a statement; it may be the name of a function. */
	stray(line: string): void {
		const text = line.trim();
		const open = this.#open;
		if (open && !isNameLike(text) && !isLocal(text) && open.strays++ >= mostStrays) this.#close(false);
		if (this.#pending !== undefined && isNameLike(this.#pending)) {
			if (!isNameLike(text) || text.startsWith('/')) return;
			if (readGoCall(text) || isCreator(text)) this.#withoutPlace();
		}
		this.#pending = text;
	}

	/** A statement: the line above it is no name of a function, and a stack above it does not go on to the end of the text. */
	said(): void {
		this.#forget();
		if (this.#open) this.#open.strays++;
	}

	add(stack: TraceStack): void {
		this.#done.push(stack);
		this.#frames += stack.frames.length;
		while (this.#done.length > mostStacks || this.#frames > mostFramesInAll) {
			const [dropped] = this.#done.splice(this.#done.length >> 1, 1);
			this.#frames -= dropped?.frames.length ?? 0;
			this.#leftOut++;
		}
	}

	/** @returns the stacks, when the text has ended, and how many between them there were too many to keep */
	end(): { readonly stacks: readonly TraceStack[]; readonly leftOut: number } {
		const open = this.#open;
		if (open?.heading.kind === 'goroutine') this.#withoutPlace();
		else if (open?.format === 'placed' && open.strays === 0 && /^_Z\w+$|^\w[\w:~]*$/.test(this.#pending ?? '')) {
			open.frames.push({ function: this.#pending as string });
		}
		this.#close(open?.strays === 0);
		const stacks = this.#done.sort((one, other) => one.at - other.at); // those of fields come while another is open
		return { stacks, leftOut: this.#leftOut };
	}

	/** gdb breaks a frame between its arguments. */
	#piece(line: string, text: string): boolean {
		if (this.#pieces.length === 0 || this.#pieces.length > mostPieces || !continuesFrame(line)) return false;
		const joined = [...this.#pieces, text].join(' ');
		if (joined.length > longestFrame) return false;
		this.#pieces.push(text);
		const whole = readNumbered(joined);
		if (whole) this.#open?.frames.splice(-1, 1, whole.frame);
		if (whole?.isWhole) this.#pieces = [];
		return true;
	}

	#heading(at: number, text: string): boolean {
		if (endsStack(text)) {
			this.#close(false);
			this.#forget();
			return true;
		}
		const heading = readHeading(text);
		if (!heading) return false;
		const open = this.#open;
		if (heading.isHandlers && open?.heading.isHandlers && open.frames.length === 0) open.twin = { at, frames: [] };
		else this.#start(draft(heading, at));
		this.#forget();
		return true;
	}

	#numbered(at: number, text: string): boolean {
		const rust = this.#open?.format === 'rust' ? readRustFrame(text) : undefined;
		const found = rust ?? readNumbered(text);
		if (!found) return false;
		const { index, frame } = found;
		const format = rust ? 'rust' : index === undefined ? 'bare' : 'numbered';
		const stack = this.#openFor(format, index) ?? this.#start(draft({ kind: 'native' }, at, this.#placeAbove(at)));
		stack.format = format;
		stack.lastIndex = index;
		addFrame(stack, frame);
		this.#forget();
		if (format === 'numbered' && !found.isWhole) this.#pieces = [text];
		return true;
	}

	#place(at: number, text: string): boolean {
		const place = readPlace(text);
		if (!place) return false;
		const name = this.#pending;
		const open = this.#open;
		if (name !== undefined && isCreator(name)) {
			if (open) open.isComplete = true;
		} else if (place.style !== 'plain') {
			const stack =
				this.#openFor('placed') ?? this.#start(draft({ kind: place.style === 'go' ? 'goroutine' : 'native', format: 'placed' }, at));
			addFrame(stack, place.style === 'go' ? goFrame(name, place) : nativeFrame(name, place));
		} else if (open?.heading.kind === 'goroutine' && name !== undefined && readGoCall(name)) {
			addFrame(open, goFrame(name, place));
		} else if (open && open.format !== 'placed' && open.strays === 0 && open.frames.length > 0 && open.frames.at(-1)?.file === undefined) {
			open.frames.push({ ...(open.frames.pop() as Frame), ...where(place) });
		} else {
			this.#forget();
			this.#orphan = { at, place };
			return false;
		}
		this.#forget();
		return true;
	}

	#placeAbove(at: number): Place | undefined {
		return this.#orphan && at - this.#orphan.at <= mostBetween ? this.#orphan.place : undefined;
	}

	/** The stack that is open, when a frame of this format and number can be its next. */
	#openFor(format: Format, index?: number): Draft | undefined {
		const open = this.#open;
		if (!open || (open.format ?? format) !== format) return undefined;
		if (format === 'bare' && open.strays > 0) return undefined;
		return index === undefined || open.lastIndex === undefined || index > open.lastIndex ? open : undefined;
	}

	/** The line above was a call in Go, though its place did not follow. */
	#withoutPlace(): void {
		const open = this.#open;
		if (open?.heading.kind !== 'goroutine' || open.isComplete || this.#pending === undefined) return;
		if (isCreator(this.#pending)) open.isComplete = true;
		else if (readGoCall(this.#pending)) addFrame(open, goFrame(this.#pending));
		else if (/^_Z\w+$/.test(this.#pending)) addFrame(open, { function: this.#pending });
	}

	#start(next: Draft): Draft {
		this.#withoutPlace();
		this.#close(false);
		this.#open = next;
		return next;
	}

	#forget(): void {
		this.#pending = undefined;
		this.#orphan = undefined;
		this.#pieces = [];
	}

	#close(textEnds: boolean): void {
		if (this.#open) for (const stack of finished(this.#open, textEnds)) this.add(stack);
		this.#open = undefined;
	}
}

/** Names of functions hold spaces only between their arguments. */
const isNameLike = (text: string) => !/\s/.test(text) || readGoCall(text) !== undefined || isCreator(text);

/** What `bt full` of gdb prints between frames. */
const isLocal = (text: string) => /^[A-Za-z_]\w* = /.test(text);

const where = ({ file, line }: Place): Pick<Frame, 'file' | 'line'> => ({
	...(file !== undefined && { file }),
	...(line !== undefined && { line }),
});

function goFrame(call: string | undefined, place?: Place): Frame {
	const { name, isInlined } = readGoCall(call ?? '') ?? { name: call, isInlined: false };
	return { ...named(name), ...(place && { ...(place.pc && { pc: place.pc }), ...where(place) }), ...(isInlined && { inlined: true }) };
}

const nativeFrame = (name: string | undefined, place: Place): Frame => ({
	...(place.pc && { pc: place.pc }),
	...named(name),
	...where(place),
});

const named = (name: string | undefined): Pick<Frame, 'function'> =>
	name === undefined || name === '' || name === '(null)' || name === 'non-Go function' || name === '...' ? {} : { function: name };
