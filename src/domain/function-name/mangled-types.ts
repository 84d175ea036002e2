import { match } from './scan.ts';

/** What is open: a nested name, an expression, a lambda's parameters, a literal whose type or value comes next, or anything else that `E` ends. */
type Open = 'name' | 'expression' | 'lambda' | 'literal' | 'value' | 'other';

/**
 * Where a list of types, template arguments or expressions in the Itanium mangling ends: behind its `E`.
 * It knows how long each piece is, not what it means.
 *
 * @returns undefined where it is cut, or not understood
 */
export function skippedTypes(text: string, start: number): number | undefined {
	const open: Open[] = ['other'];
	let at = start;
	while (at < text.length) {
		const within = open.at(-1);
		if (text[at] === 'E') {
			open.pop();
			at++;
			if (open.length === 0) return at;
			if (within === 'lambda') at += match(/\d*_/y, text, at)?.length ?? 0; // its number
			continue;
		}
		if (within === 'value') {
			// Digits, or hexadecimal ones of a floating-point number.
			at += match(/[n\da-f_]+/y, text, at)?.length ?? text.length;
			continue;
		}
		// The first piece within a literal, but for pointers and qualifiers, is its type; after it comes its value.
		if (within === 'literal' && !/[PROKVr]/.test(text[at] as string)) open[open.length - 1] = 'value';
		// Constraints of a template come behind its arguments, and end with them.
		if (text[at] === 'Q') open[open.length - 1] = 'expression';
		const length = lengthOfPiece(text, at);
		if (length === undefined) return undefined;
		const opened = opens(text, at, within);
		if (opened !== undefined) open.push(opened);
		at += length;
	}
	return undefined;
}

/** A substitution, a parameter, an array's bounds, a vector's size, a discriminator; else one letter. */
const piece =
	/S[a-z]|S[\dA-Z]*_|T(?:L\d+_)?\d*_|fp(?:T|[rVK]*\d*_)|fL\d+p[rVK]*\d*_|A\d*_|Dv\d+_|DF\d+_?|D[a-zA-SU-Z]|Ul|Ut\d*_|L_Z|__\d+_|_\d|(?:cl|il|tl|sr)(?=[A-Z\d])|[A-Z_a-z$.]/y;

function lengthOfPiece(text: string, at: number): number | undefined {
	const start = text.startsWith('St', at) ? at + 2 : at;
	const digits = match(/\d{1,5}/y, text, start);
	if (digits === undefined) return match(piece, text, at)?.length;
	const end = start + digits.length + Number(digits);
	return end <= text.length ? end - at : undefined;
}

/** Pieces that another `E` ends. */
function opens(text: string, at: number, within: Open | undefined): Open | undefined {
	switch (text[at]) {
		case 'N':
			return 'name';
		case 'I':
		case 'J':
		case 'F':
		case 'Z':
			return 'other';
		case 'X':
			return 'expression';
		case 'D':
			return /^D[tT]/.test(text.slice(at, at + 2)) ? 'expression' : undefined;
		case 'c':
		case 'i':
		case 't':
			return within === 'expression' && text[at + 1] === 'l' ? 'expression' : undefined;
		case 's': // a name in a namespace, which has an `E` of its own
			return within === 'expression' && /^sr\d/.test(text.slice(at, at + 3)) ? 'other' : undefined;
		case 'U':
			return text[at + 1] === 'l' ? 'lambda' : undefined;
		case 'L':
			if (text.startsWith('L_Z', at)) return 'other';
			// Within a name it is internal linkage.
			return within === 'name' && /\d/.test(text[at + 1] ?? '') ? undefined : 'literal';
		default:
			return undefined;
	}
}
