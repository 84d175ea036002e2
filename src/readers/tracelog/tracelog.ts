import type { Hex } from '../../base/hex.ts';
import type { Frame } from '../../domain/report.ts';

/** What a process wrote about its end: statements and stacks, each in the order in which it wrote them. */
export type TraceLog = {
	readonly statements: readonly Statement[];
	readonly stacks: readonly TraceStack[];
};

/** One thing that was said. */
export type Statement = {
	/** Number of the line in the log, from 1. */
	readonly at: number;
} & (
	| {
			/** A signal, as Go's runtime, a handler in the process (Milvus, folly, glog) or a sanitizer caught it. */
			readonly is: 'signal';
			readonly by: 'go' | 'handler' | 'sanitizer';
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
