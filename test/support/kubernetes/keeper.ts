import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../crash.ts';

/** A process that runs others, in a folder of its own, for as long as its standard input is open. */
export type Keeper = AsyncDisposable & {
	readonly folder: string;
	/** Has it do one of its steps. @returns when it is done */
	step(name: string): Promise<void>;
	/** The processes that it runs. */
	processes(): readonly number[];
};

/**
 * Starts one of the scripts beside this file, and waits until it is ready. As it ends with its standard input, it also does when this process is killed.
 *
 * @throws with what it says to standard error, if it does not become ready
 */
export async function keeper(script: string, environment: Readonly<Record<string, string>> = {}): Promise<Keeper> {
	const folder = mkdtempSync(join(tmpdir(), 'kube-'));
	const child = spawn(join(import.meta.dirname, script), [folder], {
		env: { ...process.env, NODE: join(root, 'node_modules/node/bin/node'), ...environment },
		stdio: ['pipe', 'pipe', 'pipe'],
		detached: true,
	});
	const ended = once(child, 'exit');
	const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
	let errors = '';
	child.stderr.on('data', (chunk) => {
		errors += chunk;
	});
	async function answer(): Promise<void> {
		if (!(await lines.next()).done) return;
		await ended;
		throw new Error(errors.trim() || `${script} has ended`);
	}
	await answer();
	return {
		folder,
		step(name) {
			child.stdin.write(`${name}\n`);
			return answer();
		},
		processes: () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number),
		async [Symbol.asyncDispose]() {
			child.stdin.end();
			await ended;
		},
	};
}
