import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { exec } from '../crash.ts';

export type Server = AsyncDisposable & {
	readonly pid: number;
	/** The path of what it runs. */
	readonly program: string;
	/** In which it runs, and which is where it leaves its core. */
	readonly folder: string;
	/** The file that has what it wrote to standard error. */
	readonly log: string;
	/** The signal by which it ended, or its exit code. */
	readonly ended: Promise<string>;
	/** Has `client.ts` do something to it, and waits for that. */
	ask(...args: readonly string[]): Promise<void>;
	/** The same without waiting; what it goes on doing ends with the server. */
	keepAsking(...args: readonly string[]): void;
};

/**
 * Runs a program in a network of its own, which has nothing but its loopback, and with a /run of its own, where Milvus keeps a lock: so there may be many of
 * them. It may write a core of any size, and dies with this process.
 *
 * @param folder an empty one, which is the caller's to remove
 */
export async function serve(
	folder: string,
	program: string,
	args: readonly string[],
	environment: Readonly<Record<string, string>>,
): Promise<Server> {
	const log = join(folder, 'stderr.log');
	// Each of these becomes the next: it is one process. Until it says that it is there, it is in our own network.
	const shell =
		'ip link set lo up && mount -t tmpfs none /run && ulimit -c unlimited && echo there && exec setpriv --pdeathsig KILL "$0" "$@" >/dev/null 2>"$LOG"';
	const child = spawn('unshare', ['-nm', 'bash', '-c', shell, program, ...args], {
		cwd: folder,
		env: { PATH: process.env.PATH, HOME: folder, LOG: log, ...environment },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const ended = once(child, 'exit').then(([code, signal]) => String(signal ?? `exit ${code}`));
	const said = await Promise.race([once(child.stdout, 'data'), text(child.stderr)]);
	if (typeof said === 'string') throw new Error(`no namespaces for ${program}: ${said}`);
	const gone = new AbortController();
	void ended.then((how) => gone.abort(new Error(`it ended with ${how}`)));
	const asking = new Set<ChildProcess>();
	const inNetwork = ['-n', '-t', String(child.pid), process.execPath, join(import.meta.dirname, 'client.ts')];
	return {
		pid: child.pid ?? 0,
		program,
		folder,
		log,
		ended,
		async ask(...args) {
			await exec('nsenter', [...inNetwork, ...args], { timeout: 300_000, signal: gone.signal });
		},
		keepAsking(...args) {
			const client = spawn('nsenter', [...inNetwork, ...args], { stdio: 'ignore' });
			asking.add(client.once('exit', () => asking.delete(client)));
		},
		async [Symbol.asyncDispose]() {
			child.kill('SIGKILL');
			await ended;
			await Promise.all(
				[...asking].map(async (client) => {
					client.kill('SIGKILL');
					await once(client, 'exit');
				}),
			);
		},
	};
}
