import type { Readable } from 'node:stream';
import { ExecaError, execa } from 'execa';

export { type Helper, HelperEnded, HelperSilent, startHelper } from './helper.ts';

/** What a program may use. Zero or absent: no limit of its own. */
export type Limits = {
	/** Private writable memory: RLIMIT_DATA. Mapped files do not count. */
	readonly dataBytes?: number;
	readonly cpuSeconds?: number;
};

export type RunOptions = {
	/** Everything it finds in its environment; nothing is inherited. */
	readonly environment?: Readonly<Record<string, string>>;
	readonly directory?: string;
	/** Open files that it finds as descriptors 0, 3, 4, …; `'pipe'` collects what it writes there. */
	readonly stdin?: number;
	readonly descriptors?: readonly (number | 'pipe')[];
	/** What it reads from descriptor 0, instead of an open file. */
	readonly input?: string;
	/** Its whole process group is killed then. */
	readonly timeoutMs: number;
	/** Of each output. A program that writes more is killed. */
	readonly maxOutputBytes: number;
	/** It may write more, of which the end is kept. */
	readonly keepsEnd?: boolean;
	readonly limits?: Limits;
	readonly isLowPriority?: boolean;
	readonly signal?: AbortSignal | undefined;
};

export type Ended = {
	readonly how:
		| { readonly is: 'exited'; readonly code: number }
		| { readonly is: 'killed'; readonly by: string }
		| { readonly is: 'timed out' }
		| { readonly is: 'wrote too much' }
		| { readonly is: 'not found' };
	readonly stdout: string;
	readonly stderr: string;
	/** What was written to the descriptors from 3 on; empty for those that are not pipes. */
	readonly others: readonly string[];
};

/** Runs a program to its end in a process group of its own. Only an aborted signal is thrown. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<Ended> {
	const [file, ...rest] = confined(program, args, options);
	const running = execa(file, rest, {
		env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...options.environment },
		extendEnv: false,
		...(options.directory === undefined ? {} : { cwd: options.directory }),
		stdio: [
			options.input === undefined ? (inherited(options.stdin) ?? 'ignore') : 'pipe',
			'pipe',
			'pipe',
			...(options.descriptors ?? []).map((one) => (one === 'pipe' ? one : inherited(one))),
		],
		...(options.input === undefined ? {} : { input: options.input }),
		timeout: options.timeoutMs,
		...(options.keepsEnd ? { buffer: { stdout: false, stderr: false } } : { maxBuffer: options.maxOutputBytes }),
		...(options.signal ? { cancelSignal: options.signal } : {}),
		killSignal: 'SIGKILL',
		killDescendants: true,
		reject: false,
	});
	const ends = options.keepsEnd ? [running.stdout, running.stderr].map((stream) => endOf(stream, options.maxOutputBytes)) : undefined;
	const result = await running;
	options.signal?.throwIfAborted();
	const [, stdout = '', stderr = '', ...others] = result.stdio.map((output) => (typeof output === 'string' ? output : ''));
	return { how: how(result), stdout: ends?.[0]?.() ?? stdout, stderr: ends?.[1]?.() ?? stderr, others };
}

/** Reads a stream, and holds no more than its last bytes. @returns them, as text */
function endOf(stream: Readable, maxBytes: number): () => string {
	let end = Buffer.alloc(0);
	stream.on('data', (chunk: Buffer) => {
		end = Buffer.concat([end, chunk]).subarray(-maxBytes);
	});
	return () => end.toString();
}

/** execa takes the number of any open file, its types name the first few. */
const inherited = <T extends number | undefined>(descriptor: T) => descriptor as T extends number ? 3 : 3 | undefined;

type Result = {
	readonly timedOut: boolean;
	readonly isMaxBuffer: boolean;
	readonly exitCode?: number | undefined;
	readonly signal?: string | undefined;
	readonly code?: string | undefined;
};

function how({ timedOut, isMaxBuffer, exitCode, signal, code }: Result): Ended['how'] {
	if (timedOut) return { is: 'timed out' };
	if (isMaxBuffer) return { is: 'wrote too much' };
	// 127 is the shell's word for it, ENOENT the system's.
	if (code === 'ENOENT' || exitCode === 127) return { is: 'not found' };
	if (signal !== undefined) return { is: 'killed', by: signal };
	return { is: 'exited', code: exitCode ?? -1 };
}

/** The command with its limits put on by a shell before it starts: they hold for all that it starts. It finds no network where the system lets it be taken away. */
function confined(
	program: string,
	args: readonly string[],
	{ limits, isLowPriority, timeoutMs }: RunOptions,
): readonly [string, ...string[]] {
	if (!limits && !isLowPriority) return [program, ...args];
	// `timeout` ends it also when this process is no longer there to do so.
	const command = `${isLowPriority ? 'nice -n 19 ' : ''}timeout -s KILL ${Math.ceil(timeoutMs / 1000) + 1} "$0" "$@"`;
	const steps = [
		'set -e',
		'ulimit -c 0',
		...(limits?.dataBytes ? [`ulimit -d ${Math.floor(limits.dataBytes / 1024)}`] : []),
		...(limits?.cpuSeconds ? [`ulimit -t ${Math.ceil(limits.cpuSeconds)}`] : []),
		// A network namespace of its own, as root or by a user namespace; not everywhere allowed.
		`for how in -n -rn; do unshare $how true 2>/dev/null && exec unshare $how ${command}; done`,
		`exec ${command}`,
	];
	return ['/bin/sh', '-c', steps.join('\n'), program, ...args];
}

export class ProcessError extends Error {
	override readonly name = 'ProcessError';
	/** The program is not installed. */
	readonly isMissing: boolean;

	constructor(message: string, { isMissing, cause }: { readonly isMissing: boolean; readonly cause: unknown }) {
		super(message, { cause });
		this.isMissing = isMissing;
	}
}

/**
 * What a program writes, as it comes. It is ended when nobody reads on.
 *
 * @param stdin descriptor of an open file, or what it finds there
 * @throws {ProcessError} not found, or ended by anything but success
 */
export async function* output(
	program: string,
	args: readonly string[],
	stdin: number | 'ignore' | Uint8Array,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
	const child = execa(program, args, {
		stdio: [typeof stdin === 'number' ? inherited(stdin) : typeof stdin === 'string' ? stdin : 'pipe', 'pipe', 'pipe'],
		...(typeof stdin === 'object' ? { input: stdin } : {}),
		buffer: { stdout: false },
		maxBuffer: 64 * 1024,
		cancelSignal: signal,
		killSignal: 'SIGKILL',
	});
	let isLeft = false;
	try {
		for await (const chunk of child.iterable({ binary: true })) {
			isLeft = true;
			try {
				yield chunk as Uint8Array;
				isLeft = false;
			} finally {
				if (isLeft) child.kill('SIGKILL'); // nobody reads on
			}
		}
		await child;
	} catch (cause) {
		if (isLeft) return; // that it was ended is no failure
		signal.throwIfAborted();
		throw new ProcessError(`${program} failed: ${complaint(cause)}`, {
			cause,
			isMissing: cause instanceof ExecaError && cause.code === 'ENOENT',
		});
	}
}

/** The program's own last words, else how it ended. */
function complaint(error: unknown): string {
	if (!(error instanceof ExecaError)) return String(error);
	const stderr: unknown = error.stderr;
	const words = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : '';
	return words || error.shortMessage;
}

/** Runs a program on the user's terminal until it ends; at the signal it is asked to. @returns its exit code; undefined when it is not installed */
export async function interact(program: string, args: readonly string[], signal: AbortSignal): Promise<number | undefined> {
	const { exitCode, code } = await execa(program, args, { stdio: 'inherit', reject: false, cancelSignal: signal });
	return code === 'ENOENT' ? undefined : (exitCode ?? 1);
}
