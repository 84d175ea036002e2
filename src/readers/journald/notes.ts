import { basename } from 'node:path';
import { defined } from '../../base/defined.ts';
import { type Fields, wholeNumber } from './fields.ts';
import { handlerOf, type Source, unitOfHandler } from './source.ts';

/** What the kernel told systemd-coredump of a crash, and all of it that is known where no core came of it. */
export type CrashSeen = {
	/** On the machine. */
	readonly hostPid: number;
	readonly name?: string;
	readonly uid?: number;
	readonly signal?: number;
	/** Whole seconds. */
	readonly timeMs?: number;
	/** The container's. */
	readonly hostname?: string;
};

/** What other entries tell of crashes and of cores that were lost. Texts are as they were found. */
export type Note =
	/** The kernel: too many crashes at once. `pid` is that in the container, `name` that of the crashed thread. */
	| { readonly is: 'over core_pipe_limit'; readonly pid: number; readonly name: string }
	/** The kernel: the program of core_pattern could not be started; newer kernels say for whom, as above. */
	| { readonly is: 'handler not started'; readonly program: string; readonly pid?: number; readonly name?: string }
	/** The kernel: a thread faulted. It need not have died of it. */
	| { readonly is: 'fault'; readonly hostThreadId: number; readonly name: string; readonly text: string }
	/** systemd-coredump was started for a crash (from systemd 255 on); an entry with the core should follow. */
	| { readonly is: 'crash seen'; readonly crash: CrashSeen }
	/** It could not hand the core to its service. */
	| { readonly is: 'no coredump service'; readonly error: string; readonly crash?: CrashSeen }
	/** systemd: the service was at its limit. Which crash it was, the kernel and `crash seen` may tell. */
	| { readonly is: 'too many connections'; readonly connections: number; readonly uid?: number }
	/** systemd: the service failed while it wrote a core: `timeout`, `oom-kill`, … */
	| { readonly is: 'service failed'; readonly handler: string; readonly result: string }
	/** The rest is the service's own; `handler` is that of the crash's own entry. */
	| { readonly is: 'too large'; readonly handler: string; readonly sizeBytes: number; readonly mostBytes: number }
	| { readonly is: 'core limit'; readonly handler: string; readonly hostPid: number; readonly name: string }
	| { readonly is: 'not written'; readonly handler: string; readonly error: string }
	| { readonly is: 'cut'; readonly handler: string; readonly sizeBytes: number }
	/** An older core made way; `file` is its name in the folder. */
	| { readonly is: 'removed'; readonly file: string };

/** The wordings: coredump.c, coredump-vacuum.c and socket.c of systemd, fs/coredump.c and the fault handlers of Linux. */
export function noteOf(source: Source, fields: Fields): Note | undefined {
	const message = (fields.text('MESSAGE') ?? '').slice(0, mostText);
	switch (source) {
		case 'kernel':
			return kernelNote(message);
		case 'manager':
			return managerNote(message, fields);
		case 'coredump handler':
			return handlerNote(message, fields);
		case 'coredump service':
			return serviceNote(message, handlerOf(fields) ?? '');
		default:
			return source satisfies never;
	}
}

const mostText = 512;
/** A thread's name is 15 bytes that may be anything, also what looks like the rest of the line; the kernel escapes some. */
const comm = '([\\s\\S]{0,60}?)';

const overLimit = new RegExp(`^(?:Pid|coredump:) (\\d+)\\(${comm}\\):? over core_pipe_limit(?:, skipping core dump)?$`);
const notStarted = new RegExp(`^(?:Core dump to |coredump: (\\d+)\\(${comm}\\): )\\|(.*) pipe failed$`);
const fault = new RegExp(
	`^(?:traps: )?${comm}\\[(\\d+)\\](?:: (?:segfault at|unhandled) |: potentially unexpected fatal signal| trap | general protection)`,
);

function kernelNote(message: string): Note | undefined {
	const [limited, unstarted, faulted] = [overLimit.exec(message), notStarted.exec(message), fault.exec(message)];
	const pid = wholeNumber((limited ?? unstarted)?.[1]);
	const name = (limited ?? unstarted)?.[2];
	if (limited && pid !== undefined && name !== undefined) return { is: 'over core_pipe_limit', pid, name };
	if (unstarted) return { is: 'handler not started', program: unstarted[3] ?? '', ...defined({ pid, name }) };
	const hostThreadId = wholeNumber(faulted?.[2]);
	return faulted && hostThreadId !== undefined ? { is: 'fault', hostThreadId, name: faulted[1] ?? '', text: message } : undefined;
}

function managerNote(message: string, fields: Fields): Note | undefined {
	const unit = fields.text('UNIT');
	const [, connections, uid] =
		/: Too many incoming connections \((\d+)\)(?: from source (?:UID (\d+)|.*))?, dropping connection\.$/.exec(message) ?? [];
	if (unit === 'systemd-coredump.socket' && connections !== undefined)
		return { is: 'too many connections', connections: Number(connections), ...defined({ uid: wholeNumber(uid) }) };
	const handler = unitOfHandler(unit);
	const result = fields.text('UNIT_RESULT') ?? /: Failed with result '([\w-]+)'/.exec(message)?.[1];
	return handler === undefined || result === undefined ? undefined : { is: 'service failed', handler, result };
}

function handlerNote(message: string, fields: Fields): Note | undefined {
	const given = crashGiven(fields.text('_CMDLINE'));
	const error = /^Failed to connect to coredump service: (.*)$/.exec(message)?.[1];
	if (error !== undefined) return { is: 'no coredump service', error, ...defined({ crash: given }) };
	const [, pid, name, signal] = /^Process (\d+) \((.*)\) of user \d+ terminated abnormally with signal (\d+)/s.exec(message) ?? [];
	const hostPid = wholeNumber(pid);
	if (hostPid === undefined) return undefined;
	return {
		is: 'crash seen',
		crash: { ...(given?.hostPid === hostPid ? given : {}), hostPid, ...defined({ name, signal: wholeNumber(signal) }) },
	};
}

/** By the kernel on its command line: `%P %u %g %s %t %c %h`, and more in newer versions. */
function crashGiven(commandLine: string | undefined): CrashSeen | undefined {
	const [, pid, uid, signal, seconds, hostname] = / (\d+) (\d+) \d+ (\d+) (\d+) \d+(?: (\S+))?/.exec(commandLine ?? '') ?? [];
	const hostPid = wholeNumber(pid);
	const time = wholeNumber(seconds);
	if (hostPid === undefined) return undefined;
	return {
		hostPid,
		...defined({ uid: wholeNumber(uid), signal: wholeNumber(signal), timeMs: time === undefined ? undefined : time * 1000, hostname }),
	};
}

function serviceNote(message: string, handler: string): Note | undefined {
	const found = (pattern: RegExp) => pattern.exec(message)?.slice(1) ?? [];
	const [removed] = found(/^Removed old coredump (.+)\.$/s);
	if (removed !== undefined) return { is: 'removed', file: basename(removed) };
	const [size, most] = found(/^The core will not be stored: size (\d+) is greater than (\d+) \(the configured maximum\)/).map(wholeNumber);
	if (size !== undefined && most !== undefined) return { is: 'too large', handler, sizeBytes: size, mostBytes: most };
	const [pid, name] = found(/^Resource limits disable core dumping for process (\d+) \((.*)\)\.$/s);
	const hostPid = wholeNumber(pid);
	if (hostPid !== undefined && name !== undefined) return { is: 'core limit', handler, hostPid, name };
	const [error] = found(
		/^(?:Cannot store coredump of|Failed to (?:create temporary file for|move|compress|fix permissions and finalize)) .*?: ([^:]+)$/s,
	);
	if (error !== undefined) return { is: 'not written', handler, error };
	const [cut] = found(/^Core file was truncated to (\d+) bytes\.$/).map(wholeNumber);
	return cut === undefined ? undefined : { is: 'cut', handler, sizeBytes: cut };
}
