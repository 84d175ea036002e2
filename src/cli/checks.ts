import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../base/errors.ts';
import { formatBytes } from '../base/quantity.ts';
import type { Config } from '../config/config.ts';
import { BackendUnavailable } from '../domain/backend.ts';
import { corePattern, coreSizeLimits } from '../drivers/host/host.ts';
import { localBackend } from '../drivers/local/local.ts';
import { run } from '../drivers/process/process.ts';
import { JournalError, readJournal } from '../journal/journal.ts';
import { type Check, error, ok, warning } from './check.ts';
import { isMissing, isThere, unreadable } from './files.ts';
import { patternCheck } from './pattern-check.ts';

export type { Check } from './check.ts';

/** All that the agent needs, in the order in which a core passes it. */
export async function allChecks(config: Config): Promise<Check[]> {
	return [
		await patternCheck(config),
		await limitCheck(),
		await folderCheck(config),
		...(await Promise.all([gdbCheck(config), ...programChecks(config), scratchCheck(config), storageCheck(config), journalCheck(config)])),
	];
}

async function limitCheck(): Promise<Check> {
	const limits = await coreSizeLimits();
	if (limits === undefined) return warning('ulimit -c', '/proc/self/limits can not be read', 'run this on Linux, with /proc mounted');
	if (((await corePattern()) ?? '').startsWith('|')) return ok('ulimit -c', 'does not matter: cores go to a program');
	if (limits.hard === 0)
		return warning(
			'ulimit -c',
			'the hard limit is 0: nothing that is started from here leaves a core',
			'raise it where the service is started: LimitCORE=infinity, or docker run --ulimit core=-1',
		);
	if (limits.soft === 0) return warning('ulimit -c', 'is 0: what is started from here leaves no core', 'ulimit -c unlimited');
	return ok('ulimit -c', limits.soft === Number.POSITIVE_INFINITY ? 'unlimited' : formatBytes(limits.soft));
}

async function folderCheck({ collector: { coredumpPath } }: Config): Promise<Check> {
	const subject = 'collector.coredumpPath';
	const problem = await unreadable(coredumpPath);
	if (problem === undefined) return ok(subject, `${coredumpPath} is there and can be read`);
	if (problem === 'EACCES')
		return error(
			subject,
			`${coredumpPath} can not be read by uid ${process.getuid?.()}`,
			'run the agent as root, or give it the right to read there',
		);
	if (problem === 'ENOTDIR')
		return error(subject, `${coredumpPath} is not a directory`, 'set collector.coredumpPath to the directory of the cores');
	const other = coredumpPath.startsWith('/host/') ? coredumpPath.slice('/host'.length) : `/host${coredumpPath}`;
	const isOther = (await unreadable(other)) === undefined;
	const why = coredumpPath.startsWith('/host/')
		? 'paths below /host exist only in the container of the agent'
		: 'in a container the machine is mounted at /host';
	return error(
		subject,
		`${coredumpPath} is not there${isOther ? `, but ${other} is: ${why}` : ''}`,
		isOther ? `set collector.coredumpPath to ${other}` : 'make it, or set collector.coredumpPath to the directory of the cores',
	);
}

async function gdbCheck({ analyzer }: Config): Promise<Check> {
	if (!analyzer.enableGdbAnalysis)
		return warning('gdb', 'is switched off: reports have no stacks', 'set analyzer.enableGdbAnalysis to true');
	const { how, stdout } = await tried('gdb', ['-nx', '-batch', '-ex', 'python print("python " + gdb.VERSION)']);
	if (how.is === 'not found') return error('gdb', 'is not installed: reports have no stacks', 'as root: apt-get install gdb');
	const version = /^python (.*)$/m.exec(stdout)?.[1];
	return version === undefined
		? error('gdb', 'has no Python: reports have no stacks', 'install a gdb that is built with Python')
		: ok('gdb', version);
}

function programChecks({ storage }: Config): Promise<Check>[] {
	const packer = storage.compressionEnabled ? storage.compression : undefined;
	return [
		...(packer === undefined ? [] : [programCheck(packer, `cores can not be stored (storage.compression: ${packer})`)]),
		programCheck('lz4', '.lz4 cores can not be read', 'lz4', warning),
		programCheck('xz', '.xz cores can not be read', 'xz-utils', warning),
		programCheck('getfattr', "the host names in systemd-coredump's files are not read", 'attr'),
		programCheck('c++filt', 'names of C++ and Rust functions in logs stay as the compilers wrote them', 'binutils'),
	];
}

/** @param tell how bad it is that it is missing */
async function programCheck(program: string, loss: string, packageName = program, tell = error): Promise<Check> {
	const { how, stdout } = await tried(program, ['--version']);
	if (how.is === 'not found') return tell(program, `is not installed: ${loss}`, `as root: apt-get install ${packageName}`);
	return ok(program, stdout.split('\n')[0]?.trim() ?? '');
}

const tried = (program: string, args: readonly string[]) => run(program, args, { timeoutMs: 20_000, maxOutputBytes: 1 << 20 });

async function scratchCheck({ analyzer: { scratchPath, scratchSize } }: Config): Promise<Check> {
	const free = await freeBytes(scratchPath);
	if (free === undefined)
		return error(
			'analyzer.scratchPath',
			`${scratchPath} can not be made`,
			'set analyzer.scratchPath to a directory with room for an unpacked core',
		);
	const text = `${formatBytes(free)} free for unpacked cores in ${scratchPath}`;
	if (free < Math.min(scratchSize, 2e9))
		return warning(
			'analyzer.scratchPath',
			text,
			'set analyzer.scratchPath to a larger disk: compressed cores that do not fit get no stack',
		);
	return ok('analyzer.scratchPath', text);
}

async function storageCheck({ storage: { localPath, minFreeSpace } }: Config): Promise<Check> {
	const subject = 'storage.localPath';
	const todo = 'set storage.localPath to a directory that the agent may write to';
	const free = await freeBytes(localPath);
	if (free === undefined) return error(subject, `${localPath} can not be written to`, todo);
	if (!(await isThere(localPath))) return ok(subject, `${localPath} is not there yet: the agent makes it; ${formatBytes(free)} free`);
	try {
		await localBackend(localPath, minFreeSpace).health();
		return ok(subject, `${localPath}, ${formatBytes(free)} free`);
	} catch (cause) {
		if (!(cause instanceof BackendUnavailable)) throw cause;
		return error(subject, cause.message, todo);
	}
}

async function journalCheck({ journal: { path } }: Config): Promise<Check> {
	if (await isMissing(path)) {
		if ((await freeBytes(dirname(path))) === undefined)
			return error('journal', `${path} can not be made`, 'set journal.path to a place that the agent may write to');
		return ok('journal', `${path} is not there yet: the agent makes it when it starts`);
	}
	try {
		using journal = readJournal(path);
		const rejections = journal.rejections().length;
		const text = `${path}, ${journal.backlog()} waiting`;
		return rejections === 0
			? ok('journal', text)
			: warning('journal', `${text}, ${rejections} given up`, 'milvus-coredump-agent list --rejected');
	} catch (cause) {
		if (!(cause instanceof JournalError)) throw cause;
		return error('journal', cause.message, 'run this as the user of the agent, or set journal.path');
	}
}

/** Free space at a path, or at what of it is there already; undefined where nothing may be written. */
async function freeBytes(path: string): Promise<number | undefined> {
	try {
		const { bavail, bsize } = await statfs(path);
		await access(path, constants.W_OK | constants.X_OK);
		return bavail * bsize;
	} catch (cause) {
		return codeOf(cause) === 'ENOENT' && path !== dirname(path) ? freeBytes(dirname(path)) : undefined;
	}
}
