import { access, constants, statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { storeOf } from '../../agent/agent.ts';
import { codeOf } from '../../base/errors.ts';
import { formatBytes } from '../../base/quantity.ts';
import type { Config } from '../../config/config.ts';
import { BackendRefused, isBackendError } from '../../domain/backend.ts';
import { localBackend } from '../../drivers/local/local.ts';
import { JournalError, readJournal } from '../../journal/journal.ts';
import { isMissing, isThere } from '../files.ts';
import { type Check, error, ok, warning } from './check.ts';

/** Whether the agent can write where it must. */
export const placeChecks = (config: Config): Promise<Check>[] => [scratchCheck(config), storageCheck(config), journalCheck(config)];

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

async function storageCheck(config: Config): Promise<Check> {
	const { storage } = config;
	switch (storage.backend) {
		case 'local':
			return localCheck(storage);
		case 'nfs':
			return remoteCheck(config, 'storage.nfs.path', `the NFS mount ${storage.nfs.path}`, nfsHelp);
		case 's3':
			return remoteCheck(config, 'storage.s3', `s3://${storage.s3.bucket}`, s3Help);
		default:
			return storage.backend satisfies never;
	}
}

async function localCheck({ localPath, minFreeSpace }: Config['storage']): Promise<Check> {
	const subject = 'storage.localPath';
	const todo = 'set storage.localPath to a directory that the agent may write to';
	const free = await freeBytes(localPath);
	if (free === undefined) return error(subject, `${localPath} can not be written to`, todo);
	if (!(await isThere(localPath))) return ok(subject, `${localPath} is not there yet: the agent makes it; ${formatBytes(free)} free`);
	try {
		await localBackend(localPath, minFreeSpace).health(new AbortController().signal);
		return ok(subject, `${localPath}, ${formatBytes(free)} free`);
	} catch (cause) {
		if (!isBackendError(cause)) throw cause;
		return error(subject, cause.message, todo);
	}
}

/** Of a store that others have for us. */
/** @param help what to do when it is refused, and when there is no answer */
async function remoteCheck(
	config: Config,
	subject: string,
	place: string,
	help: { readonly refused: string; readonly away: string },
): Promise<Check> {
	try {
		await storeOf(config, hostname(), { storeGrew() {} }).health(new AbortController().signal);
		return ok(subject, `${place} answers`);
	} catch (cause) {
		if (!isBackendError(cause)) throw cause;
		return error(subject, cause.message, cause instanceof BackendRefused ? help.refused : help.away);
	}
}

const nfsHelp = {
	refused: 'in a pod: as a volume of type nfs, or a hostPath with mountPropagation: HostToContainer',
	away: 'see that the NFS server is up, and lets this user write there',
};
const s3Help = { refused: 'set what it names', away: 'see to the server, and to the way there' };

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
