import { match } from './scan.ts';

/** Longest first: `operator<<=` is not `operator<`. */
const symbols = /<=>|->\*|<<=|>>=|\(\)|\[\]|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%^&|]=|[-+*/%^&|~!=<>,]/y;
const keywords = /(?:new|delete)(?:\[\])?(?!\w)|co_await(?!\w)/y;
const literal = /"" ?(?=\w)/y;

/**
 * Reads the keyword `operator` and the symbol behind it.
 *
 * @returns `operator<<`, and where it ends; for a conversion (`operator bool`) only `operator `, and its type begins where it ends;
 * undefined where no operator is
 */
export function operatorAt(
	text: string,
	at: number,
): { readonly name: string; readonly end: number; readonly isConversion: boolean } | undefined {
	if (!text.startsWith('operator', at) || isWord(text[at - 1]) || isWord(text[at + 8])) return undefined;
	let end = at + 8;
	while (text[end] === ' ') end++;
	const found = match(keywords, text, end) ?? match(literal, text, end) ?? match(symbols, text, end);
	if (found === undefined) return { name: 'operator ', end, isConversion: true };
	const symbol = isLessWithArguments(text, end, found) ? '<' : found;
	const name = /^[ndc]/.test(symbol) ? `operator ${symbol}` : `operator${symbol.trim()}`;
	return { name, end: end + symbol.length, isConversion: false };
}

/** LLVM writes `operator<<int>` where GNU writes `operator< <int>`. */
const isLessWithArguments = (text: string, at: number, symbol: string) =>
	symbol === '<<' &&
	at + 2 < text.length &&
	/[\w:(*&[{']/.test(text[at + 2] as string) &&
	!(text[at + 2] === '(' || text.startsWith('::', at + 2));

const isWord = (character: string | undefined) => character !== undefined && /[\w$]/.test(character);
