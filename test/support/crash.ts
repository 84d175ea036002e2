import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'vitest';

export const root = join(import.meta.dirname, '../..');
const programs = join(import.meta.dirname, 'programs');
const buildFolder = join(root, 'build/test');
const lockFile = '/tmp/core_pattern.lock';
/** Those who change the pattern wait here for the crashes under way, and new ones wait for them. */
const gateFile = '/tmp/core_pattern.gate';

export const exec = promisify(execFile);

/** A folder that is gone at the end of the block. */
export async function temporaryFolder(prefix = 'milvus-coredump-agent-test-'): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await mkdtemp(join(tmpdir(), prefix));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const pattern = () => readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
const isRelative = () => !/^[|/]/.test(pattern()) && pattern() !== '';
const isRoot = process.getuid?.() === 0;

/** Whether a test may change kernel.core_pattern. */
export const canSetPattern = isRoot;

/** Whether the kernel can be made to write cores where a test wants them. In CI it must. */
const canCrash = isRelative() || isRoot;

/** A test that crashes a program for real. */
export const crashTest = test.skipIf(!canCrash && process.env.CI !== 'true');

/** A test that mounts a file system, for which it must be root. In CI it is. */
export const mountTest = test.skipIf(!isRoot && process.env.CI !== 'true');

/** What a command is put behind so that it has no more rights than its user: root may else read and write everything. */
export const withoutRights: readonly string[] = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : ['env'];

/** Runs TypeScript in a process of its own, without rights. @returns what it prints */
export async function runWithoutRights(script: string, ...args: readonly string[]): Promise<string> {
	const [command = '', ...rest] = [...withoutRights, process.execPath, '--input-type=module-typescript', '-e', script, ...args];
	return (await exec(command, rest)).stdout.trim();
}

/** Builds one of the programs beside this file; once for each source and set of flags. @returns its path */
export async function program(source: string, flags: readonly string[] = ['-g', '-O1']): Promise<string> {
	const path = join(programs, source);
	const key = createHash('sha256').update(readFileSync(path)).update(flags.join('\0')).digest('hex').slice(0, 12);
	const name = basename(source).replace(/\..*/, '');
	const built = join(buildFolder, key, name);
	if (existsSync(built)) return built;
	mkdirSync(join(buildFolder, key), { recursive: true });
	const compiler = source.endsWith('.c') ? 'gcc' : 'g++';
	const part = `${built}.${process.pid}`;
	await exec(compiler, ['-w', '-pthread', ...flags, '-o', part, path]);
	renameSync(part, built);
	return built;
}

export type Crash = AsyncDisposable & {
	/** The folder in which the program ran, and which holds nothing but the core. */
	readonly folder: string;
	readonly core: string;
	readonly signal: string;
	readonly pid: number;
};

export type CrashOptions = {
	readonly environment?: Readonly<Record<string, string>>;
	/** kernel.core_pattern for this crash; needs root. */
	readonly pattern?: string;
	/** In blocks of 1 KiB. */
	readonly coreLimit?: string;
};

/** Runs a program until it crashes, and gives the core that the kernel wrote. */
export async function crash(
	path: string,
	args: readonly string[],
	{ environment = {}, pattern, coreLimit = 'unlimited' }: CrashOptions = {},
): Promise<Crash> {
	const folder = await temporaryFolder();
	const wanted = pattern ?? (isRelative() ? undefined : 'core');
	await using _pattern = wanted === undefined ? undefined : await setCorePattern(wanted);
	// Whoever changes the pattern holds the lock alone; under a pattern of our own we hold it already.
	const lock = wanted === undefined ? ['sh', '-c', 'flock "$0" true && exec flock -s "$@"', gateFile, lockFile] : [];
	// Small stacks make small cores: a thread's stack is as large as the limit.
	const shell = `ulimit -s 512 -c ${coreLimit} && exec "$0" "$@"`;
	// One that does not die would keep the lock from all others.
	const [command = '', ...rest] = [...lock, 'timeout', '--foreground', '-s', 'KILL', '60', 'bash', '-c', shell, path, ...args];
	const child = spawn(command, rest, { cwd: folder.path, env: { PATH: process.env.PATH, ...environment }, stdio: 'ignore' });
	const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
	const names = await readdir(folder.path);
	const [name] = names;
	if (names.length !== 1 || name === undefined)
		throw new Error(`${path} ${args.join(' ')} ended with ${signal ?? code} and left ${names.length} files`);
	// flock answers 128 + signal for what it ran.
	return Object.assign(folder, {
		folder: folder.path,
		core: join(folder.path, name),
		signal: signal ?? signalOf(code),
		pid: child.pid ?? 0,
	});
}

const signalOf = (code: number | null) =>
	({ 132: 'SIGILL', 134: 'SIGABRT', 135: 'SIGBUS', 136: 'SIGFPE', 139: 'SIGSEGV' })[code ?? 0] ?? `exit ${code}`;

/** Changes kernel.core_pattern until the end of the block, or of this process. */
export async function setCorePattern(pattern: string): Promise<AsyncDisposable> {
	const guard = spawn(join(import.meta.dirname, 'core-pattern.sh'), [pattern], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
	await once(guard.stdout, 'data');
	return {
		[Symbol.asyncDispose]: async () => {
			guard.stdin.end();
			await once(guard, 'exit');
		},
	};
}
