import { behindBracket } from './brackets.ts';
import { match } from './scan.ts';

export const lambda = '{lambda}';
export const anonymousNamespace = '(anonymous namespace)';
const unnamed = '{unnamed}';

export type Named = { readonly name: string; readonly end: number };

/** Words within parentheses that stand for a name: GNU and LLVM, and clang's debug information. */
const parenthesised = /\((?:anonymous|unnamed|lambda)\b[^()]*\)/y;
/** `'lambda0'`, `'unnamed'`, `'block-literal'`: LLVM. */
const quoted = /'(lambda|unnamed)?[\w -]*'?/y;
/** Types of lambdas as compilers name them, and what the anonymous namespace is called in a symbol. */
const generated = /(?:\$_\d+|__lambda\d+)(?![\w$])|_GLOBAL__(?:N_|_N)\w*/y;
/** `{lambda(int)#1}`, `{closure#0}`, `{{closure}}`, `{shim:vtable#0}`. */
const braced = /\{+([A-Za-z_][\w.: -]*)?/y;

/**
 * One name for what has none of its own, whichever compiler, demangler or debugger spelt it.
 *
 * @param isFirst nothing stands before it
 * @returns undefined where something else stands; an empty name for what is not a part of the name, such as the `<u32>` of Rust's `f::<u32>`
 */
export function namelessAt(text: string, at: number, isFirst: boolean): Named | undefined {
	switch (text[at]) {
		case '(': {
			const found = match(parenthesised, text, at);
			return found === undefined ? undefined : { name: parenthesisedName(found), end: at + found.length };
		}
		case '{':
			return { name: bracedName(match(braced, text, at) ?? ''), end: behindBracket(text, at) };
		case "'": {
			const found = match(quoted, text, at) ?? '';
			return { name: found.startsWith("'lambda") ? lambda : unnamed, end: at + found.length };
		}
		case '$':
		case '_': {
			const found = match(generated, text, at);
			return found === undefined ? undefined : { name: found.startsWith('_G') ? anonymousNamespace : lambda, end: at + found.length };
		}
		case '<':
			return angled(text, at, isFirst);
		default:
			return undefined;
	}
}

function parenthesisedName(text: string): string {
	if (/namespace/.test(text)) return anonymousNamespace;
	// clang calls the type of a lambda an anonymous class.
	return /^\((?:lambda|anonymous class)/.test(text) ? lambda : unnamed;
}

function bracedName(text: string): string {
	const word = text.replace(/^\{+/, '').trim();
	if (word.startsWith('lambda')) return lambda;
	if (word === 'anonymous') return anonymousNamespace;
	if (word.startsWith('unnamed')) return unnamed;
	return word === '' ? '' : `{${word}}`;
}

/** `<lambda(int)>` and `<unnamed>` of GCC; `<T as Trait>`, `<T>`, `<impl Trait for T>` of Rust. */
function angled(text: string, at: number, isFirst: boolean): Named {
	const end = behindBracket(text, at);
	if (text.startsWith('<lambda', at)) return { name: lambda, end };
	if (text.startsWith('<unnamed>', at)) return { name: anonymousNamespace, end };
	if (text.startsWith('<unnamed', at)) return { name: unnamed, end };
	const inner = withoutGenerics(text.slice(at + 1, text[end - 1] === '>' ? end - 1 : end));
	if (/ (?:as|for) |^impl /.test(inner)) return { name: `<${inner}>`, end };
	if (!isFirst) return { name: '', end };
	return { name: /^[\w:]+$/.test(inner) && text.startsWith('::', end) ? inner : `<${inner}>`, end };
}

/** Drops what is in `<…>` behind a name, and crates' disambiguators (`core[846817f741e54dfd]`); keeps `<T as Trait>` within `<…>`. */
function withoutGenerics(text: string): string {
	const kept: string[] = [];
	const open: boolean[] = [];
	let hidden = 0;
	for (let at = 0; at < text.length; at++) {
		const character = text[at] as string;
		if (character === '<') {
			const isGeneric = /[\w:]/.test(text[at - 1] ?? ' ') && !text.startsWith('<impl ', at);
			if (isGeneric && text.startsWith('::', at - 2) && hidden === 0) kept.splice(-2);
			open.push(isGeneric);
			if (isGeneric) hidden++;
			else if (hidden === 0) kept.push(character);
		} else if (character === '>' && text[at - 1] !== '-' && open.length > 0) {
			if (open.pop()) hidden--;
			else if (hidden === 0) kept.push(character);
		} else if (character === '[' && /\w/.test(text[at - 1] ?? ' ')) {
			at = behindBracket(text, at) - 1;
		} else if (hidden === 0) {
			kept.push(character);
		}
	}
	return kept.join('').replace(/(\d): [iu](?:size|\d+)/g, '$1'); // GNU gives the type of an array's length
}
