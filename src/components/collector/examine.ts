import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { systemPath } from '../../base/filename.ts';
import type { Event } from '../../domain/events.ts';
import { crashId, fileId } from '../../domain/identity.ts';
import { readHead } from '../../readers/corefile/corefile.ts';
import { type Origin, originOf } from '../../readers/corename/corename.ts';

/** A core file at first sight. */
export type Examined = {
	readonly event: Event<'CoredumpFile'>;
	readonly complete: 'yes' | 'truncated' | 'unknown';
	/** The file appears under its name only when it is whole. */
	readonly isAtomic: boolean;
};

export type ExamineOptions = {
	/** kernel.core_pattern of the machine that wrote the file, if it is this one. */
	readonly corePattern?: string | undefined;
	readonly now: number;
};

/**
 * Reads as much of a file as it takes to say that it is a core, and which crash it tells of.
 *
 * @param path absolute
 * @throws {CorefileError} not a core
 */
export async function examine(path: string, { corePattern, now }: ExamineOptions): Promise<Examined> {
	const file = await stat(systemPath(path), { bigint: true });
	const { encoding, complete } = await readHead(path);
	const origin = originOf(basename(path), {}, corePattern);
	const time = origin.timeMs ?? Number(file.mtimeMs);
	return {
		event: {
			kind: 'CoredumpFile',
			key: idOf(file, origin),
			original: originalOf(file, basename(path)),
			body: {
				core: { path, sizeBytes: Number(file.size), encoding, fileId: fileId(file) },
				time: new Date(time).toISOString(),
				foundAt: new Date(now).toISOString(),
			},
		},
		complete,
		isAtomic: origin.producer === 'systemd-coredump',
	};
}

/** How the journal knows a file again. */
export const originalOf = (file: BigIntStats, name: string) => `${fileId(file)}:${name}`;

function idOf(file: BigIntStats, { bootId, hostPid, timeMs }: Origin): string {
	if (bootId !== undefined && hostPid !== undefined && timeMs !== undefined)
		return crashId({ by: 'process', bootId, pid: hostPid, timeMs });
	return crashId({ by: 'file', fileId: fileId(file) });
}
