import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync } from 'node:fs';
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
/** What a command is put behind whose crashes rely on kernel.core_pattern as it is. */
export const underPattern: readonly string[] = ['sh', '-c', 'flock "$0" true && exec flock -s "$@"', gateFile, lockFile];

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

/**
 * Builds one of the programs beside this file; once for each source and set of flags.
 *
 * @param source a file of C, C++ or Rust, or a folder with a Go package
 * @returns its path
 */
export async function program(source: string, flags?: readonly string[], compiler: Compiler = compilerOf(source)): Promise<string> {
	const path = join(programs, source);
	const args = [...(flags ?? (compiler === 'gcc' || compiler === 'g++' ? ['-g', '-O1'] : []))];
	const key = createHash('sha256').update([compiler, ...args].join('\0'));
	for (const file of source.includes('.') ? [path] : readdirSync(path).map((name) => join(path, name))) key.update(readFileSync(file));
	const folder = join(buildFolder, key.digest('hex').slice(0, 12));
	const built = join(folder, basename(source).replace(/\..*/, ''));
	if (existsSync(built)) return built;
	mkdirSync(folder, { recursive: true });
	const part = `${built}.${process.pid}`;
	await build(compiler, path, part, args);
	renameSync(part, built);
	return built;
}

type Compiler = 'gcc' | 'g++' | 'clang++' | 'rustc' | 'go';

function compilerOf(source: string): Compiler {
	if (source.endsWith('.c')) return 'gcc';
	if (source.endsWith('.cc')) return 'g++';
	return source.endsWith('.rs') ? 'rustc' : 'go';
}

async function build(compiler: Compiler, path: string, to: string, flags: readonly string[]): Promise<void> {
	switch (compiler) {
		case 'gcc':
		case 'g++':
		case 'clang++':
			await exec(compiler, ['-w', '-pthread', ...flags, '-o', to, path]);
			return;
		case 'rustc':
			await exec('rustc', ['--edition', '2021', '-A', 'warnings', '--crate-name', 'program', '-g', ...flags, '-o', to, path]);
			return;
		case 'go':
			await exec('go', ['build', '-buildvcs=false', ...flags, '-o', to, '.'], {
				cwd: path,
				env: { ...process.env, CGO_ENABLED: '1', GOTOOLCHAIN: 'local', GOFLAGS: '' },
			});
			return;
		default:
			compiler satisfies never;
	}
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
	/** A file that takes what the program prints. */
	readonly log?: string;
	/** As process 1 of a pid namespace, as in a container; needs root. */
	readonly isFirst?: boolean;
};

/** Runs a program until it crashes, and gives the core that the kernel wrote. */
export async function crash(
	path: string,
	args: readonly string[],
	{ environment = {}, pattern, coreLimit = 'unlimited', log, isFirst = false }: CrashOptions = {},
): Promise<Crash> {
	const folder = await temporaryFolder();
	const wanted = pattern ?? (isRelative() ? undefined : 'core');
	await using _pattern = wanted === undefined ? undefined : await setCorePattern(wanted);
	// Whoever changes the pattern holds the lock alone; under a pattern of our own we hold it already.
	const lock = wanted === undefined ? underPattern : [];
	// Small stacks make small cores: a thread's stack is as large as the limit.
	const shell = `ulimit -s 512 -c ${coreLimit} && exec "$0" "$@"`;
	// unshare ends by the same signal, and must not leave a core of its own.
	const namespace = isFirst ? ['bash', '-c', 'ulimit -Sc 0 && exec unshare -pf --mount-proc "$0" "$@"'] : [];
	const [command = '', ...rest] = [...lock, ...namespace, 'bash', '-c', shell, path, ...args];
	const output = log === undefined ? 'ignore' : openSync(log, 'a');
	const child = spawn(command, rest, {
		cwd: folder.path,
		env: { PATH: process.env.PATH, ...environment },
		stdio: ['ignore', output, output],
		detached: true,
	});
	// One that does not die would keep the lock from all others.
	const limit = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), 60_000);
	if (output !== 'ignore') closeSync(output);
	const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
	clearTimeout(limit);
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

/** Keeps kernel.core_pattern as it is until the end of the block, for what crashes by other ways than `crash`. */
export async function keepCorePattern(): Promise<AsyncDisposable> {
	const [command = '', ...args] = [...underPattern, 'sh', '-c', 'echo kept && cat >/dev/null'];
	return guard(command, args);
}

/** Has the kernel write cores where their processes run until the end of the block. */
export const coresWhereTheyRun = (): Promise<AsyncDisposable> => (isRelative() ? keepCorePattern() : setCorePattern('core'));

/**
 * Changes kernel.core_pattern until the end of the block, or of this process.
 *
 * @param pipeLimit kernel.core_pipe_limit for as long: with 0, which is usual, the kernel does not wait for a handler to look at the process
 */
export async function setCorePattern(pattern: string, pipeLimit?: number): Promise<AsyncDisposable> {
	return guard(join(import.meta.dirname, 'core-pattern.sh'), [pattern, ...(pipeLimit === undefined ? [] : [String(pipeLimit)])]);
}

/** Waits until it says something, and has it end at the end of the block, or with this process. */
async function guard(command: string, args: readonly string[]): Promise<AsyncDisposable> {
	const guard = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
	const [said] = await Promise.race([once(guard.stdout, 'data'), once(guard, 'exit')]);
	if (guard.exitCode !== null) throw new Error(`${command} ended with ${said}`);
	return {
		[Symbol.asyncDispose]: async () => {
			guard.stdin.end();
			await once(guard, 'exit');
		},
	};
}
