import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { readJournal } from '../../src/journal/journal.ts';
import { bin } from './cli.ts';
import { crash, exec, program, temporaryFolder } from './crash.ts';

/** One line of the agent's log. */
export type Line = { readonly level: string; readonly msg: string } & Readonly<Record<string, unknown>>;

/** Keys of the configuration by their sections. */
export type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Everything that belongs to one installation of the agent: its folders, its configuration, and the agents that run on it one after the other. */
export async function installation(extra: Sections = {}) {
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
	/** The whole configuration, with these keys set. JSON is YAML. */
	function configText(extra: Sections): string {
		for (const [name, keys] of Object.entries(extra)) sections[name] = { ...sections[name], ...keys };
		return JSON.stringify(sections);
	}
	/** Writes it as an editor does: beside, then renamed. */
	function configure(extra: Sections): void {
		writeFileSync(place('.config.yaml.new'), configText(extra));
		renameSync(place('.config.yaml.new'), config);
	}
	configure(extra);
	mkdirSync(place('cores'));
	const running = new Set<ChildProcess>();
	// A test that runs out of time never comes to its disposal.
	onTestFinished(() => {
		for (const child of running) child.kill('SIGKILL');
	});

	/** Starts the agent, as what a wrapper makes of it. */
	async function start(
		environment: Readonly<Record<string, string>> = {},
		wrapper: readonly string[] = [],
		args: readonly string[] = ['--standalone', '--config', config],
	) {
		const [command = bin, ...rest] = [...wrapper, bin, 'agent', ...args];
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
			/** The first line that has these words, among those after the first so many. */
			line: async (words: string, after = 0): Promise<Line> => {
				const find = () => lines.slice(after).find(({ msg }) => msg.includes(words));
				await expect.poll(() => find() !== undefined, { timeout: 20_000, message: `${words} in ${errors}` }).toBe(true);
				return find() as Line;
			},
			stop: async () => {
				child.kill('SIGTERM');
				return ended;
			},
		};
	}

	/** Starts the agent on a node of a cluster. */
	const startOn = (kubeconfig: string, node: string) => start({}, [], ['--config', config, '--kubeconfig', kubeconfig, '--node', node]);

	return {
		path: folder.path,
		place,
		config,
		configText,
		configure,
		start,
		startOn,
		reports(): CrashReport[] {
			using journal = readJournal(place('journal.db'));
			return [...journal.reports()];
		},
		/** The files of the store, without their folder. */
		stored: async () =>
			(await readdir(join(place('stored'), 'unassociated')).catch(() => [])).filter((name) => !name.startsWith('.')).sort(),
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

/** Brings a real core into the folder of the agent, under a name of its own, in one step. */
export async function deliver(
	home: Installation,
	kind: string,
	name = 'core',
	environment: Readonly<Record<string, string>> = {},
): Promise<string> {
	await using crashed = await crash(await program('faults.c'), [kind], { environment });
	const part = home.place('.arriving');
	copyFileSync(crashed.core, part);
	const path = join(home.place('cores'), name);
	renameSync(part, path);
	return path;
}

/** Waits until so many crashes have come to their end. */
export const settled = (home: Installation, count = 1) =>
	expect.poll(() => home.reports().filter(({ storage }) => storage !== null).length, { timeout: 60_000 }).toBe(count);

/** One crash, one report, one stored core that is the original, and nothing half-done anywhere. */
export async function expectOneWhole(home: Installation, original: string): Promise<void> {
	const reports = home.reports();
	expect(reports.map((report) => crashReport.parse(report).status)).toEqual(['stored']);
	const pair = [expect.stringMatching(/\.core\.zst$/), expect.stringMatching(/\.json$/)];
	await expect.poll(() => home.stored(), { timeout: 20_000 }).toEqual(pair);
	const stored = await home.stored();
	const file = join(home.place('stored'), 'unassociated', stored[0] ?? '');
	const storage = reports[0]?.storage;
	expect(storage).toMatchObject({ form: 'full', location: file, sizeBytes: statSync(file).size });
	const { stdout: sum } = await exec('sha256sum', [file]);
	expect(sum.split(' ')[0]).toBe(storage?.form === 'full' && storage.sha256);
	await exec('bash', ['-c', 'cmp <(zstd -dc "$0") "$1"', file, original]);
	expect(readdirSync(home.place('scratch'))).toEqual([]);
	expect(readdirSync(join(home.place('stored'), 'unassociated')).filter((name) => name.startsWith('.'))).toEqual([]);
	const beside = JSON.parse(readFileSync(file.replace(/\.core\.zst$/, '.json'), 'utf8'));
	expect(crashReport.parse(beside)).toEqual(reports[0]);
}
