/** Text between quotes with backslashes, as JSON and zap write it. */
export type Quoted = { readonly value: string /** Index behind the closing quote. */; readonly end: number; readonly isCut: boolean };

/**
 * Reads on from behind an opening quote. Where the closing one is missing, all that is there is the value.
 */
export function readQuoted(text: string, start: number): Quoted {
	const ending = /["\\]/g;
	ending.lastIndex = start;
	for (let match = ending.exec(text); match; match = ending.exec(text)) {
		if (match[0] === '"') return { value: unescaped(text.slice(start, match.index)), end: match.index + 1, isCut: false };
		ending.lastIndex = match.index + 2;
	}
	return { value: unescaped(text.slice(start)), end: text.length, isCut: true };
}

const meaning: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };

const unescaped = (text: string) =>
	text.includes('\\')
		? text.replace(/\\(?:u([0-9a-fA-F]{4})|(.)|$)/g, (_, code: string | undefined, letter: string | undefined) =>
				code === undefined ? (meaning[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
			)
		: text;
