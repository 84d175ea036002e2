import { readdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Argument, type Command } from 'commander';
import { corePattern, coreSizeLimits, pathOnHost, systemdListens } from '../drivers/host/host.ts';
import { run as runProgram } from '../drivers/process/process.ts';
import { readHead } from '../readers/corefile/corefile.ts';
import { type CoreDestination, coreDestination } from '../readers/corepattern/corepattern.ts';
import { UserError } from './errors.ts';
import { isThere, isWritable, unreadable } from './files.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';

const kinds = ['segv', 'abort', 'fpe'] as const;
type Kind = (typeof kinds)[number];

const crasher = join(import.meta.dirname, '../../build/milvus_crasher');
/** For how long the kernel, or a program it hands cores to, may take to write a small one. */
const patienceMs = 10_000;

export function crashTestCommand(program: Command): void {
	withConfig(program.command('crash-test'))
		.description('crash a small program for real, where the agent will find its core')
		.addArgument(new Argument('<kind>', 'the signal it dies of').choices(kinds))
		.action(run);
}

async function run(kind: Kind, options: SettingsOptions): Promise<void> {
	const { config } = await loadSettings(options);
	if (!(await isThere(crasher)))
		throw new UserError(
			`the crash program is not there (${crasher}): in a checkout run scripts/setup.sh; in a cluster apply deploy/test-crash-pod.yaml`,
		);
	const folder = config.collector.coredumpPath;
	await checkFolder(folder);
	const core = (await byKernel(kind, folder, (await corePattern()) ?? '')) ?? (await byGdb(kind, folder));
	const home = dirname(core);
	if (home !== folder && home !== pathOnHost(folder))
		process.stderr.write(
			`warning: cores go to ${home}, and an agent with this configuration looks in ${folder}: set collector.coredumpPath to ${home}\n`,
		);
	process.stdout.write(`core: ${core}\n`);
}

async function checkFolder(folder: string): Promise<void> {
	const problem = await unreadable(folder);
	if (problem === undefined) return;
	const words: Readonly<Record<string, string>> = { ENOENT: 'is not there', ENOTDIR: 'is not a directory' };
	throw new UserError(
		`${folder} ${words[problem] ?? `can't be read (${problem})`}: make it, or set collector.coredumpPath to the directory of the cores`,
	);
}

/** Lets the kernel write the core, with no setting changed; undefined where it writes none that can be read. */
async function byKernel(kind: Kind, folder: string, pattern: string): Promise<string | undefined> {
	const destination = coreDestination(pattern);
	const isLimited = !pattern.startsWith('|') && (await coreSizeLimits())?.hard === 0;
	const place = isLimited ? undefined : placeOf(destination, folder);
	process.stdout.write(`milvus_crasher ${kind}, kernel.core_pattern "${pattern}"${isLimited ? ', the hard limit for cores is 0' : ''}\n`);
	if (place === undefined) return undefined;
	const obstacle = await obstacleTo(destination, place);
	if (obstacle !== undefined) {
		process.stdout.write(`${obstacle}\n`);
		return undefined;
	}
	const before = new Set(await names(place));
	const ended = await crash(kind, destination.is === 'working directory' ? folder : '/');
	process.stdout.write(`milvus_crasher was ended by ${ended}; waiting for its core in ${place}\n`);
	const core = await arrival(place, before);
	if (core === undefined) process.stdout.write(`no core came to ${place} that could be read\n`);
	return core;
}

async function arrival(place: string, before: ReadonlySet<string>): Promise<string | undefined> {
	using progress = createProgress();
	progress.step('waiting');
	for (const giveUpAt = Date.now() + patienceMs; Date.now() < giveUpAt; await delay(200)) {
		for (const name of await names(place)) {
			if (!before.has(name) && (await isOurs(join(place, name)))) return join(place, name);
		}
	}
	return undefined;
}

function placeOf(destination: CoreDestination, folder: string): string | undefined {
	switch (destination.is) {
		case 'working directory':
			return folder;
		case 'folder':
		case 'systemd-coredump':
			return destination.path;
		case 'folders':
		case 'program':
		case 'socket':
		case 'nowhere':
			return undefined;
		default:
			return destination satisfies never;
	}
}

/** Why no core can be found there, if that is known beforehand. */
async function obstacleTo(destination: CoreDestination, place: string): Promise<string | undefined> {
	if (destination.is === 'systemd-coredump' && !(await systemdListens()))
		return 'nobody listens on the socket of systemd-coredump: cores are lost';
	const problem = await unreadable(place);
	if (problem !== undefined) return `${place}, where the kernel's cores go, can't be read (${problem})`;
	const isByCrasher = destination.is !== 'systemd-coredump';
	return isByCrasher && !(await isWritable(place)) ? `${place} may not be written to by uid ${process.getuid?.()}` : undefined;
}

const names = (folder: string) => readdir(folder).catch(() => []); // not ours to read: no core is found there

/** @returns the signal */
async function crash(kind: Kind, directory: string): Promise<string> {
	const { how, stderr } = await runProgram('/bin/sh', ['-c', 'ulimit -S -c "$(ulimit -H -c)"; exec "$0" "$1"', crasher, kind], {
		directory,
		timeoutMs: patienceMs,
		maxOutputBytes: 65_536,
	});
	if (how.is === 'killed') return how.by;
	throw new UserError(`milvus_crasher did not crash: ${how.is} ${stderr}`);
}

/** A core of the crash program that is whole. */
async function isOurs(path: string): Promise<boolean> {
	try {
		const { process, complete } = await readHead(path);
		return process?.name === basename(crasher) && complete !== 'truncated';
	} catch {
		return false; // not a core, not yet whole, or not ours to read
	}
}

/** Where the kernel can't, gdb writes the core at the moment of the crash. */
async function byGdb(kind: Kind, folder: string): Promise<string> {
	process.stdout.write('so gdb writes the core at the crash\n');
	using progress = createProgress();
	progress.step('writing');
	const name = `core.milvus_crasher.${process.pid}`;
	const part = join(folder, `.${name}`);
	const commands = ['set debuginfod enabled off', 'run', `generate-core-file ${part}`, 'kill'].flatMap((command) => ['-ex', command]);
	const { how, stdout, stderr } = await runProgram('gdb', ['-nx', '-batch', ...commands, '--args', crasher, kind], {
		directory: '/',
		timeoutMs: 60_000,
		maxOutputBytes: 1 << 20,
	});
	if (how.is === 'not found') throw new UserError('gdb is not installed: run scripts/setup.sh');
	if (!(await isThere(part))) {
		const why = `${stdout}\n${stderr}`.trim().split('\n').at(-1);
		throw new UserError(
			`gdb wrote no core into ${folder}: ${why}; set collector.coredumpPath to a directory that you may write to, or allow ptrace`,
		);
	}
	await rename(part, join(folder, name));
	return join(folder, name);
}
