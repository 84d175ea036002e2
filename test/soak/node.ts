import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '../support/crash.ts';
import type { SoakStore } from './stores.ts';

export type Line = { readonly msg: string } & Readonly<Record<string, unknown>>;

/** Everything of one node but the store: its folder of cores, its journal, and the agents that run there one after the other. */
export type SoakNode = AsyncDisposable & {
	readonly cores: string;
	readonly journal: string;
	/** Where it notes its uploads. */
	readonly notes: string;
	start(): Running;
};

export type Running = {
	readonly pid: number;
	/** Resolves with the first line that has these words, also one that came before. */
	line(words: string): Promise<Line>;
	/** Ends it at once, as a power cut would. */
	kill(): Promise<void>;
	/** Asks it to end. */
	stop(): Promise<void>;
};

/** @param hostName its own, for which one must be root; absent: the machine's */
export async function soakNode(program: string, store: SoakStore, hostName?: string): Promise<SoakNode> {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const environment = { PATH: process.env.PATH, NODE_COMPILE_CACHE: join(dirname(program), 'cache'), ...store.environment };
	const sections = {
		log: { level: 'debug' },
		// What was stored is the only copy that is left.
		collector: { coredumpPath: place('cores'), watchInterval: '500ms', removeOriginal: 'afterStored' },
		analyzer: { scratchPath: place('scratch'), enableGdbAnalysis: false, valueThreshold: 0 },
		storage: { localPath: place('stored'), minFreeSpace: '1GB', retentionDays: 0, sampling: { full: 1_000_000 }, ...store.storage },
		journal: { path: place('journal.db') },
		monitor: { metricsPort: 0, healthPort: 0 },
	};
	writeFileSync(place('config.yaml'), JSON.stringify(sections)); // which is YAML
	mkdirSync(place('cores'));
	const own = hostName === undefined ? [] : ['unshare', '--uts', 'sh', '-c', 'hostname "$0" && exec "$@"', hostName];
	let running: ChildProcess | undefined;

	function start(): Running {
		const [command = '', ...args] = [
			...own,
			process.execPath,
			'--optimize-for-size',
			program,
			'agent',
			'--standalone',
			'--config',
			place('config.yaml'),
		];
		const child = spawn(command, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
		running = child;
		const ended = once(child, 'exit');
		const lines: Line[] = [];
		const waiting = new Map<string, PromiseWithResolvers<Line>>();
		createInterface({ input: child.stdout }).on('line', (text) => {
			if (!text.endsWith('}')) return; // it was killed while it wrote
			const line: Line = JSON.parse(text);
			lines.push(line);
			for (const [words, { resolve }] of waiting) if (line.msg.includes(words)) resolve(line);
		});
		async function end(signal: NodeJS.Signals): Promise<void> {
			child.kill(signal);
			await ended;
		}
		return {
			pid: child.pid ?? 0,
			line(words) {
				const wanted = waiting.get(words) ?? Promise.withResolvers<Line>();
				waiting.set(words, wanted);
				const found = lines.find(({ msg }) => msg.includes(words));
				if (found) wanted.resolve(found);
				void ended.then(() => wanted.reject(new Error(`the agent ended without the line "${words}"`)));
				wanted.promise.catch(() => {}); // whoever waits for it hears of it
				return wanted.promise;
			},
			kill: () => end('SIGKILL'),
			stop: () => end('SIGTERM'),
		};
	}

	return {
		cores: place('cores'),
		journal: place('journal.db'),
		notes: place('s3-uploads'),
		start,
		async [Symbol.asyncDispose]() {
			if (running && running.exitCode === null && running.signalCode === null) {
				running.kill('SIGKILL');
				await once(running, 'exit');
			}
			await folder[Symbol.asyncDispose]();
		},
	};
}
