import type { Line } from './framing.ts';

/** Only what people paste is wrapped, and that is short. */
const longestPaste = 1 << 20;

/**
 * Joins lines that a terminal or a narrow column broke at a fixed width, in the middle of names.
 * The width gives itself away: no line is longer, and several of just that length end in the middle of something.
 *
 * @returns the same iterable where nothing is wrapped
 */
export function unwrapped(text: string, lines: Iterable<Line>): Iterable<Line> {
	if (text.length > longestPaste) return lines;
	const all = [...lines];
	const width = wrappedAt(all);
	return width === undefined ? all : joined(all, width);
}

const narrowest = 40;
const widest = 250;
const fewest = 3;

function wrappedAt(lines: readonly Line[]): number | undefined {
	const width = lines.reduce((longest, { text }) => Math.max(longest, text.length), 0);
	if (width < narrowest || width > widest) return undefined;
	const broken = lines.filter(
		({ text }, index) => text.length === width && !endsWhole.test(text) && !startsAnew(lines[index + 1]?.text ?? ''),
	);
	return new Set(broken.map(({ text }) => text)).size >= fewest ? width : undefined;
}

/** Frames that recur have equal lengths too, but they end where a frame ends. */
const endsWhole = /(?:(?: |\+|pc=)0x[0-9a-f]+|:\d+|[)\]}]:?|[.!?])$/;

const startsAnew = (text: string) => text === '' || /^\s*(?:\t|#\d+ |goroutine \d|\[\d{4}\/|panic: )/.test(text);

function* joined(lines: readonly Line[], width: number): Generator<Line> {
	// A column of its own is indented as a whole.
	const indent = Math.min(
		...lines
			.filter(({ text }, index) => lines[index - 1]?.text.length === width && !startsAnew(text))
			.map(({ text }) => text.search(/\S|$/)),
	);
	let whole: Line | undefined;
	let isBroken = false;
	for (const line of lines) {
		if (isBroken && whole && !startsAnew(line.text)) whole = { at: whole.at, text: whole.text + line.text.slice(indent) };
		else {
			if (whole) yield whole;
			whole = line;
		}
		isBroken = line.text.length === width;
	}
	if (whole) yield whole;
}
