import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from './crash.ts';

export const bin = join(root, 'bin/milvus-coredump-agent');

export type CliResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs the program as a user does, from its source unless told otherwise, with a state folder of its own. */
export function cli(
	args: readonly string[],
	options: {
		readonly cwd?: string;
		readonly environment?: Readonly<Record<string, string>>;
		readonly state?: string;
		readonly program?: readonly string[];
	} = {},
): Promise<CliResult> {
	const { cwd = '/', environment = {}, state = '/proc/nonexistent', program = [bin] } = options;
	const [command = '', ...before] = program;
	return new Promise((resolve) => {
		const env = { PATH: process.env.PATH, HOME: state, XDG_STATE_HOME: state, ...environment };
		execFile(
			command,
			[...before, ...args],
			{ cwd, env, maxBuffer: 1 << 28, timeout: 60_000, killSignal: 'SIGKILL' },
			(error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
		);
	});
}
