import { statementOfAbort } from './aborts.ts';
import { assertionIn } from './messages.ts';
import { readQuoted } from './quoted.ts';
import { readSignal } from './signals.ts';
import type { Said } from './tracelog.ts';

/** How a statement begins whose message may go on over the next lines. */
export type Opening = {
	readonly lines: string[];
	readonly say: (message: string) => Said;
	/** What it waits for before its message begins, or before it is one at all. */
	readonly awaits?: 'text' | 'what()' | 'closing quote';
};

/** Lines that end a message, say nothing of themselves, and are no names. */
export const isSilent = (text: string) => silent.test(text);

/** Whether a panic was recovered, so that the next line holds what was raised instead. */
export const isRecovered = (text: string) => recovered.test(text);

/** The first line of a statement whose message may go on. */
export function readOpening(text: string): Opening | undefined {
	let match = /^panic: (.*)$/.exec(text);
	if (match) return { lines: [(match[1] as string).replace(recovered, '')], say: (message) => ({ is: 'go panic', message }) };
	match = /^terminate called after throwing an instance of '(?!terminate called)(.*?)'?$/.exec(text);
	if (match) {
		const type = match[1] as string;
		return { lines: [], awaits: 'what()', say: (message) => ({ is: 'exception', type, ...(message !== '' && { message }) }) };
	}
	match = /^thread (?:'(.*?)' )?(?:\(\d+\) )?panicked at ([^'\s]\S*?):(\d+)(?::\d+)?:$/.exec(text);
	if (match) {
		const [, thread, file = '', line] = match;
		const source = { file, line: Number(line) };
		return {
			lines: [],
			awaits: 'text',
			say: (message) => ({ is: 'rust panic', ...(thread !== undefined && { thread }), message, source }),
		};
	}
	if (/^thread '.*?' panicked at '/.test(text) && !oldRustPanic(text)) {
		return { lines: [text], awaits: 'closing quote', say: (message) => ({ is: 'exit', level: 'panic', message }) };
	}
	if (/^Assert ".*" at [^\s:]+:\d+/.test(text)) {
		return { lines: [text], say: (message) => assertionIn(message) ?? { is: 'assertion', message } };
	}
	return undefined;
}

/** A statement of one line. */
export const readSingle = (text: string): Said | undefined =>
	readSignal(text) ?? ofRust(text) ?? ofException(text) ?? statementOfAbort(text.replace(/^libc\+\+abi(?:\.dylib)?: /, ''));

function ofRust(text: string): Said | undefined {
	const panic = oldRustPanic(text);
	if (panic) return panic;
	const message = /^(?:fatal runtime error: (.*)|thread '.*' has overflowed its stack)$/.exec(text);
	return message ? { is: 'exit', level: 'fatal', message: message[1] ?? text } : undefined;
}

/** As Rust wrote it up to 1.72: `thread 'x' panicked at 'message', src/x.rs:1:2`. */
export function oldRustPanic(text: string): Said | undefined {
	if (!text.startsWith("thread '")) return undefined;
	const nameEnd = text.indexOf("' panicked at '");
	const start = nameEnd + "' panicked at '".length;
	const end = text.lastIndexOf("', ");
	const place = nameEnd < 0 || end < start ? undefined : /^(\S+?):(\d+)(?::\d+)?$/.exec(text.slice(end + 3));
	if (!place) return undefined;
	const [, file = '', line] = place;
	return { is: 'rust panic', thread: text.slice(8, nameEnd), message: text.slice(start, end), source: { file, line: Number(line) } };
}

function ofException(text: string): Said | undefined {
	const fatal = /^fatal error: (.*)$/.exec(text)?.[1];
	if (fatal !== undefined && !isSilent(text)) return { is: 'go fatal error', message: fatal };
	if (/^terminate called (?:without an active exception|recursively|after throwing)/.test(text)) return { is: 'exception' };
	const libcxx =
		/^libc\+\+abi(?:\.dylib)?: terminating(?: (?:due to|with) uncaught (?:foreign )?exception(?: of type (.+?)(?:: (.*))?)?)?$/s.exec(text);
	if (libcxx) {
		const [, type, message] = libcxx;
		return { is: 'exception', ...(type !== undefined && { type }), ...(message !== undefined && { message }) };
	}
	const [, type, message] = /^((?:[A-Za-z_]\w*::)+\w*(?:Error|Exception)) (\S+\.(?:cc|cpp|cxx|h|hpp):\d+)$/.exec(text) ?? [];
	if (type !== undefined && message !== undefined) return { is: 'exception', type, message }; // as people tell it
	const [, broken] =
		/^==\d+==\s?ERROR: \w+Sanitizer: ((?:heap|stack|global|container|dynamic|use|double|attempting|alloc|bad-free|new-delete|negative|invalid|memcpy|calloc).*?)(?: on (?:unknown )?address .*)?$/s.exec(
			text,
		) ?? [];
	return broken === undefined ? undefined : { is: 'heap corruption', message: broken };
}

/** What gdb prints of the arguments of the C library's functions that end a process. */
export function toldByArguments(text: string): Said | undefined {
	const handled = /\b(?:runtime\.sighandler|runtime\.sigtrampgo|wrapHandler) \(sig(?:no)?=(\d{1,2})\b/.exec(text);
	if (handled && Number(handled[1]) > 0) return { is: 'signal', by: 'report', signal: Number(handled[1]) };
	const printed = /\bmalloc_printerr \(str=(?:str@entry=)?0x[0-9a-f]+(?: <[^>]{0,512}>)? "/.exec(text);
	if (printed) return statementOfAbort(readQuoted(text, printed.index + printed[0].length).value);
	const failed = /\b__assert_fail \(assertion=/.exec(text);
	if (!failed) return undefined;
	const argument = (name: string) => {
		const match = new RegExp(`\\b${name}=(?:${name}@entry=)?(?:0x[0-9a-f]+(?: <[^>]{0,512}>)? "|(\\d+))`).exec(text.slice(failed.index));
		if (!match) return undefined;
		return match[1] ?? readQuoted(text, failed.index + match.index + match[0].length).value;
	};
	const [assertion, file, line, name] = [argument('assertion'), argument('file'), argument('line'), argument('function')];
	return assertion === undefined ? undefined : statementOfAbort(`${file}:${line ?? 0}: ${name}: Assertion \`${assertion}' failed.`);
}

const silent =
	/^(?:SIGNAL CATCH BY|note: |thread caused non-unwinding|signal arrived during|instruction bytes:|runtime: |unexpected (?:signal|fault address) |fatal error: (?:unexpected signal|fault$)|goroutine running on|==\d+==|SUMMARY: |AddressSanitizer:|\*\*\* Aborted at|Aborted|timeout: the monitored command|No symbol table|No locals|Core was generated|--Type <RET>)/;

const recovered = / \[recovered(?:, re(?:panicked|paniced))?\]$/;
