import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { coresWhereTheyRun, exec } from '../crash.ts';
import type { Server } from './namespace.ts';

/** How a server is brought to its end. Functions are named as gdb knows them, registers without a sign. */
export type Death =
	/** By a signal from outside. */
	| { readonly by: 'signal'; readonly signal: NodeJS.Signals }
	/** The first thread of that name goes on at an address. */
	| { readonly by: 'jump of a thread'; readonly thread: string; readonly to: number }
	/** When a function is called next, this parameter is no pointer. */
	| { readonly by: 'bad pointer'; readonly in: string; readonly register: string; readonly pointer: number }
	/** When a function is called next, its caller calls `abort` instead. */
	| { readonly by: 'abort'; readonly insteadOf: string }
	/** When a function is called next, its caller calls what is at this address instead. */
	| { readonly by: 'call'; readonly insteadOf: string; readonly to: number };

/**
 * Brings a server to its end.
 *
 * @returns the path of its core
 */
export async function die(server: Server, death: Death): Promise<string> {
	await using _pattern = await coresWhereTheyRun();
	if (death.by === 'signal') process.kill(server.pid, death.signal);
	else await tamper(server.pid, commandsFor(death));
	const signal = await server.ended;
	const [core, ...others] = (await readdir(server.folder)).filter((name) => /^core(\.|$)/.test(name));
	if (core === undefined || others.length > 0) throw new Error(`it ended with ${signal} and left ${core ?? 'no core'} ${others.join(' ')}`);
	return join(server.folder, core);
}

function commandsFor(death: Exclude<Death, { by: 'signal' }>): readonly string[] {
	switch (death.by) {
		case 'jump of a thread': {
			const find = `[t for t in gdb.selected_inferior().threads() if t.name == '${death.thread}'][0].switch()`;
			// In a system call: the kernel would begin it again, by going back.
			return [`python ${find}`, 'set $orig_rax = -1', `set $rip = ${death.to}`];
		}
		case 'bad pointer':
			return [...stopAt(death.in), `set $${death.register} = ${death.pointer}`];
		case 'abort':
			return [...stopAt(death.insteadOf), 'set $rip = (long)&abort'];
		case 'call':
			return [...stopAt(death.insteadOf), `set $rip = ${death.to}`];
		default:
			return death satisfies never;
	}
}

/** At its very first instruction, where the stack is as its caller left it. */
const stopAt = (symbol: string) => [`break *${symbol}`, 'continue', 'delete'];

/** Changes a running process by gdb, which then lets go of it. */
async function tamper(pid: number, commands: readonly string[]): Promise<void> {
	const all = ['set pagination off', 'set debuginfod enabled off', 'handle SIGURG SIGPIPE nostop noprint pass', ...commands, 'detach'];
	const args = all.flatMap((command) => ['-ex', command]);
	// Its files are where ours are, though it has a root of its own.
	await exec('gdb', ['-nx', '-batch', '-readnever', '-iex', 'set sysroot /', '-p', String(pid), ...args], {
		env: { PATH: process.env.PATH },
		timeout: 60_000,
	});
}
