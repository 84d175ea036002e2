import { readQuoted } from './quoted.ts';
import { unwrapped } from './wrapping.ts';

/** One line as the process wrote it, and its number in the log. */
export type Line = { readonly at: number; readonly text: string };

/**
 * The lines as the process wrote them: without what container runtimes, journals, viewers, terminals and people put around them.
 * Lines that a runtime cut into pieces (docker at 16 KiB, CRI by `P`) are whole again.
 */
export function* framedLines(text: string): Generator<Line> {
	const pieces = new Map<string, Line>();
	for (const { at, text: raw } of withoutNumbers(unwrapped(text, physicalLines(text)))) {
		const { content, stream, isPiece } = withoutRuntime(raw);
		if (stream === undefined) {
			yield { at, text: withoutPrefix(content) };
			continue;
		}
		const before = pieces.get(stream);
		const line = { at: before?.at ?? at, text: (before?.text ?? '') + content };
		if (isPiece) pieces.set(stream, line);
		else {
			pieces.delete(stream);
			yield { at: line.at, text: withoutPrefix(line.text) };
		}
	}
	for (const { at, text } of pieces.values()) yield { at, text: withoutPrefix(text) };
}

/** Nothing worth reading is longer, not even stacks in a field. */
const longestLine = 1 << 18;

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
const colours = /\x1b\[[0-9;?]*[A-Za-z]/g;

function* physicalLines(text: string): Generator<Line> {
	let start = text.startsWith('\ufeff') ? 1 : 0;
	for (let at = 1; start < text.length; at++) {
		const newline = text.indexOf('\n', start);
		const end = newline < 0 ? text.length : newline;
		const line = text.slice(start, Math.min(text[end - 1] === '\r' ? end - 1 : end, start + longestLine));
		yield { at, text: line.includes('\x1b') ? line.replace(colours, '') : line };
		start = end + 1;
	}
}

/** A viewer's number in front of a line, which is not the number of a frame (`  12: name`, Rust). */
const lineNumber = /^[ \t]*(\d{1,9})(?: \| ?|[ \t]|:(?! )|$)/;
const numberOf = (text: string) => {
	const match = lineNumber.exec(text);
	return match ? { number: Number(match[1]), rest: text.slice(match[0].length) } : undefined;
};

/** Numbers in front of lines are a viewer's when they count on from line to line. */
function* withoutNumbers(lines: Iterable<Line>): Generator<Line> {
	let previous: number | undefined;
	let held: readonly Line[] = [];
	for (const line of lines) {
		if (held.length > 0 && held.length < 4 && line.text.trim() === '') {
			held = [...held, line];
			continue;
		}
		const next = numberOf(line.text)?.number;
		if (held.length > 0) {
			const [first, ...blank] = held as [Line, ...Line[]];
			const own = numberOf(first.text);
			const isCounted = own !== undefined && (own.number + 1 === next || own.number - 1 === previous);
			yield isCounted ? { at: first.at, text: own.rest } : first;
			yield* blank;
			previous = isCounted ? own.number : undefined;
			held = [];
		}
		if (next === undefined) yield line;
		else held = [line];
	}
	for (const line of held) {
		const own = numberOf(line.text);
		yield own && own.number - 1 === previous ? { at: line.at, text: own.rest } : line;
	}
}

type Content = { readonly content: string; readonly stream?: string; readonly isPiece?: boolean };

/** Docker writes no spaces; what has gone through other tools may have some. */
const dockerStart = /^\{ ?"log": ?"/;
/** CRI: kubernetes/cri-api, "Container Log Format". */
const criStart = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])(?::[^ ]{1,20})?(?: |$)/;

function withoutRuntime(text: string): Content {
	const docker = dockerStart.exec(text);
	if (docker) {
		const { value, isCut } = readQuoted(text, docker[0].length);
		return { content: value.replace(/\r?\n$/, ''), stream: 'docker', isPiece: !isCut && !value.endsWith('\n') };
	}
	const match = criStart.exec(text);
	if (!match) return { content: text };
	return { content: text.slice(match[0].length), stream: match[1] as string, isPiece: match[2] === 'P' };
}

const isoTime = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?:Z|[+-]\\d\\d:?\\d\\d)';
/** In the order in which they are put around each other, the outermost first. */
const prefixes: readonly RegExp[] = [
	/^\[pod\/[^\]\s]{1,512}\] /, // kubectl logs --prefix
	/^[\w.-]{1,128} +\| /, // docker compose
	/^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? [\w.:-]{1,255} [^\s:[]{1,64}(?:\[\d+\])?: /, // syslog, journalctl
	new RegExp(`^${isoTime} [\\w.:-]{1,255} [^\\s:[]{1,64}\\[\\d+\\]: `), // journalctl -o short-iso
	new RegExp(`^${isoTime}(?:[ \\t]|$)`), // kubectl logs --timestamps
	/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d{3,9}(?:[ \t]|$)/, // Loki and other viewers, also on a line of its own
	// Milvus 1, whose handler of signals prints its stack through the logger
	/^(?:\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d{3}\]\[[A-Z]+\]\[[A-Z]+\]\[\w+\]\[[^\]]{0,64}\]|\| [A-Z]+ \| [\w.-]{1,64} \| \[[A-Z]+\]) /,
	/^>(?: |$)/, // quoted by a person
	/^\(gdb\) ?/,
];

const link = /\[([^[\]\s]*)\]\(https?:\/\/[^\s()]*(?:\)|$)/g;

function withoutPrefix(text: string): string {
	let rest = text.slice(0, longestLine); // of pieces, or of what was wrapped, it is longer again
	for (const prefix of prefixes) {
		const match = prefix.exec(rest);
		if (match) rest = rest.slice(match[0].length);
	}
	if (rest.startsWith('```')) return '';
	return rest.includes('](http') ? rest.replace(link, '$1') : rest;
}
