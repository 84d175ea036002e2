import { printable } from '../../base/printable.ts';
import { formatBytes } from '../../base/quantity.ts';
import type { Coredump } from './coredump.ts';
import type { Note } from './notes.ts';

/** A core that did not come, or not whole: for the report and for `doctor`. Each is printable and one line. */
export type Loss = {
	/** `no core: over core_pipe_limit`. */
	readonly words: string;
	/** What to change on the node. */
	readonly advice: string;
};

/** What is known of the node. */
export type Node = {
	/** kernel.core_pipe_limit. */
	readonly corePipeLimit?: number | undefined;
};

const settings = '/etc/systemd/coredump.conf';

/** @returns undefined for what tells of a crash, but of no lost core */
export function adviceFor(note: Note, { corePipeLimit }: Node = {}): Loss | undefined {
	switch (note.is) {
		case 'over core_pipe_limit':
			return {
				words: 'no core: over core_pipe_limit',
				advice: `raise kernel.core_pipe_limit (sysctl${corePipeLimit === undefined ? '' : `, now ${corePipeLimit}`}) above the number of processes that crash at once`,
			};
		case 'handler not started':
			return {
				words: `no core: ${printable(note.program)} of kernel.core_pattern could not be started`,
				advice: 'install the program that kernel.core_pattern names (systemd-coredump), or set another pattern',
			};
		case 'no coredump service':
			return {
				words: `no core: systemd-coredump could not reach its service (${printable(note.error)})`,
				advice: 'systemctl start systemd-coredump.socket, and enable it',
			};
		case 'too many connections':
			return {
				words: `no core: systemd-coredump was at its limit of connections (${note.connections})`,
				advice: 'raise MaxConnectionsPerSource= and MaxConnections= (systemctl edit systemd-coredump.socket)',
			};
		case 'service failed':
			return { words: `no core: ${note.handler} failed (${printable(note.result)})`, advice: afterFailure(note.result, note.handler) };
		case 'too large':
			return {
				words: `no core: ${formatBytes(note.sizeBytes)} are more than ExternalSizeMax=, ${formatBytes(note.mostBytes)}`,
				advice: `raise ExternalSizeMax= in ${settings} above ${formatBytes(note.sizeBytes)}`,
			};
		case 'core limit':
			return {
				words: "no core: over the process's limit for core files (RLIMIT_CORE)",
				advice: 'raise the limit of the container: LimitCORE=infinity for its runtime (containerd.service, crio.service)',
			};
		case 'not written':
			return {
				words: `no core: systemd-coredump could not write it (${printable(note.error)})`,
				advice: 'make room in /var/lib/systemd/coredump, and see that it can be written to',
			};
		case 'cut':
			return { words: `core cut at ${formatBytes(note.sizeBytes)}`, advice: afterCut };
		case 'removed':
			return {
				words: `core removed by systemd-coredump: ${printable(note.file)}`,
				advice: `raise MaxUse= or lower KeepFree= in ${settings}, or give /var/lib/systemd/coredump a larger disk`,
			};
		case 'fault':
		case 'crash seen':
			return undefined;
		default:
			return note satisfies never;
	}
}

const afterCut = `raise both ProcessSizeMax= and ExternalSizeMax= in ${settings}`;

/** What the entry of a crash itself tells of its core; a note of the same handler tells more. @returns undefined when a whole file was written */
export function lossOf({ core }: Pick<Coredump, 'core'>): Loss | undefined {
	switch (core.is) {
		case 'file':
			return core.isTruncated ? { words: 'core cut by systemd-coredump', advice: afterCut } : undefined;
		case 'in journald':
			return { words: 'no core file: it is in journald', advice: `set Storage=external in ${settings}` };
		case 'not stored':
			return {
				words: 'no core: systemd-coredump stored none',
				advice: `set Storage=external and a larger ExternalSizeMax= in ${settings}`,
			};
		default:
			return core satisfies never;
	}
}

function afterFailure(result: string, handler: string): string {
	if (result === 'timeout')
		return 'raise RuntimeMaxSec= (systemctl edit systemd-coredump@.service) above the time that writing a core takes';
	if (result === 'oom-kill') return 'raise MemoryMax= of systemd-coredump@.service or of its slice: it ran out of memory';
	return `see why: journalctl -u ${handler}`;
}
