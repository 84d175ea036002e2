import { readGoroutineHeader } from './goroutines.ts';

/**
 * How the frames of a stack are written: the function with its place on the line below, with ascending numbers, with Rust's,
 * or each on a line of its own without a number.
 */
export type Format = 'placed' | 'numbered' | 'rust' | 'bare';

/** What a line above a stack tells of it. */
export type Heading = {
	readonly kind: 'goroutine' | 'native';
	readonly id?: number;
	readonly name?: string;
	readonly state?: string;
	/** Absent where it is seen only from the first frame. */
	readonly format?: Format;
	/** Printed by Milvus' signal handler, which several threads may enter at once. */
	readonly isHandlers?: true;
};

/** @param text without white space around it */
export function readHeading(text: string): Heading | undefined {
	const goroutine = readGoroutineHeader(text);
	if (goroutine) return { kind: 'goroutine', format: 'placed', ...goroutine };
	if (text === 'runtime stack:') return { kind: 'goroutine', format: 'placed', name: 'runtime stack' };
	if (text === 'BACKTRACE:') return { kind: 'native', format: 'placed', isHandlers: true };
	if (text === 'stack backtrace:') return { kind: 'native', format: 'rust' };
	for (const form of threads) {
		const match = form.exec(text);
		if (match) return { kind: 'native', ...(match[1] && { id: Number(match[1]) }), ...(match[2] && { name: match[2] }) };
	}
	return undefined;
}

/** Whether the line ends whatever stack is above it: registers, the line between two threads' reports of Go, the shell's words. */
export const endsStack = (text: string) =>
	text === '-----' ||
	/^(?:r[a-z0-9]{1,5}|e[a-z]{2}|eflags|[cfgdes]s|x\d{1,2}|lr|sp|pc|fault|trap|error|oldmask)\s+0x[0-9a-f]+$/.test(text) ||
	/^exit status \d+$/.test(text);

/** Each with the thread's id and, where there may be one, its name. */
const threads: readonly RegExp[] = [
	/^Thread \d+ \((?:Thread 0x[0-9a-f]+ )?\(?LWP (\d+)\)?(?: "([^"]*)")?\)(?: "([^"]*)")?.*:$/, // gdb, pstack
	/^\[(?:Switching to thread|Current thread is) \d+ \((?:Thread 0x[0-9a-f]+ )?\(?LWP (\d+)\)*\]/,
	/^TID (\d+)(?: "([^"]*)")?:$/, // eu-stack
	/^(?:Message: )?Stack trace of thread (\d+):$/, // systemd-coredump
	/^\*\*\* Signal (?=.* stack trace: \*\*\*$).*\(linux TID (\d+)\)/, // folly
	/^\*\*\* SIG[A-Z]+ (?=.* stack trace: \*\*\*$).*\(TID (?:(\d+)|0x[0-9a-f]+)\)/, // glog
	/^(?:\* )?thread #\d+()(?:, name = '([^']*)')?.*$/, // lldb
	/^()((?:freed|previously allocated|allocated) by thread T\d+)(?: here| \([^)]*\) here)?:$/, // sanitizers
	/^()((?:Previous )?(?:atomic )?(?:read|write) of size \d+) at 0x[0-9a-f]+ by .*:$/i,
];
