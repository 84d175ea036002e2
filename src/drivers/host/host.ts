import { readFile } from 'node:fs/promises';

export { hostRoot, otherSide, pathOnHost } from './root.ts';
export { systemdFiles, systemdVersion } from './systemd.ts';

/** This machine's kernel.core_pattern; undefined where it can't be read. */
export async function corePattern(): Promise<string | undefined> {
	return (await proc('/proc/sys/kernel/core_pattern'))?.trim();
}

/** How many crashes at once the kernel hands to a program: kernel.core_pipe_limit; 0: any number, without waiting for it. */
export async function corePipeLimit(): Promise<number | undefined> {
	const text = await proc('/proc/sys/kernel/core_pipe_limit');
	return text === undefined ? undefined : Number(text);
}

/** The hard limit for core files of processes started from here, in bytes: RLIMIT_CORE. */
export async function coreSizeLimits(): Promise<{ readonly soft: number; readonly hard: number } | undefined> {
	const line = /^Max core file size\s+(\S+)\s+(\S+)/m.exec((await proc('/proc/self/limits')) ?? '');
	const value = (text: string | undefined) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text));
	return line ? { soft: value(line[1]), hard: value(line[2]) } : undefined;
}

/** Whether somebody takes what systemd-coredump hands on; without, nothing is stored, and the shell still says "core dumped". */
export const systemdListens = () => isListening('/run/systemd/coredump');

/** Whether a process listens on a Unix socket of this network namespace: __SO_ACCEPTCON in the flags of /proc/net/unix. */
async function isListening(socket: string): Promise<boolean> {
	const lines = (await proc('/proc/net/unix'))?.split('\n') ?? [];
	return lines
		.map((line) => line.split(/\s+/))
		.some(([, , , flags, , , , path]) => path === socket && (Number.parseInt(flags ?? '', 16) & 0x10000) !== 0);
}

const proc = (path: string) => readFile(path, 'utf8').catch(() => undefined); // no such thing on other systems
