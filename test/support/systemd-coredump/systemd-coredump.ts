import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { exec, program, setCorePattern } from '../crash.ts';
import { type Missing, missingAsSaidBy } from '../needed.ts';

const journald = '/usr/lib/systemd/systemd-journald';
const build = join(import.meta.dirname, 'build.sh');

/** Why there can be no systemd-coredump here, in a line; null where there can. */
export async function whyNoSystemdCoredump(): Promise<Missing> {
	if (process.getuid?.() !== 0) return 'systemd-coredump takes root';
	if (!existsSync(journald)) return `${journald} is missing`;
	return missingAsSaidBy(() => exec(build, ['--find']));
}

/**
 * Has a real systemd-coredump take all cores of this machine until the end of the block, and a real journald what it records. Where they belong on a
 * machine with systemd they are in folders here: `cores` is /var/lib/systemd/coredump, `journal` /var/log/journal.
 */
export async function systemdCoredump(folder: string): Promise<AsyncDisposable & { readonly cores: string; readonly journal: string }> {
	const { stdout } = await exec(build, ['--find']);
	// The kernel takes 127 bytes for the pattern, and the cache's path may be longer.
	const handler = join(folder, 'systemd-coredump');
	mkdirSync(folder, { recursive: true });
	rmSync(handler, { force: true });
	symlinkSync(stdout.trim(), handler);
	const server = await program('../systemd-coredump/server.c');
	await using ending = new AsyncDisposableStack();
	// As the package sets it, but for %d, which it does not need.
	ending.use(await setCorePattern(`|${handler} %P %u %g %s %t 9223372036854775808 %h`, 16));
	ending.use(await machine(folder, stdout.trim(), server));
	return Object.assign(ending.move(), { cores: join(folder, 'cores'), journal: join(folder, 'journal') });
}

async function machine(folder: string, coredump: string, server: string): Promise<AsyncDisposable> {
	const args = [folder, coredump, server];
	const child = spawn(join(import.meta.dirname, 'machine.sh'), args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
	const [answer] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'exit')]);
	if (answer !== 'ready') throw new Error(`no systemd-coredump: ${answer}`);
	return {
		[Symbol.asyncDispose]: async () => {
			child.stdin.end();
			if (child.exitCode === null) await once(child, 'exit');
		},
	};
}
