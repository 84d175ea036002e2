import { printable } from '../../base/printable.ts';
import type { Fields } from './fields.ts';

/**
 * Who wrote an entry, as journald itself saw it: anybody may send it any field, but those that begin with `_` are its own.
 * - `coredump service`: systemd-coredump@.service, which writes the core
 * - `coredump handler`: systemd-coredump as the kernel starts it, which hands the core to the service
 * - `manager`: systemd, pid 1
 */
export type Source = 'kernel' | 'manager' | 'coredump service' | 'coredump handler';

export function sourceOf(fields: Fields): Source | undefined {
	const transport = fields.text('_TRANSPORT');
	// What programs write to /dev/kmsg comes the same way; the kernel keeps its own facility, 0, from them.
	if (transport === 'kernel') return fields.text('SYSLOG_FACILITY') === '0' ? 'kernel' : undefined;
	if (transport !== 'journal') return undefined;
	if (fields.text('_PID') === '1' && fields.text('_UID') === '0') return 'manager';
	const executable = fields.text('_EXE');
	if (executable !== undefined && !executable.endsWith('/systemd-coredump')) return undefined;
	if (handlerOf(fields) !== undefined) return 'coredump service'; // its program has often ended before journald looks, its cgroup is still there
	const isOfNoUnit = !fields.has('_SYSTEMD_UNIT') && (fields.text('_SYSTEMD_CGROUP') ?? '/') === '/';
	return executable !== undefined && isOfNoUnit && fields.text('_UID') === '0' ? 'coredump handler' : undefined;
}

/** The unit that handled one crash: `systemd-coredump@10-670-0.service`. Only systemd, as root, puts a process into it. */
export const handlerOf = (fields: Fields) => unitOfHandler(fields.text('_SYSTEMD_UNIT'));

export const unitOfHandler = (unit: string | undefined) =>
	/^systemd-coredump@[\w:.-]{1,100}\.service$/.test(unit ?? '') ? unit : undefined;

/** For people. */
export function describeSource(fields: Fields): string {
	const program = fields.text('_EXE') ?? fields.text('_COMM');
	const [pid, uid, unit] = [fields.text('_PID'), fields.text('_UID'), fields.text('_SYSTEMD_UNIT')];
	const marks = [pid && `pid ${pid}`, uid && `uid ${uid}`, unit].filter((mark) => mark !== undefined && mark !== '');
	return printable(
		`${program ?? 'a process that journald could not see any more'}${marks.length > 0 ? ` (${marks.join(', ')})` : ''}`,
	).slice(0, 300);
}
