import { basename } from 'node:path';
import { defined } from '../../base/defined.ts';
import { type ContainerOfPod, containerOf } from '../cgroup/cgroup.ts';
import type { Fields } from './fields.ts';
import { handlerOf } from './source.ts';

/** A crash as systemd-coredump recorded it: the fields COREDUMP_* of systemd.journal-fields(7) and systemd-coredump(8). */
export type Coredump = {
	readonly bootId: string;
	/** On the machine, not in the container. */
	readonly hostPid: number;
	/** Of the crash; whole seconds. */
	readonly timeMs: number;
	readonly signal: number;
	/** On the machine. */
	readonly uid?: number;
	/** Of the process, not of the thread that crashed. */
	readonly name?: string;
	readonly executable?: string;
	/** The container's: for a pod without the host's network the pod's name. */
	readonly hostname?: string;
	readonly cgroup?: string;
	readonly container?: ContainerOfPod;
	/** `cri-containerd-….scope`. */
	readonly unit?: string;
	readonly core: /** Its name in the folder of systemd-coredump; by now it may have been removed. */
		| { readonly is: 'file'; readonly name: string; readonly isTruncated: boolean }
		/** Storage=journal. */
		| { readonly is: 'in journald'; readonly isTruncated: boolean }
		| { readonly is: 'not stored' };
	/** The stacks as systemd-coredump walked them, the crashed thread first, numbered as in the container; the beginning of a long text. Absent when too long to be printed. */
	readonly message?: string;
	/** Which of its units wrote this: its notes on the same crash name it too. */
	readonly handler: string;
};

/** Of the stacks' text, in characters: the crashed thread and some more. */
export const mostMessage = 65_536;

/** @param fields of an entry that is systemd-coredump's own. @returns undefined when what tells one crash from another is missing */
export function coredumpOf(fields: Fields, bootId: string): Coredump | undefined {
	const text = (name: string) => fields.text(`COREDUMP_${name}`);
	const number = (name: string) => fields.number(`COREDUMP_${name}`);
	const [hostPid, signal, time, handler] = [number('PID'), number('SIGNAL'), number('TIMESTAMP'), handlerOf(fields)];
	if (hostPid === undefined || signal === undefined || time === undefined || handler === undefined) return undefined;
	const cgroup = text('CGROUP');
	return {
		bootId,
		hostPid,
		timeMs: Math.floor(time / 1000),
		signal,
		...defined({
			uid: number('UID'),
			name: text('COMM'),
			executable: text('EXE'),
			hostname: text('HOSTNAME'),
			cgroup,
			container: containerOf(cgroup ?? '') ?? containerOf(text('PROC_CGROUP') ?? ''),
			unit: text('UNIT'),
			message: fields.text('MESSAGE')?.slice(0, mostMessage),
		}),
		core: coreOf(fields),
		handler,
	};
}

function coreOf(fields: Fields): Coredump['core'] {
	const isTruncated = fields.text('COREDUMP_TRUNCATED') === '1';
	const name = basename(fields.text('COREDUMP_FILENAME') ?? '');
	if (name !== '') return { is: 'file', name, isTruncated };
	return fields.has('COREDUMP') ? { is: 'in journald', isTruncated } : { is: 'not stored' };
}
