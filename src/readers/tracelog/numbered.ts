import type { Frame } from '../../domain/report.ts';
import { address } from './signals.ts';

/** A frame with its number in front, as debuggers and sanitizers print it. */
export type Numbered = {
	/** Absent where the format has none. */
	readonly index?: number;
	readonly frame: Frame;
	/** It says where its function is, so that no later line belongs to it. */
	readonly isWhole: boolean;
};

/**
 * Reads a frame that stands on a line (or on several, joined) of its own: gdb, eu-stack, lldb, coredumpctl, sanitizers, glog, folly,
 * backtrace_symbols(3), and `#02 name` as people write it.
 *
 * @param text without white space around it
 */
export function readNumbered(text: string): Numbered | undefined {
	switch (text[0]) {
		case '#':
			return hashed(text);
		case '*':
		case 'f':
			return ofLldb(text) ?? ofBacktraceSymbols(text);
		case '@':
			return ofGlog(text);
		default:
			return text.endsWith(']') ? ofBacktraceSymbols(text) : undefined;
	}
}

/** `   5:     0x55d5 - name` and `   5: name` of Rust's standard library, which only its heading tells from other text. */
export function readRustFrame(text: string): Numbered | undefined {
	const match = /^(\d{1,5}):\s+(?:(0x[0-9a-f]+) - )?(\S.*)$/.exec(text);
	if (!match) return undefined;
	return { index: Number(match[1]), frame: frame({ pc: match[2], name: match[3] }), isWhole: false };
}

/** Whether a line goes on with a frame that gdb broke between its arguments. */
export const continuesFrame = (line: string) => /^\s+(?:\(|at \S|from \S|[\w@]+=|const\b|\.\.\.\))/.test(line);

function hashed(text: string): Numbered | undefined {
	const match = /^#(\d{1,6})\s+(?:(0x[0-9a-f]+)(?:\s+|$))?(in\s+)?(.*)$/s.exec(text);
	if (!match) return undefined;
	const [, index, pc, , body = ''] = match;
	if (pc === undefined && !(readsLikeFrame(body) || (index?.startsWith('0') && /^[A-Za-z_]\w*$/.test(body)))) return undefined;
	const { name, file, line, module, offset } = parts(body);
	const isWhole = file !== undefined || module !== undefined;
	return { index: Number(index), frame: frame({ pc, name, file, line, module, offset }), isWhole };
}

/** `#12 DONE 0.3s` is no frame: a name has spaces only in brackets, or it is followed by its arguments or its place. */
function readsLikeFrame(body: string): boolean {
	if (body === '<signal handler called>' || /^\S+ \((?:\)|[\w@]+=)/.test(body) || /\)\s+(?:at|from) \S/.test(body)) return true;
	const beforeBrackets = /^[^(<{]*/.exec(body)?.[0] ?? '';
	if (/\s/.test(beforeBrackets.trim().replace(/\boperator .*$/s, ''))) return hasPlace(body);
	return beforeBrackets.length > 0 && /^[\w:.~$*/@-]+$/.test(beforeBrackets.trim()) && (body.includes('::') || /[)>]$/.test(body));
}

/** ` /src/a.cpp:12:5` at the end, or with something in brackets behind it. */
function hasPlace(body: string): boolean {
	const [, ...words] = body.split(' ');
	const isClosed = body.endsWith(')');
	return words.some((word, index) => {
		const next = words[index + 1];
		const isLast = next === undefined || (isClosed && next.startsWith('('));
		return isLast && /[/.]/.test(/^(\S+?):\d+(?::\d+)?$/.exec(word)?.[1] ?? '');
	});
}

type Parts = {
	pc?: string | undefined;
	name?: string | undefined;
	file?: string | undefined;
	line?: string | undefined;
	module?: string | undefined;
	offset?: string | undefined;
};

/** What follows the address: name, arguments, and where it is in one of many ways. */
function parts(body: string): Parts {
	let rest = body.replace(/ \(BuildId: [0-9a-f]+\)$/, '');
	// Sanitizers `(/lib/x.so+0x12)`, coredumpctl `(libx.so + 0x12)`.
	const inModule = /\s?\(([^()\s]+?) ?\+ ?(0x[0-9a-f]+)\)$/.exec(rest);
	if (inModule) {
		rest = rest.slice(0, inModule.index);
		const place = / (\S+?):(\d+)(?::\d+)?$/.exec(rest);
		if (place) return { name: rest.slice(0, place.index), file: place[1], line: place[2], module: inModule[1], offset: inModule[2] };
		return { name: rest, module: inModule[1], offset: inModule[2] };
	}
	const at = /(?<=\)) at (\S+?)(?::(\d+)(?::\d+)?)?$/.exec(rest);
	if (at) return { name: withoutArguments(rest.slice(0, at.index)), ...(at[2] !== undefined && { file: at[1], line: at[2] }) };
	const from = /(?<=\)) from (\S+)$/.exec(rest);
	if (from) return { name: withoutArguments(rest.slice(0, from.index)), module: from[1] };
	const behind = / ((?:\/|\.\.?\/|\w)\S*?):(\d+)(?::\d+)?$/.exec(rest);
	if (behind && /[/.]/.test(behind[1] as string)) return { name: rest.slice(0, behind.index), file: behind[1], line: behind[2] };
	const dashed = /^(.*?)(?: |^)- (?:\d+ - )?(\S+)$/.exec(rest); // eu-stack -m
	if (dashed) return { name: dashed[1], module: dashed[2] };
	return { name: withoutArguments(rest.replace(/ \/\S*$/, '')) }; // a path that is cut off is none
}

/** gdb writes values of arguments behind the name, after a space: ` (this=0x0, n=…)`, ` ()`, ` (...)`. */
function withoutArguments(text: string): string {
	const start = text.search(/ \((?:\)\s*$|\.\.\.\)\s*$|[A-Za-z_]\w*(?:@entry)?=)/);
	return start < 0 ? text : text.slice(0, start);
}

/** `* frame #1: 0x… module`function(args) + 12 at file.cpp:12:5` */
function ofLldb(text: string): Numbered | undefined {
	const match = /^(?:\* )?frame #(\d{1,6}): (0x[0-9a-f]+) ([^`\s]+)(?:`(.*))?$/.exec(text);
	if (!match) return undefined;
	const [, index, pc, module, rest = ''] = match;
	const at = / at (\S+?):(\d+)(?::\d+)?$/.exec(rest);
	const name = withoutArguments((at ? rest.slice(0, at.index) : rest).replace(/ \+ \d+$/, '')).replace(/\([A-Za-z_]\w*=.*$/s, '');
	return { index: Number(index), frame: frame({ pc, name, module, file: at?.[1], line: at?.[2] }), isWhole: at !== null };
}

/** `@     0x7f… name`; of folly `@ 0000000000abc name`; of abseil `@     0x7f…         64  name`, with the size of the frame. */
function ofGlog(text: string): Numbered | undefined {
	const match = /^@\s+(?:0x)?([0-9a-f]{4,16})(?:\s+(?:(?:\d{1,9}|\(unknown\))\s+)?(\S.*))?$/.exec(text);
	return match ? { frame: frame({ pc: `0x${match[1]}`, name: match[2] }), isWhole: false } : undefined;
}

/** `No.4: /lib/x.so(name+0x12) [0x7f…]`: glibc, with the numbers that programs put in front. */
function ofBacktraceSymbols(text: string): Numbered | undefined {
	const match = /^(?:(?:No\.|#)?(\d{1,4})[.:]?\s+|\[\d{1,4}\]\s+)?([^\s()]+)\(([^()+]*)(?:\+(0x[0-9a-f]+))?\) ?\[(0x[0-9a-f]+)\]$/.exec(
		text,
	);
	if (!match) return undefined;
	const [, index, module, name, offset, pc] = match;
	// Behind a name the offset counts from its function, not from the module.
	const found = frame({ pc, name, module, offset: name ? undefined : offset });
	return { ...(index !== undefined && { index: Number(index) }), frame: found, isWhole: true };
}

const unnamed = new Set(['', '??', '(unknown)', '(null)', 'n/a', '<unknown>', '___lldb_unnamed_symbol']);

function frame({ pc, name, file, line, module, offset }: Parts): Frame {
	const counter = address(pc);
	const distance = address(offset);
	const plain = name?.trim() ?? '';
	return {
		...(counter !== undefined && { pc: counter }),
		...(!unnamed.has(plain) && { function: plain }),
		...(module !== undefined && { module }),
		...(distance !== undefined && { offset: distance }),
		...(file !== undefined && { file, ...(line !== undefined && { line: Number(line) }) }),
	};
}
