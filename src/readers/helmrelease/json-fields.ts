import { ReleaseRecordError } from './error.ts';

/** Where a value stands in a text. */
export type Piece = { readonly from: number; readonly to: number };

/** No name of a field that is asked for is longer, quotes and escapes included. */
const longestName = 100;
const [quote, backslash, comma, colon, open, close, openList, closeList] = [...'"\\,:{}[]'].map((sign) => sign.charCodeAt(0));

/**
 * Finds fields of a JSON object, and makes nothing of the others: they may be large, and they are nobody's business.
 *
 * @param name as Go takes it, in any case: of two that differ only in that, Helm takes the last, so they are refused
 * @throws {ReleaseRecordError} it is no object, or has one of the fields twice
 */
export function fieldsOf<Name extends string>(text: Buffer, { from, to }: Piece, names: readonly Name[]): Partial<Record<Name, Piece>> {
	const found: Partial<Record<Name, Piece>> = {};
	let at = skipSpace(text, from, to);
	if (text[at] !== open) throw new ReleaseRecordError('is not a JSON object where one is expected');
	at = skipSpace(text, at + 1, to);
	while (text[at] !== close) {
		const key = { from: at, to: endOfString(text, at, to) };
		at = skipSpace(text, key.to, to);
		if (text[at] !== colon) throw broken();
		const value = { from: skipSpace(text, at + 1, to), to: 0 };
		value.to = endOfValue(text, value.from, to);
		const name = nameIn(text, key, names);
		if (name !== undefined) {
			if (found[name]) throw new ReleaseRecordError(`has the field "${name}" twice`);
			found[name] = value;
		}
		at = skipSpace(text, value.to, to);
		if (text[at] === comma) at = skipSpace(text, at + 1, to);
		else if (text[at] !== close) throw broken();
	}
	return found;
}

/** @throws {ReleaseRecordError} */
export function parsed(text: Buffer, { from, to }: Piece): unknown {
	try {
		return JSON.parse(text.toString('utf8', from, to));
	} catch (cause) {
		throw new ReleaseRecordError('is not JSON', { cause });
	}
}

const broken = () => new ReleaseRecordError('is not JSON');

function nameIn<Name extends string>(text: Buffer, key: Piece, names: readonly Name[]): Name | undefined {
	if (key.to - key.from > longestName) return undefined;
	const name = folded(String(parsed(text, key)));
	return names.find((one) => folded(one) === name);
}

/** As Go's encoding/json compares names: `ſ` is an s, and the sign of Kelvin a k. */
const folded = (name: string) => name.toUpperCase().toLowerCase();

function skipSpace(text: Buffer, from: number, to: number): number {
	let at = from;
	while (at < to && [0x20, 0x09, 0x0a, 0x0d].includes(text[at] as number)) at++;
	if (at >= to) throw broken();
	return at;
}

function endOfString(text: Buffer, from: number, to: number): number {
	if (text[from] !== quote) throw broken();
	for (let at = from + 1; at < to; at++) {
		if (text[at] === backslash) at++;
		else if (text[at] === quote) return at + 1;
	}
	throw broken();
}

/** What stands within is not looked at, but for where it ends. */
function endOfValue(text: Buffer, from: number, to: number): number {
	let depth = 0;
	for (let at = from; at < to; at++) {
		const sign = text[at];
		if (sign === quote) {
			at = endOfString(text, at, to) - 1;
			if (depth === 0) return at + 1;
		} else if (sign === open || sign === openList) depth++;
		else if (sign === close || sign === closeList) {
			if (depth === 0) return at; // of what is around it
			if (--depth === 0) return at + 1;
		} else if (sign === comma && depth === 0) return at;
	}
	throw broken();
}
