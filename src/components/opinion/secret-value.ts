import { mark } from './escapes.ts';

/** `isHeader`: the value is the rest of the line. `isField`: it may be a field of a struct as Go prints it, with spaces in it. */
export type ValueKind = { readonly isHeader?: boolean; readonly isField?: boolean };

const scheme = /(?:bearer|basic|digest|negotiate|token)\s{1,8}/iy;
const opening = /(\\{0,4})(["'`])/y;
const block = new RegExp(`[|>][+-]?\\d?[ \\t]{0,16}(?:\\n(?:[ \\t]+[^\\n]*(?:\\n|$))+|\\\\(?:n|x0a)${mark}[^\\n]*)`, 'y');
const harmless = new RegExp(
	`(?:true|false|nil|<nil>|<optimized out>|<private key>|null|none|\\d{1,2}|SIG[A-Z]{1,10})(?=$|[\\s,;)}\\]${mark}\\\\])`,
	'y',
);
const field = new RegExp(`(?=[^\\n]{0,300}\\})[^\\n]{0,300}?(?=\\s[\\w.-]{1,64}:(?!:)|\\}(?:[\\s,;)}\\]"'\\\\${mark}]|$))`, 'y');
const lineEnd = new RegExp(`\\n|\\\\(?:[nr]|x0[ad])${mark}`, 'g');
const nextName = new RegExp(`[,;&)}\\]"'\`\\s${mark}]{1,8}[{([&"'\`\\\\]{0,6}[\\w.-]{1,64}\\\\{0,4}["'\`]?\\s?(?::(?!:)|=|：)`, 'y');
const closingQuote = /\\{0,4}["'`](?=[\s,:;)}\]]|$)/y;

/** The longest list in brackets that is seen as one value. */
const longestList = 1000;

/** Where the value of a secret that starts there ends; at its start, where it is none. In doubt it is longer. */
export function valueEnd(text: string, start: number, { isHeader = false, isField = false }: ValueKind = {}): number {
	if (matches(harmless, text, start)) return start;
	if (matches(block, text, start)) return block.lastIndex;
	if (matches(opening, text, start)) return quotedEnd(text, start);
	const isList = /[[{(]/.test(text[start] ?? '');
	if (isHeader && !isList) return lineEndAfter(text, start);
	if (isField && !isList && matches(field, text, start)) return field.lastIndex;
	return plainEnd(text, matches(scheme, text, start) ? scheme.lastIndex : start);
}

/** After the quote that closes: one with as many backslashes, and no more text or quote right behind it; else the end of the line. */
function quotedEnd(text: string, start: number): number {
	opening.lastIndex = start;
	const [, escaped = '', quote = ''] = opening.exec(text) ?? [];
	let backslashes = 0;
	for (let at = start + escaped.length + 1; at < text.length && text[at] !== '\n'; at++) {
		if (text[at] === '\\') {
			backslashes++;
			continue;
		}
		const closes = text[at] === quote && (escaped === '' ? backslashes % 2 === 0 : backslashes <= escaped.length);
		backslashes = 0;
		if (!closes) continue;
		if (text[at + 1] === quote && at + 1 < text.length) at++;
		else if (!/\w/.test(text[at + 1] ?? '')) return at + 1;
	}
	const end = text.indexOf('\n', start);
	return end < 0 ? text.length : end;
}

/** Up to a space, or to a comma or bracket that the name of another value follows; a list in brackets belongs to it. */
function plainEnd(text: string, start: number): number {
	let end = start;
	let isOpen = false;
	let list = start + 1;
	while (end < text.length && !/\s/.test(text[end] ?? '')) {
		const character = text[end] ?? '';
		if (isEnd(text, start, end)) break;
		const afterList: number | undefined = '[{('.includes(character) && !isOpen ? listEnd(text, end) : undefined;
		// Where one has no end, those in it have none either.
		isOpen ||= '[{('.includes(character) && afterList === undefined;
		list = afterList ?? list;
		end = afterList ?? end + 1;
	}
	while (end > list && /[)}\],;"'`>\\]/.test(text[end - 1] ?? '')) end--;
	return end;
}

function isEnd(text: string, start: number, at: number): boolean {
	const character = text[at] ?? '';
	if (character === mark) return matches(nextName, text, at);
	if (at === start) return false;
	return (/[,;&)}\]"'`]/.test(character) && matches(nextName, text, at)) || (/["'`\\]/.test(character) && matches(closingQuote, text, at));
}

/** After the bracket that closes the one there, if that is near. */
function listEnd(text: string, start: number): number | undefined {
	let depth = 0;
	for (let at = start; at < Math.min(text.length, start + longestList) && text[at] !== '\n'; at++) {
		if ('[{('.includes(text[at] ?? '')) depth++;
		else if (']})'.includes(text[at] ?? '') && --depth === 0) return at + 1;
	}
	return undefined;
}

function lineEndAfter(text: string, start: number): number {
	lineEnd.lastIndex = start;
	return lineEnd.exec(text)?.index ?? text.length;
}

function matches(pattern: RegExp, text: string, at: number): boolean {
	pattern.lastIndex = at;
	return pattern.test(text);
}
