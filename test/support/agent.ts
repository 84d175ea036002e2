import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import type { CrashReport } from '../../src/domain/report.ts';
import { readJournal } from '../../src/journal/journal.ts';
import { bin } from './cli.ts';
import { temporaryFolder } from './crash.ts';

/** One line of the agent's log. */
export type Line = { readonly level: string; readonly msg: string } & Readonly<Record<string, unknown>>;

/** Everything that belongs to one installation of the agent: its folders, its configuration, and the agents that run on it one after the other. */
export async function installation(extra: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}) {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const config = place('config.yaml');
	const sections: Record<string, Record<string, unknown>> = {
		log: { level: 'debug' },
		collector: { coredumpPath: place('cores'), watchInterval: '500ms' },
		analyzer: { scratchPath: place('scratch') },
		storage: { localPath: place('stored') },
		journal: { path: place('journal.db') },
		monitor: { metricsPort: 0, healthPort: 0 },
	};
	for (const [name, keys] of Object.entries(extra)) sections[name] = { ...sections[name], ...keys };
	writeFileSync(config, JSON.stringify(sections)); // JSON is YAML
	mkdirSync(place('cores'));
	const running = new Set<ChildProcess>();

	/** Starts the agent, as what a wrapper makes of it. */
	async function start(environment: Readonly<Record<string, string>> = {}, wrapper: readonly string[] = []) {
		const [command = bin, ...rest] = [...wrapper, bin, 'agent', '--standalone', '--config', config];
		const child = spawn(command, rest, {
			env: { PATH: process.env.PATH, ...environment },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		running.add(child);
		const ended = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }));
		const lines: Line[] = [];
		let errors = '';
		const watchers = new Set<(line: Line) => void>();
		child.stderr.on('data', (chunk) => {
			errors += chunk;
		});
		createInterface({ input: child.stdout }).on('line', (text) => {
			const line = JSON.parse(text) as Line;
			lines.push(line);
			for (const watcher of watchers) watcher(line);
		});
		void ended.then(() => running.delete(child));
		return {
			lines,
			ended,
			errors: () => errors,
			pid: child.pid ?? 0,
			/** Does something at the very moment at which a line comes. */
			onLine: (watcher: (line: Line) => void) => watchers.add(watcher),
			kill: (signal: NodeJS.Signals) => child.kill(signal),
			/** The first line that has these words. */
			line: async (words: string): Promise<Line> => {
				await expect
					.poll(() => lines.some(({ msg }) => msg.includes(words)), { timeout: 20_000, message: `${words} in ${errors}` })
					.toBe(true);
				return lines.find(({ msg }) => msg.includes(words)) as Line;
			},
			stop: async () => {
				child.kill('SIGTERM');
				return ended;
			},
		};
	}

	return {
		path: folder.path,
		place,
		config,
		start,
		reports(): CrashReport[] {
			using journal = readJournal(place('journal.db'));
			return [...journal.reports()];
		},
		/** The files of the store, without their folder. */
		stored: async () => (await readdir(join(place('stored'), 'unassociated')).catch(() => [])).sort(),
		[Symbol.asyncDispose]: async () => {
			await Promise.all(
				[...running].map(async (child) => {
					child.kill('SIGKILL');
					await once(child, 'exit');
				}),
			);
			await folder[Symbol.asyncDispose]();
		},
	};
}

export type Installation = Awaited<ReturnType<typeof installation>>;
