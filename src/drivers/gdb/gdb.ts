import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { z } from 'zod';
import { systemPath } from '../../base/filename.ts';
import { makeFolder } from '../../base/folder.ts';
import type { Hex } from '../../base/hex.ts';
import { type Ended, interact, run } from '../process/process.ts';

/** A file that is known to be the one that was mapped. */
export type LoadedModule = {
	/** Where it was mapped from, as the core says. */
	readonly path: string;
	/** Where it is now. */
	readonly file: string;
	/** What is added to the addresses in the file. */
	readonly bias: Hex;
	/** Its debug information, where that is in a file which gdb would not find: by its name below a folder of such. */
	readonly debugFile?: { readonly name: `.build-id/${string}`; readonly file: string } | undefined;
};

export type StackRequest = {
	/** Not compressed. */
	readonly core: string;
	/** Of the core: `x86-64`, `aarch64`. */
	readonly architecture: string;
	readonly modules: readonly LoadedModule[];
	/** An empty folder for this run alone; the caller removes it. */
	readonly directory: string;
};

export type StackOptions = {
	readonly program?: string | undefined;
	readonly timeoutMs: number;
	readonly signal?: AbortSignal | undefined;
};

/** No stack, for a reason in words: gdb is not installed, hung, died, or wrote rubbish. */
export class GdbError extends Error {
	override readonly name = 'GdbError';
}

const hexNumber = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{1,16}$/)]);
const answer = z.object({
	threads: z.array(
		z.object({
			id: z.int(),
			frames: z.array(
				z.object({
					pc: hexNumber,
					function: z.string().exactOptional(),
					file: z.string().exactOptional(),
					line: z.int().exactOptional(),
					inlined: z.literal(true).exactOptional(),
					arguments: z.string().max(500).exactOptional(),
					isTailCall: z.literal(true).exactOptional().describe('no longer on the stack: it ended by the call'),
				}),
			),
			omittedFrames: z.int(),
			faults: z
				.array(z.object({ signal: z.int(), code: z.int(), address: hexNumber, pc: hexNumber, stackPointer: hexNumber }))
				.describe('what the handlers of its signals interrupted, the first in time last'),
			ended: z.string().nullable(),
		}),
	),
	abortMessage: z.string().nullable(),
	exception: z.object({ type: z.string().describe('mangled'), message: z.string().nullable() }).nullable(),
	debugFiles: z.array(z.string()).describe('build-ids of modules whose debug information is in a file of its own'),
	problems: z.array(z.string()),
});

/** What gdb found: the crashed thread first. */
export type Stacks = z.infer<typeof answer>;

const limits = { dataBytes: 512 << 20, maxThreads: 2000, maxFrames: 200, maxOutputBytes: 64 << 20 } as const;

/**
 * All stacks of a core, by gdb in a sandbox: without init files, auto-load, debuginfod and environment, at low priority,
 * with limits on time, memory and output. It is given only files that belong to the core, each at its address, so that it never
 * guesses by name: gdb itself takes a library of another build without a word.
 *
 * @throws {GdbError}
 */
export async function gdbStacks(request: StackRequest, { program, timeoutMs, signal }: StackOptions): Promise<Stacks> {
	await prepare(request);
	await prepareScript(request, timeoutMs);
	const ended = await run(program ?? gdbFor(request.architecture), [...quiet, '-batch', '-x', 'stack.py'], {
		environment: { LC_ALL: 'C.UTF-8', HOME: request.directory },
		directory: request.directory,
		descriptors: ['pipe'],
		timeoutMs,
		maxOutputBytes: limits.maxOutputBytes,
		limits: { dataBytes: limits.dataBytes, cpuSeconds: timeoutMs / 1000 },
		isLowPriority: true,
		signal,
	});
	const stacks = parsed(ended, request.architecture, timeoutMs);
	return { ...stacks, problems: [...foreign(request.architecture), ...stacks.problems, ...warnings(ended.stderr)] };
}

/** This machine's processor, by the names that cores have. */
const machine = { x64: 'x86-64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;

/** Debian's gdb reads cores of its own machine only. */
const gdbFor = (architecture: string) => (architecture === machine ? 'gdb' : 'gdb-multiarch');

const notInstalled = (architecture: string) =>
	architecture === machine
		? 'gdb is not installed'
		: `the core is of ${architecture}, this machine of ${machine}, and gdb-multiarch is not installed; as root: apt-get install gdb-multiarch`;

const foreign = (architecture: string) =>
	architecture === machine ? [] : [`the core is of ${architecture}, this machine of ${machine}: the stacks are by gdb-multiarch`];

const quiet = [
	'-nx',
	'-nh',
	'-q',
	...[
		'auto-load off',
		'debuginfod enabled off',
		'index-cache enabled off',
		'sysroot root',
		'libthread-db-search-path .',
		'auto-solib-add off',
		'confirm off',
	].flatMap((setting) => ['-iex', `set ${setting}`]),
];

/** The files of debug information that gdb would not find; it looks into this folder first. */
const debugFolder = 'debug';

/** Links in the folder stand for the true paths, which may hold any byte: gdb's commands need no quoting then. */
async function prepare({ core, modules, directory }: StackRequest): Promise<void> {
	await mkdir(join(directory, 'modules'));
	await mkdir(join(directory, 'root'));
	await symlink(systemPath(core), join(directory, 'core'));
	for (const [index, { path, file, debugFile }] of modules.entries()) {
		await symlink(systemPath(file), join(directory, 'modules', String(index)));
		if (debugFile) await linkBelow(join(directory, debugFolder), debugFile.name, debugFile.file);
		if (path === normalize(path) && path.startsWith('/')) await linkBelow(join(directory, 'root'), path, file);
	}
}

async function prepareScript({ modules, directory }: StackRequest, timeoutMs: number): Promise<void> {
	const { maxThreads, maxFrames } = limits;
	await copyFile(join(import.meta.dirname, 'stack.py'), join(directory, 'stack.py'));
	await writeFile(
		join(directory, 'request.json'),
		JSON.stringify({
			core: 'core',
			modules: modules.map(({ bias }, index) => ({ file: `modules/${index}`, bias })),
			debugFolder,
			maxThreads,
			maxFrames,
			seconds: (timeoutMs / 1000) * 0.8,
		}),
	);
}

/** Where gdb looks for the code that the core leaves out. Without it a stack may be shorter; so a forged path that can't be made is no more than that. */
async function linkBelow(root: string, path: string, file: string): Promise<void> {
	const link = join(root, path);
	try {
		await makeFolder(dirname(link));
		await symlink(systemPath(file), systemPath(link));
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && ['ENOTDIR', 'EEXIST', 'ENAMETOOLONG'].includes(String(error.code)))) throw error;
	}
}

function parsed({ how, stderr, others }: Ended, architecture: string, timeoutMs: number): Stacks {
	switch (how.is) {
		case 'not found':
			throw new GdbError(notInstalled(architecture));
		case 'timed out':
			throw new GdbError(`gdb did not finish within ${timeoutMs / 1000} s`);
		case 'wrote too much':
			throw new GdbError(`gdb wrote more than ${limits.maxOutputBytes >> 20} MiB`);
		case 'killed':
			throw new GdbError(`gdb was ended by ${how.by}${complaint(stderr)}`);
		case 'exited':
			break;
		default:
			how satisfies never;
	}
	const result = answer.safeParse(json(others[0] ?? ''));
	if (!result.success) throw new GdbError(`gdb gave no usable answer${complaint(stderr)}`);
	const { threads, problems } = result.data;
	if (threads.length === 0) throw new GdbError(`gdb could not read the core${problems[0] === undefined ? '' : ` (${problems[0]})`}`);
	return result.data;
}

function json(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined; // the schema refuses it
	}
}

/** What gdb complained of, without what is known to mean nothing here. */
function warnings(stderr: string): string[] {
	const lines = stderr.split('\n').filter((line) => line.startsWith('warning: ') && !harmless.test(line));
	return [...new Set(lines)].slice(0, 10).map((line) => `gdb: ${line.slice('warning: '.length)}`);
}

/** Files that were left out on purpose, threads' libraries, a kernel newer than gdb. */
const harmless = /file-backed mapping note|libthread_db|td_ta_new|\.reg-xstate/;

const complaint = (stderr: string) => (stderr.trim() ? `: ${stderr.trim().split('\n').at(-1)}` : '');

/**
 * Opens gdb on the user's terminal, with the core and the files that belong to it.
 *
 * @param natural where gdb may find all files by their names itself, since none of them is of another build
 * @returns gdb's exit code
 * @throws {GdbError} not installed
 */
export async function debug(
	request: StackRequest,
	natural: { readonly executable: string; readonly sysroot: string } | undefined,
	extraArguments: readonly string[],
	signal: AbortSignal,
): Promise<number> {
	await prepare(request);
	const { architecture, directory, modules } = request;
	const open = (args: readonly string[]) => opened(architecture, [...args, ...extraArguments], signal);
	const core = join(directory, 'core');
	const debugFiles = modules.some(({ debugFile }) => debugFile)
		? ['-iex', `set debug-file-directory ${join(directory, debugFolder)}:/usr/lib/debug`]
		: [];
	if (natural) {
		await symlink(systemPath(natural.executable), join(directory, 'executable'));
		await symlink(systemPath(natural.sysroot), join(directory, 'sysroot'));
		const sysroot = natural.sysroot === '/' ? [] : ['-iex', `set sysroot ${join(directory, 'sysroot')}`];
		return open(['-q', ...debugFiles, ...sysroot, join(directory, 'executable'), core]);
	}
	const settings = [`sysroot ${join(directory, 'root')}`, 'auto-solib-add off'].flatMap((setting) => ['-iex', `set ${setting}`]);
	const loads = modules.map(({ bias }, index) => `add-symbol-file ${join(directory, 'modules', String(index))} -o ${bias}`);
	const commands = [`core-file ${core}`, 'set confirm off', ...loads, 'set confirm on', 'frame 0'].flatMap((command) => ['-ex', command]);
	return open(['-q', ...debugFiles, ...settings, ...commands]);
}

async function opened(architecture: string, args: readonly string[], signal: AbortSignal): Promise<number> {
	const exitCode = await interact(gdbFor(architecture), args, signal);
	if (exitCode === undefined) throw new GdbError(notInstalled(architecture));
	return exitCode;
}
