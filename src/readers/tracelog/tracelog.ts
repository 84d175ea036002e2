import type { Hex } from '../../base/hex.ts';
import type { Frame } from '../../domain/report.ts';
import { fieldStack } from './fields.ts';
import { framedLines } from './framing.ts';
import { readLogLine, unglued } from './loggers.ts';
import { Stacks } from './stacks.ts';
import { Statements } from './statements.ts';

export { type AbortStatement, statementOfAbort } from './aborts.ts';
export { looksLikeText } from './looks.ts';
export { lastTimeIn } from './times.ts';

/** What a process wrote about its end: statements and stacks, each in the order in which it wrote them. */
export type TraceLog = {
	readonly statements: readonly Statement[];
	readonly stacks: readonly TraceStack[];
	/** How many in the middle of them there were too many to keep. */
	readonly leftOut?: number;
};

/** One thing that was said. */
export type Statement = {
	/** Number of the line in the log, from 1. */
	readonly at: number;
} & (
	| {
			/**
			 * A signal, as Go's runtime, a handler in the process (Milvus, folly, glog) or a sanitizer caught it;
			 * `report`: as a debugger, an exit code or a person tells.
			 */
			readonly is: 'signal';
			readonly by: 'go' | 'handler' | 'sanitizer' | 'report';
			readonly signal: number;
			readonly code?: number;
			readonly address?: Hex;
			readonly pc?: Hex;
	  }
	/** The value of a panic; of a chain that was recovered and raised again, the first. */
	| { readonly is: 'go panic'; readonly message: string }
	/** Such as `concurrent map writes`. `unexpected signal during runtime execution` is not one: a signal says it better. */
	| { readonly is: 'go fatal error'; readonly message: string }
	/** `terminate called …`: the exception's type and what(), as far as they were written. */
	| { readonly is: 'exception'; readonly type?: string; readonly message?: string }
	| { readonly is: 'rust panic'; readonly thread?: string; readonly message: string; readonly source: SourcePlace }
	/** assert(3), or an assertion of the program's own. */
	| { readonly is: 'assertion'; readonly message: string; readonly function?: string; readonly source?: SourcePlace }
	/** What the C library says of a damaged heap or stack, such as `double free or corruption (!prev)`. */
	| { readonly is: 'heap corruption'; readonly message: string }
	/** The last words of a process that ends itself on purpose, or of a logger that ends it. */
	| { readonly is: 'exit'; readonly message: string; readonly level: string; readonly source?: SourcePlace }
);

/** What was said, wherever that was. */
export type Said = WithoutPlace<Statement>;
type WithoutPlace<One> = One extends unknown ? Omit<One, 'at'> : never;

export type SourcePlace = { readonly file: string; readonly line?: number };

export type TraceStack = {
	/** `field`: inside of a field of a log line. */
	readonly kind: 'goroutine' | 'native' | 'field';
	/** Number of the goroutine or thread, where it is told. */
	readonly id?: number;
	readonly name?: string;
	/** What a goroutine was doing: `running`, `syscall`, `chan receive`, … */
	readonly state?: string;
	/** Innermost first; functions as they were written, mangled or not. */
	readonly frames: readonly Frame[];
	/** The text ends within it. */
	readonly isCut: boolean;
	/** Number of its first line in the log, from 1. */
	readonly at: number;
};

/**
 * Reads what a dying process wrote: the log of a container that ended, a debugger's output, a stack that somebody pasted.
 * Any text will do, cut off anywhere; where there is nothing of that in it, nothing is found.
 * Time is linear in the text; what is kept of it is bounded, to a thousand statements and twenty thousand frames.
 *
 * Two threads that print a native stack at the same time are told apart only where their frames are the same.
 */
export function readTraceLog(text: string): TraceLog {
	const statements = new Statements();
	const stacks = new Stacks();
	for (const { at, text: line } of framedLines(text)) {
		for (const part of unglued(line)) readLine(part, at, statements, stacks);
	}
	const threads = stacks.end();
	const said = statements.end();
	const leftOut = threads.leftOut + said.leftOut;
	// Parts of a string keep the whole alive; copies do not.
	return structuredClone({ statements: said.statements, stacks: threads.stacks, ...(leftOut > 0 && { leftOut }) });
}

/** Only lines of loggers, which hold whole stacks in fields, are longer and worth reading. */
const longestOther = 8 << 10;

function readLine(whole: string, at: number, statements: Statements, stacks: Stacks): void {
	if (!/\S/.test(whole)) {
		statements.blank();
		return;
	}
	// Lines of loggers come between any others, as other threads still write them.
	const logged = readLogLine(whole);
	if (logged) {
		for (const said of logged.said) statements.add(at, said);
		if (logged.stack) stacks.add(fieldStack(logged.stack.text, logged.stack.isCut, at));
		return;
	}
	const line = whole.slice(0, longestOther);
	const isFrame = stacks.take(at, line);
	if (isFrame) statements.close();
	if (isFrame && line.includes('#')) statements.takeFrame(at, line);
	if (isFrame && !line.startsWith('*** ')) return;
	if (statements.take(at, line)) {
		if (!isFrame) stacks.said();
	} else stacks.stray(line);
}
