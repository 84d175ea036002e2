import { basename } from 'node:path';
import { tracesFrom, type tracesOf } from '../../src/components/collector/association/traces.ts';
import type { Event } from '../../src/domain/events.ts';
import { crashId } from '../../src/domain/identity.ts';
import type { EpochMs } from '../../src/domain/stage.ts';
import { originOf } from '../../src/readers/corename/corename.ts';

export const bootId = '3a370f5b76c84d819f904db94345159d';

/** Who wrote a core, and so what its file tells of it. */
export type Channel =
	/** systemd-coredump; the journal of the machine is read. */
	| 'journald'
	/** systemd-coredump, of which nothing is heard but its files with their attributes. */
	| 'attributes'
	/** The kernel, under a pattern with `%h`. */
	| 'path pattern'
	/** The kernel, under a pattern without; the environment is in the core. */
	| 'environment'
	/** The same, and the core is cut, its environment with it. */
	| 'bare';

/** What can be read in a file. */
type CoreFile = {
	readonly attributes: Readonly<Record<string, string>>;
	readonly executable: string;
	readonly signal: number;
	readonly environment: Readonly<Record<string, string>>;
};

export type Files = Map<string, CoreFile>;

export type Process = {
	readonly hostPid: number;
	readonly executable: string;
	readonly signal: number;
	readonly host: string;
	/** What is in its environment besides the host name. */
	readonly environment: Readonly<Record<string, string>>;
	readonly diedAt: EpochMs;
	/** When its core was written. */
	readonly overAt: EpochMs;
};

/** Leaves a core in the folder. @returns what the collector tells of it when it finds it, and the core's key */
export function leaveCore(files: Files, channel: Channel, process: Process) {
	const { hostPid, executable, signal, host, diedAt, overAt } = process;
	const isSystemd = channel === 'journald' || channel === 'attributes';
	const name = nameOf(channel, process);
	const path = `/cores/${name}`;
	const seconds = Math.floor(diedAt / 1000);
	const attributes: Record<string, string> = isSystemd
		? { comm: basename(executable), exe: executable, hostname: host, pid: `${hostPid}`, signal: `${signal}`, timestamp: `${seconds}000000` }
		: {};
	// Who packs does not let the stack be read, on which the environment is; who cuts, cuts it.
	const environment = isSystemd || channel === 'bare' ? {} : { HOSTNAME: host, ...process.environment };
	files.set(path, { attributes, executable, signal, environment });
	const fileId = `1:${hostPid}:${overAt}000000`;
	const { timeMs = Math.floor(overAt) } = originOf(name, attributes);
	const key = isSystemd ? crashId({ by: 'process', bootId, pid: hostPid, timeMs }) : crashId({ by: 'file', fileId });
	const found = (foundAt: EpochMs): Event<'FoundCore'> => ({
		kind: 'FoundCore',
		key,
		joinKey: key,
		body: {
			core: { path, sizeBytes: 1_000_000, encoding: isSystemd ? 'zstd' : 'raw', fileId },
			...{ time: iso(timeMs), writtenAt: iso(overAt), foundAt: iso(foundAt), isRecorded: isSystemd },
		},
	});
	return { key, found };
}

function nameOf(channel: Channel, { hostPid, executable, host, diedAt }: Process): string {
	const seconds = Math.floor(diedAt / 1000);
	switch (channel) {
		case 'journald':
		case 'attributes':
			return `core.${basename(executable)}.0.${bootId}.${hostPid}.${seconds}000000.zst`;
		case 'path pattern':
			return `core.MILVUS_FUTURE_C.${hostPid}.${host}.${seconds}`;
		case 'environment':
		case 'bare':
			return hostPid % 3 === 0 ? `core.${hostPid}` : `core.MILVUS_FUTURE_C.${hostPid}.${seconds}`;
		default:
			return channel satisfies never;
	}
}

/** As the agent reads the traces of a core, but for opening the file. */
export const readTracesIn =
	(files: Files): typeof tracesOf =>
	async (found, record, pattern) => {
		const file = files.get(found.core.path);
		if (!file) return tracesFrom(found, undefined, { producer: 'unknown' }, record);
		const { attributes, executable, signal, environment } = file;
		const siginfo = { signal, code: 0, errno: 0 };
		const corefile = { siginfo, threads: [], executable, initialStack: { arguments: [], environment } };
		return tracesFrom(
			found,
			corefile as unknown as Parameters<typeof tracesFrom>[1],
			originOf(basename(found.core.path), attributes, pattern),
			record,
		);
	};

const iso = (at: EpochMs) => new Date(Math.floor(at)).toISOString();
