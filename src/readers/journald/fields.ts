import { fileNameText } from '../../base/filename.ts';

/** The fields of one entry: systemd.journal-fields(7). Those that were too long to be printed, or were given more than once, are not there. */
export type Fields = {
	/** Text that loses nothing: see `fileNameText`. */
	text(name: string): string | undefined;
	/** A whole number that is not negative. */
	number(name: string): number | undefined;
	/** Also of a field that was too long to be printed. */
	has(name: string): boolean;
};

/**
 * @param line of `journalctl -o json`: text as strings, what is no text as arrays of bytes, what is too long as `null`
 * @returns undefined for anything but one JSON object
 */
export function fieldsOf(line: string): Fields | undefined {
	const values = objectIn(line);
	if (values === undefined) return undefined;
	const text = (name: string) => textOf(values.get(name));
	return { text, number: (name) => wholeNumber(text(name)), has: (name) => values.has(name) };
}

function objectIn(line: string): ReadonlyMap<string, unknown> | undefined {
	let value: unknown;
	try {
		value = JSON.parse(line);
	} catch {
		return undefined; // a line that was cut, or is none of journalctl's
	}
	return typeof value === 'object' && value !== null && !Array.isArray(value) ? new Map(Object.entries(value)) : undefined;
}

function textOf(value: unknown): string | undefined {
	if (typeof value === 'string') return value;
	if (!Array.isArray(value) || !value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return undefined;
	return fileNameText(Buffer.from(value as number[]));
}

/** What is no number of a size that a double holds exactly is not there. */
export function wholeNumber(text: string | undefined): number | undefined {
	const value = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN;
	return Number.isSafeInteger(value) ? value : undefined;
}
