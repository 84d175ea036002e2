import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemPath } from '../../base/filename.ts';
import type { Event } from '../../domain/events.ts';
import { crashId, fileId } from '../../domain/identity.ts';
import type { Core } from '../../domain/report.ts';
import { readHead } from '../../readers/corefile/corefile.ts';
import { type Origin, originOf } from '../../readers/corename/corename.ts';

/** A core file at first sight. */
export type Examined = {
	readonly event: Event<'CoredumpFile'> & { readonly body: { readonly core: Core } };
	readonly complete: 'yes' | 'truncated' | 'unknown';
	/** The file appears under its name only when it is whole. */
	readonly isAtomic: boolean;
};

export type ExamineOptions = {
	/** kernel.core_pattern of the machine that wrote the file, if it is this one. */
	readonly corePattern?: string | undefined;
	/** Of the file: `user.coredump.*` without that prefix. */
	readonly attributes?: Readonly<Record<string, string>>;
	readonly now: number;
};

/**
 * Reads as much of a file as it takes to say that it is a core, and which crash it tells of.
 *
 * @param path absolute
 * @throws {CorefileError} not a core
 */
export async function examine(path: string, { corePattern, attributes, now }: ExamineOptions): Promise<Examined> {
	const file = await stat(systemPath(path), { bigint: true });
	const { encoding, complete } = await readHead(path);
	const origin = originOf(basename(path), attributes, corePattern);
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
		isAtomic: origin.producer === 'systemd-coredump',
	};
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
