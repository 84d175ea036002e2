import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../base/quantity.ts';
import type { Config } from '../config/config.ts';
import { BackendUnavailable } from '../domain/backend.ts';
import { corePattern, coreSizeLimits, isListening } from '../drivers/host/host.ts';
import { localBackend } from '../drivers/local/local.ts';
import { run } from '../drivers/process/process.ts';
import { JournalError, readJournal } from '../journal/journal.ts';
import { coreDestination } from '../readers/corepattern/corepattern.ts';

/** One thing that was looked at. */
export type Check = {
	readonly state: 'ok' | 'warning' | 'error';
	readonly subject: string;
	readonly finding: string;
	readonly todo?: string;
};

const ok = (subject: string, finding: string): Check => ({ state: 'ok', subject, finding });
const warning = (subject: string, finding: string, todo: string): Check => ({ state: 'warning', subject, finding, todo });
const error = (subject: string, finding: string, todo: string): Check => ({ state: 'error', subject, finding, todo });

/** All that the agent needs, in the order in which a core passes it. */
export async function allChecks(config: Config): Promise<Check[]> {
	return [
		await patternCheck(config),
		await limitCheck(),
		await folderCheck(config),
		...(await Promise.all([gdbCheck(config), ...programChecks(config), scratchCheck(config), storageCheck(config), journalCheck(config)])),
	];
}

async function patternCheck({ collector: { coredumpPath } }: Config): Promise<Check> {
	const pattern = await corePattern();
	if (pattern === undefined)
		return warning('core_pattern', '/proc/sys/kernel/core_pattern can not be read', 'run this on Linux, with /proc mounted');
	const destination = coreDestination(pattern);
	const looksElsewhere = (path: string) => coredumpPath !== path && coredumpPath !== `/host${path}`;
	switch (destination.is) {
		case 'nowhere':
			return error('core_pattern', 'is empty: no core is written', 'as root: sysctl -w kernel.core_pattern=/var/crash/core.%e.%p.%h.%t');
		case 'working directory':
			return warning(
				'core_pattern',
				`"${pattern}" is relative: each process writes its core into its own working directory; the agent sees only ${coredumpPath}`,
				'as root: mkdir -m 1777 -p /var/crash && sysctl -w kernel.core_pattern=/var/crash/core.%e.%p.%h.%t',
			);
		case 'folder':
			if (looksElsewhere(destination.path))
				return warning(
					'core_pattern',
					`cores go to ${destination.path}; the agent looks in ${coredumpPath}`,
					`set collector.coredumpPath to ${destination.path}`,
				);
			return ok('core_pattern', `"${pattern}": cores go to ${destination.path}`);
		case 'systemd-coredump':
			if (looksElsewhere(destination.path))
				return warning(
					'core_pattern',
					`systemd-coredump keeps cores in ${destination.path}; the agent looks in ${coredumpPath}`,
					`set collector.coredumpPath to ${destination.path}`,
				);
			return socketCheck(destination.path);
		case 'program':
			return warning(
				'core_pattern',
				`cores are handed to ${destination.program}; the agent sees only what that writes into ${coredumpPath}`,
				'set collector.coredumpPath to where it keeps cores',
			);
		default:
			return destination satisfies never;
	}
}

const coredumpSocket = '/run/systemd/coredump';

/** Without its socket systemd-coredump stores nothing, and the shell still says "core dumped". */
async function socketCheck(folder: string): Promise<Check> {
	if (await isListening(coredumpSocket)) return ok('core_pattern', `systemd-coredump keeps cores in ${folder}`);
	return error(
		'core_pattern',
		`systemd-coredump gets the cores, but nobody listens on its socket ${coredumpSocket}: they are lost`,
		'as root: systemctl enable --now systemd-coredump.socket',
	);
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
		isOther ? `set collector.coredumpPath to ${other}` : 'set collector.coredumpPath to the directory of the cores',
	);
}

async function unreadable(path: string): Promise<string | undefined> {
	try {
		if (!(await stat(path)).isDirectory()) return 'ENOTDIR';
		await access(path, constants.R_OK | constants.X_OK);
		return undefined;
	} catch (cause) {
		return cause instanceof Error && 'code' in cause ? String(cause.code) : 'ENOENT';
	}
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
		programCheck('getfattr', "the host names in systemd-coredump's files are not read", 'attr'),
		programCheck('c++filt', 'names of C++ and Rust functions in logs stay as the compilers wrote them', 'binutils'),
	];
}

async function programCheck(program: string, loss: string, packageName = program): Promise<Check> {
	const { how, stdout } = await tried(program, ['--version']);
	if (how.is === 'not found') return error(program, `is not installed: ${loss}`, `as root: apt-get install ${packageName}`);
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
	if (!(await isThere(path))) {
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
		return error('journal', cause.message, 'set journal.path');
	}
}

const isThere = (path: string) =>
	stat(path).then(
		() => true,
		() => false,
	);

/** Free space at a path, or at what of it is there already; undefined where nothing may be written. */
async function freeBytes(path: string): Promise<number | undefined> {
	try {
		const { bavail, bsize } = await statfs(path);
		await access(path, constants.W_OK | constants.X_OK);
		return bavail * bsize;
	} catch (cause) {
		const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
		return isMissing && path !== dirname(path) ? freeBytes(dirname(path)) : undefined;
	}
}
