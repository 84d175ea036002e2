import { operatorAt } from './operators.ts';

const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' };

/**
 * Where the bracket that opens at a place is closed: behind its partner, or the end of the text where it has none.
 * `<` and `>` count only where they are brackets: not in `operator<<`, `->`, `(a)<(b)`, and not across another bracket.
 */
export function behindBracket(text: string, start: number): number {
	const open: string[] = [];
	const count: Record<string, number> = { ')': 0, ']': 0, '}': 0, '>': 0 };
	const push = (closer: string) => {
		open.push(closer);
		count[closer] = (count[closer] ?? 0) + 1;
	};
	const pop = () => {
		const closer = open.pop() ?? '';
		count[closer] = (count[closer] ?? 0) - 1;
	};
	for (let at = start; at < text.length; at++) {
		const character = text[at] as string;
		const closer = closers[character];
		if (character === 'o' && at > start) {
			at = (operatorAt(text, at)?.end ?? at + 1) - 1;
		} else if (closer !== undefined) {
			if (closer !== '>' || at === start || isBracket(text, at)) push(closer);
		} else if (character === '>') {
			if (open.at(-1) === '>' && text[at - 1] !== '-') pop();
		} else if (count[character]) {
			// A `<` that is still open within was a sign.
			while (open.at(-1) === '>') pop();
			if (open.at(-1) === character) pop();
		}
		if (open.length === 0) return at + 1;
	}
	return text.length;
}

/** After a parenthesis it is a sign (`(a)<(b)`, `(a)<<(b)`), as in `<=`. */
function isBracket(text: string, at: number): boolean {
	const before = text[at - 1] === '<' ? at - 1 : at;
	return text[at + 1] !== '=' && (text[before - 1] !== ')' || text.endsWith('operator()', before));
}
