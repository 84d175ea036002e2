import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { defined } from '../../base/defined.ts';
import { startOfFile } from '../../base/file-ends.ts';
import { fileNameText, systemPath } from '../../base/filename.ts';
import { milliseconds, number, type Origin } from './origin.ts';

/** A problem directory of abrt: one crash, each thing that is known of it in a file of its own (abrt-hook-ccpp.c of abrt). */

const coreNames = ['coredump', 'coredump.zst', 'coredump.lz4', 'coredump.xz', 'coredump.gz'];
/** Each problem directory has it; it is how abrt itself knows one. */
const mark = 'time';
/** More of a file than this is not read. */
const mostBytes = 16 * 1024;

/** The core in a problem directory; undefined where there is none, or what is there is no problem directory. Links are not followed. */
export async function problemCore(directory: string): Promise<string | undefined> {
	if (!(await isFile(join(directory, mark)))) return undefined;
	for (const name of coreNames) if (await isFile(join(directory, name))) return join(directory, name);
	return undefined;
}

/** What the files around a core in a problem directory tell; undefined for any other core. */
export async function problemOrigin(core: string): Promise<Origin | undefined> {
	const directory = dirname(core);
	if (!coreNames.includes(basename(core)) || !(await isFile(join(directory, mark)))) return undefined;
	const read = (name: string) => readText(join(directory, name));
	const executable = await read('executable');
	return {
		producer: 'abrt',
		...defined({
			name: executable && basename(executable),
			executable,
			arguments: await read('cmdline'),
			// `pid` is the one in the process's own namespace.
			hostPid: number(await read('global_pid')) ?? number(await read('pid')),
			hostname: await read('hostname'),
			signal: signalIn(await read('reason')),
			timeMs: milliseconds(number(await read(mark))),
		}),
	};
}

const isFile = async (path: string) => (await lstat(systemPath(path)).catch(() => undefined))?.isFile() ?? false; // not there, or not ours to see

/** The start of a small file; undefined where there is none, or it is empty, or can't be read. */
async function readText(path: string): Promise<string | undefined> {
	const file = await open(systemPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined); // the report does without it
	if (!file) return undefined;
	await using _closed = file;
	if (!(await file.stat()).isFile()) return undefined;
	return fileNameText(await startOfFile(file, mostBytes)).trim() || undefined;
}

/** `Process /milvus/bin/milvus was killed by signal 11 (SIGSEGV)`; newer ones leave out the number, which the core has anyway. */
const signalIn = (reason: string | undefined) => number(/\bsignal (\d{1,3})\b/.exec(reason ?? '')?.[1]);
