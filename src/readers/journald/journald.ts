import { type Coredump, coredumpOf } from './coredump.ts';
import { parseCursor } from './cursor.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { type Note, noteOf } from './notes.ts';
import { describeSource, sourceOf } from './source.ts';

export { adviceFor, type Loss, lossOf } from './advice.ts';
export { type Coredump, mostMessage } from './coredump.ts';
export { type Cursor, parseCursor } from './cursor.ts';
export type { CrashSeen, Note } from './notes.ts';

/** What one entry of the host's journal tells of a crash. */
export type JournaldEntry = {
	/** Its place: what comes behind it is asked for by this. */
	readonly cursor: string;
	/** When journald took it. */
	readonly recordedAtMs: number;
	/** Of the boot; process ids hold within it. */
	readonly bootId: string;
} & (
	| { readonly is: 'coredump'; readonly coredump: Coredump }
	| { readonly is: 'note'; readonly note: Note }
	/** Claims to be of a core, but is not systemd-coredump's own, or journald could not see that it is; `why` is printable. */
	| { readonly is: 'disbelieved'; readonly why: string }
	| { readonly is: 'other' }
);

/** Of entries that tell of a core: sd-messages.h. */
const coredumpId = 'fc2e22bc6ee647b6b90729ab34a250b1';
/** Of units that failed: sd-messages.h. */
const unitFailureId = 'd9b373ed55a64feb8242e02dbe79a49c';

/**
 * Which entries may tell of a core, as arguments for journalctl(1). They only choose what is worth a look.
 * The kernel's warnings and its lines on faults are of priority 4 and 6.
 */
export const matches: readonly string[] = [
	[`MESSAGE_ID=${coredumpId}`],
	['SYSLOG_IDENTIFIER=systemd-coredump'],
	['_PID=1', 'UNIT=systemd-coredump.socket'],
	['_PID=1', `MESSAGE_ID=${unitFailureId}`],
	['_TRANSPORT=kernel', 'SYSLOG_FACILITY=0', 'PRIORITY=4', 'PRIORITY=6'],
].flatMap((group, index) => (index === 0 ? group : ['+', ...group]));

/** The fields that are read here; there are larger ones, up to the core itself. */
export const fieldNames: readonly string[] = [
	...['MESSAGE', 'MESSAGE_ID', 'SYSLOG_FACILITY', 'UNIT', 'UNIT_RESULT'],
	...['_TRANSPORT', '_PID', '_UID', '_COMM', '_EXE', '_CMDLINE', '_SYSTEMD_UNIT', '_SYSTEMD_CGROUP'],
	...['PID', 'UID', 'SIGNAL', 'TIMESTAMP', 'COMM', 'EXE', 'HOSTNAME', 'CGROUP', 'PROC_CGROUP', 'UNIT', 'FILENAME', 'TRUNCATED'].map(
		(name) => `COREDUMP_${name}`,
	),
	'COREDUMP',
];

/**
 * @param line of `journalctl -o json`, with at least the fields named above
 * @returns undefined for what is no entry
 */
export function parseEntry(line: string): JournaldEntry | undefined {
	const fields = fieldsOf(line);
	const cursor = fields?.text('__CURSOR') ?? '';
	const place = parseCursor(cursor);
	if (fields === undefined || place === undefined) return undefined;
	return { cursor, recordedAtMs: place.timeMs, bootId: place.bootId, ...whatItTells(fields, place.bootId) };
}

type Told<T> = T extends unknown ? Omit<T, 'cursor' | 'recordedAtMs' | 'bootId'> : never;

function whatItTells(fields: Fields, bootId: string): Told<JournaldEntry> {
	const source = sourceOf(fields);
	if (fields.text('MESSAGE_ID') === coredumpId) {
		if (source !== 'coredump service') return { is: 'disbelieved', why: `it was written by ${describeSource(fields)}` };
		const coredump = coredumpOf(fields, bootId);
		return coredump === undefined ? { is: 'disbelieved', why: 'it does not tell which process crashed' } : { is: 'coredump', coredump };
	}
	const note = source === undefined ? undefined : noteOf(source, fields);
	return note === undefined ? { is: 'other' } : { is: 'note', note };
}
