import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What abrt's hook for C and C++ writes of a crash, beside the core: abrt-hook-ccpp.c. */
export const problemFiles: Readonly<Record<string, string>> = {
	analyzer: 'CCpp',
	type: 'CCpp',
	executable: '/milvus/bin/milvus',
	cmdline: '/milvus/bin/milvus run querynode',
	environ: 'PATH=/usr/bin\nPASSWORD=hunter2\n',
	pid: '7',
	global_pid: '28622',
	uid: '0',
	hostname: 'node-1.example.org',
	reason: 'Process /milvus/bin/milvus was killed by signal 11 (SIGSEGV)',
	time: '1795420882\n',
};

/** Makes a problem directory as abrt does: under another name until all is in it. @param put puts the core there, under the path that it is given */
export function problemDirectory(path: string, put: (core: string) => void, files = problemFiles): string {
	mkdirSync(`${path}.new`);
	for (const [name, text] of Object.entries(files)) writeFileSync(join(`${path}.new`, name), text);
	put(join(`${path}.new`, 'coredump'));
	renameSync(`${path}.new`, path);
	return path;
}
