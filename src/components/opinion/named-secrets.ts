import { mark } from './escapes.ts';
import { isSecretHeader, isSecretName } from './secret-names.ts';
import { valueEnd } from './secret-value.ts';

/** Also as JSON, HTML and addresses of the web write it. */
const quote = `(?:\\\\{0,4}["'\`]|\\\\u0022${mark}|&quot;|%22)`;
const blank = `(?:[\\s${mark}]|\\\\[nrt]${mark}|\\\\x0[9ad]${mark})`;
const gap = `${blank}{0,16}`;
const sign = `(?:=>|->(?=\\s)|:=|={1,3}|:(?!:)|[：→]|%3[AaDd]|&#61;|\\\\u003[ad]${mark})`;
/** As Go's spew tells what a value is: `(string) (len=7) "…"`. */
const type = `(?:\\((?:[\\w.*[\\]]{1,40}|len=\\d{1,9}|cap=\\d{1,9})\\)\\s?){0,3}`;

/** What may stand between the name of a secret and its value. */
const between = {
	/** `name: value`, `"name" := value`; a name in C++ goes on after `::`. */
	operator: new RegExp(`${quote}?\\]?${gap}${sign}${gap}${type}`, 'y'),
	/** `{Key:name,Value:value}`. */
	pair: new RegExp(`${quote}?[,;]?${gap}${quote}?value${quote}?${gap}${sign}${gap}`, 'iy'),
	/** `"name", "value"`. */
	list: new RegExp(`${quote},${gap}(?=${quote})`, 'y'),
	/** `--name value`. */
	option: new RegExp(`${blank}{1,16}(?!-|${blank})`, 'y'),
	/** `name is value`: a word with letters and digits. */
	word: new RegExp(
		`${blank}{1,4}(?:(?:is|was|key)${blank}{1,4}){0,2}(?=[^\\s\\d]{0,100}\\d)(?=[^\\sA-Za-z]{0,100}[A-Za-z])(?!0x)(?=[^\\s,;:()<>/]{6,200}(?:[\\s,;.)]|$))`,
		'y',
	),
} as const;

const followed = /([\w.-]{1,100})[:=](?=\s)/y;

/** The same text without the values whose names say that they are secret, however the two are written. */
export function withoutNamedSecrets(text: string): string {
	let clean = '';
	let done = 0;
	for (const { 0: name, index } of text.matchAll(/[\p{L}\p{N}_.-]+/gu)) {
		if (index < done || !isSecretName(name)) continue;
		const place = placeOfValue(text, name, index);
		if (!place || place.end <= place.start) continue;
		clean += `${text.slice(done, place.start)}<secret>`;
		done = place.end;
	}
	return clean + text.slice(done);
}

type Place = { readonly start: number; readonly end: number };

function placeOfValue(text: string, name: string, index: number): Place | undefined {
	const after = index + name.length;
	if (text[index - 1] === '<' && text[after] === '>') return elementOf(text, after + 1);
	for (const pattern of [between.operator, between.pair, between.list]) {
		const start = endOf(pattern, text, after);
		if (start === undefined) continue;
		// The value is empty, and the next secret follows.
		if (isSecretName(nextName(text, start))) return undefined;
		return { start, end: valueEnd(text, start, { isHeader: isSecretHeader(name), isField: text.slice(after, start) === ':' }) };
	}
	const start = (name.startsWith('-') ? endOf(between.option, text, after) : undefined) ?? endOf(between.word, text, after);
	return start === undefined ? undefined : { start, end: valueEnd(text, start) };
}

function elementOf(text: string, start: number): Place {
	const end = text.indexOf('<', start);
	return { start, end: end < 0 ? text.length : end };
}

function nextName(text: string, at: number): string {
	followed.lastIndex = at;
	return followed.exec(text)?.[1] ?? '';
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
	pattern.lastIndex = at;
	return pattern.test(text) ? pattern.lastIndex : undefined;
}
