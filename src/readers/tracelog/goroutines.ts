import type { Hex } from '../../base/hex.ts';
import { address } from './signals.ts';

/** `goroutine 6053 gp=0x… m=10 mp=0x… [chan receive, 5 minutes]:` (Go: runtime/traceback.go, goroutineheader). */
export function readGoroutineHeader(text: string): { readonly id: number; readonly state: string } | undefined {
	const match = /^goroutine (\d{1,15})(?: gp=\S+)?(?: m=\S+)?(?: mp=\S+)? \[([^\]]+)\]/.exec(text);
	return match ? { id: Number(match[1]), state: (match[2] as string).replace(/, .*$/s, '') } : undefined;
}

/**
 * The function of a line such as `pkg.(*T).Method[...](0x1, {0x2, 0x3?}, ...)`, which may be cut anywhere in its arguments.
 *
 * @returns nothing where the line is no call
 */
export function readGoCall(text: string): { readonly name: string; readonly isInlined: boolean } | undefined {
	// The arguments begin at the first parenthesis that does not follow a dot: those of receivers do.
	const match = /^((?:[^\s().]|\.\(\*?[^\s()]*\)|\.)+)\(/.exec(text);
	const name = match?.[1] as string | undefined;
	if (name === undefined || !(name.includes('.') || name === 'panic') || name.startsWith('.') || name.endsWith('.')) return undefined;
	return { name, isInlined: text.endsWith('(...)') };
}

export const isCreator = (text: string) => text.startsWith('created by ') || text.startsWith('[originating from goroutine ');

/** Where a function is: the line below its name. */
export type Place = {
	/** `go` and `native` are sure by what follows the line number; `plain` may be any `file:line`. */
	readonly style: 'go' | 'native' | 'plain';
	readonly file?: string;
	readonly line?: number;
	readonly pc?: Hex;
};

/**
 * `/src/a.go:12 +0x1b fp=0x… sp=0x… pc=0x…` of Go, `/src/a.cc:12 pc=0x…` of cgo's symbolizer and of Milvus' signal handler,
 * `at ./a.rs:12:5` of Rust, `a.c:12:5` of eu-stack.
 *
 * @param text without white space around it
 */
export function readPlace(text: string): Place | undefined {
	const match = form.exec(text);
	if (!match) return undefined;
	const [, at, name, lineText, offset, registers, pcText] = match;
	const pc = address(pcText);
	const style =
		at !== undefined ? 'plain' : offset !== undefined || registers !== undefined ? 'go' : pcText !== undefined ? 'native' : 'plain';
	if (style === 'plain' && !/[/.]/.test(name as string)) return undefined;
	return {
		style,
		...(name !== '(null)' && name !== '??' && { file: name as string, ...(Number(lineText) > 0 && { line: Number(lineText) }) }),
		...(pc !== undefined && { pc }),
	};
}

const form = /^(at )?(\S+?):(\d{1,9})(?::\d+)?(?: \+(0x[0-9a-f]*))?( fp=\S*(?: sp=\S*)?)?(?: pc=((?:0x)?[0-9a-f.]*))?(?: [fsp]{1,2})?$/;
