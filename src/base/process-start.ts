import { readFile } from 'node:fs/promises';

/**
 * When a process started, in clock ticks since boot; undefined when there is none, or only what its parent has not taken note of yet. With it a pid that
 * was given again is not taken for the one before. Source: proc_pid_stat(5).
 */
export async function processStart(pid: number): Promise<string | undefined> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined); // there is none
	const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []; // the name in brackets may hold anything
	return state === 'Z' || state === 'X' ? undefined : fields[18]; // starttime, the 22nd of all
}
