import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { defined } from '../../base/defined.ts';
import { systemPath } from '../../base/filename.ts';
import type { Event } from '../../domain/events.ts';
import { crashId, fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';
import { coredumpAttributes } from '../../drivers/attributes/attributes.ts';
import { unpackForeign } from '../../drivers/compression/compression.ts';
import { CorefileError, readHead } from '../../readers/corefile/corefile.ts';
import { type Origin, problemCore, readOrigin } from '../../readers/corename/corename.ts';

/** A core file at first sight. */
export type Examined = {
	readonly event: Event<'CoredumpFile'> & { readonly body: { readonly core: Core } };
	readonly complete: 'yes' | 'truncated' | 'unknown';
	/** The file appears under its name only when it is whole. */
	readonly isAtomic: boolean;
	/** When it was last written to. */
	readonly writtenAtMs: number;
	/** Whether systemd-coredump wrote it, which then tells the host's journal of it. */
	readonly isRecorded: boolean;
};

export type ExamineOptions = {
	/** kernel.core_pattern of the machine that wrote the file, if it is this one. */
	readonly corePattern?: string | undefined;
	readonly now: number;
};

/**
 * Reads as much of a file as it takes to say that it is a core, and which crash it tells of.
 *
 * @param place absolute path of a core, or of a problem directory of abrt that holds one
 * @throws {CorefileError} not a core
 * @throws {NoUnpackerError} a core whose program to unpack it is not installed
 */
export async function examine(place: string, { corePattern, now }: ExamineOptions): Promise<Examined> {
	const path = await coreAt(place);
	const file = await stat(systemPath(path), { bigint: true });
	const { encoding, complete } = await readHead(path, { unpackForeign });
	const origin = await originOf(path, encoding, corePattern);
	return {
		event: {
			kind: 'CoredumpFile',
			key: idOf(file, origin),
			original: originalOf(file, basename(path)),
			body: {
				core: { path, sizeBytes: Number(file.size), encoding, fileId: fileId(file) },
				log: null,
				time: new Date(timeOf(origin, file, now)).toISOString(),
				foundAt: new Date(now).toISOString(),
			},
		},
		complete,
		// abrt gives its directory the final name once the core is in it.
		isAtomic: origin.producer === 'systemd-coredump' || origin.producer === 'abrt',
		writtenAtMs: Number(file.mtimeMs),
		isRecorded: origin.producer === 'systemd-coredump',
	};
}

/**
 * Attributes are read only where the name leaves open whose file it is, for that takes a program: systemd-coredump's name tells all that is asked for
 * here, and what the kernel writes has none. The kernel packs nothing: a packed file of such a name is a copy.
 */
async function originOf(path: string, encoding: Core['encoding'], pattern: string | undefined): Promise<Origin> {
	const origin = await readOrigin(path, { pattern });
	const isClear = origin.producer !== 'unknown' && !(origin.producer === 'kernel' && encoding !== 'raw');
	return isClear ? origin : readOrigin(path, { attributes: await coredumpAttributes(path), pattern });
}

/** What is known of a crash in a cluster from its core alone. Whoever waits for it by its id is woken. */
export function half({ event, writtenAtMs, isRecorded }: Examined): Event<'FoundCore'> {
	const { key, body, original } = event;
	const { core, time, foundAt } = body;
	const found = { core, time, foundAt, writtenAt: new Date(writtenAtMs).toISOString(), isRecorded };
	return { kind: 'FoundCore', key, joinKey: key, ...defined({ original }), body: found };
}

async function coreAt(place: string): Promise<string> {
	if (!(await stat(systemPath(place))).isDirectory()) return place;
	const core = await problemCore(place);
	if (core === undefined) throw new CorefileError('is a directory, and none of abrt with a coredump in it');
	return core;
}

/** How the journal knows a file again. */
export const originalOf = (file: BigIntStats, name: string) => `${fileId(file)}:${name}`;

/** When the process died: names and clocks may be wrong, so what lies in the future counts for nothing. */
function timeOf({ timeMs }: Origin, { mtimeMs }: BigIntStats, now: number): number {
	return [timeMs, Number(mtimeMs)].find((time) => time !== undefined && time > 0 && time < now + 86_400_000) ?? now;
}

function idOf(file: BigIntStats, { bootId, hostPid, timeMs }: Origin): string {
	if (bootId !== undefined && hostPid !== undefined && timeMs !== undefined)
		return crashId({ by: 'process', bootId, pid: hostPid, timeMs });
	return crashId({ by: 'file', fileId: fileId(file) });
}
