// The main job on real input: crashes a program, lets the agent find, analyse and store the core, and prints the report.
// Everything it makes lies in .demo of this checkout; no setting of the machine is changed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CrashReport } from '../src/domain/report.ts';
import { isKept } from '../src/domain/stored-file.ts';
import { readJournal } from '../src/journal/journal.ts';
import { table } from '../src/report/report.ts';

const root = join(import.meta.dirname, '..');
const program = join(root, 'bin/milvus-coredump-agent');
const home = join(root, '.demo');
const configFile = join(home, 'config.yaml');
const journal = join(home, 'journal.db');
/** For how long the agent may take. */
const patienceMs = 120_000;

const title = (text: string) => console.log(`\n=== ${text}`);

function configure(coredumpPath: string): void {
	const quoted = (name: string) => JSON.stringify(join(home, name));
	writeFileSync(
		configFile,
		[
			'# Made by `npm run demo`.',
			`collector: { coredumpPath: ${JSON.stringify(coredumpPath)}, maxFileAge: 1m }`,
			`analyzer: { scratchPath: ${quoted('scratch')} }`,
			`storage: { localPath: ${quoted('stored')} }`,
			`journal: { path: ${quoted('journal.db')} }`,
			'monitor: { metricsPort: 0, healthPort: 0 }',
			'',
		].join('\n'),
	);
}

/** Crashes the program. @returns the core's path */
async function crash(): Promise<string> {
	const child = spawn(program, ['crash-test', 'segv', '--config', configFile], { stdio: ['ignore', 'pipe', 'inherit'] });
	let output = '';
	for await (const chunk of child.stdout) {
		process.stdout.write(chunk);
		output += chunk;
	}
	const core = /^core: (.*)$/m.exec(output)?.[1];
	if (core === undefined) throw new Error('there is no core to show; see above');
	return core;
}

/** Runs the agent until it has dealt with the core. */
async function runAgent(core: string): Promise<CrashReport> {
	const agent = spawn(program, ['agent', '--standalone', '--config', configFile, '--log-format', 'text'], { stdio: 'inherit' });
	const ended = once(agent, 'exit');
	try {
		for (const giveUpAt = Date.now() + patienceMs; Date.now() < giveUpAt; await delay(200)) {
			if (agent.exitCode !== null) throw new Error('the agent ended by itself; see above');
			const report = settled(core);
			if (report) return report;
		}
		throw new Error(`the agent did not finish within ${patienceMs / 1000} s`);
	} finally {
		agent.kill('SIGTERM');
		await ended;
	}
}

function settled(core: string): CrashReport | undefined {
	try {
		using view = readJournal(journal);
		return [...view.reports()].find((report) => report.core?.path === core && report.storage !== null);
	} catch {
		return undefined; // the agent has not made it yet
	}
}

async function show(id: string): Promise<void> {
	await once(spawn(program, ['show', id, '--config', configFile], { stdio: 'inherit' }), 'exit');
}

try {
	rmSync(home, { recursive: true, force: true });
	mkdirSync(join(home, 'cores'), { recursive: true });
} catch (error) {
	console.error(`demo: ${home} can't be made anew: ${(error as Error).message}; remove it (sudo rm -r ${home}), and try again`);
	process.exit(1);
}
configure(join(home, 'cores'));

title('1. A program crashes, for real');
const core = await crash();

title('2. The agent finds, analyses and stores the core');
if (dirname(core) !== join(home, 'cores')) {
	configure(dirname(core));
	console.log(`so the agent of this demo looks in ${dirname(core)}`);
}
const { id, storage } = await runAgent(core);

title('3. The report');
await show(id);

/** As it is typed where the demo was started: npm itself goes to the package. */
const here = (path: string) => relative(process.env.INIT_CWD ?? process.cwd(), path);
const own = `--config ${here(configFile)}`;
const next = [
	[`${here(program)} show ${id} ${own}`, 'the report again; with --json all of it'],
	[`${here(program)} gdb ${id} ${own}`, 'a debugger on the stored core: type bt'],
	[`${here(program)} analyze CORE`, 'the same for any core file that you have'],
	[`${here(program)} doctor`, 'whether this machine keeps cores'],
	...(isKept(storage) ? [[`sha256sum ${here(storage.location)}`, 'the checksum of the stored core']] : []),
	[here(configFile), 'the configuration of this demo; configs/config.yaml has all keys'],
];
title('Next');
console.log(table(next.map(([command = '', what = '']) => [`  ${command}`, what])).join('\n'));
