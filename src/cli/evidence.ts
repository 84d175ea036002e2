import { resolve } from 'node:path';
import { endOfFile, startOfFile } from '../base/file-ends.ts';
import { printable } from '../base/printable.ts';
import { NotRegularError, openRegular } from '../base/regular-file.ts';
import { examine } from '../components/collector/collector.ts';
import type { Event } from '../domain/events.ts';
import { crashId, fileId } from '../domain/identity.ts';
import type { Log } from '../domain/report.ts';
import { CorefileError } from '../readers/corefile/corefile.ts';
import { lastTimeIn, looksLikeText } from '../readers/tracelog/tracelog.ts';
import { fileProblem, UserError } from './errors.ts';

/** How much of a file tells a log from a core. */
const headBytes = 64 * 1024;
/** A process dies when it writes its last lines. */
const tailBytes = 256 * 1024;

/**
 * What a user has of a crash: a core, what the process wrote, or both.
 *
 * @param path a core of any origin, or a log
 * @param logPath a log that belongs to the core
 * @throws {UserError} neither, or not readable
 */
export async function evidenceOf(path: string, logPath: string | undefined): Promise<Event<'CoredumpFile'>> {
	const log = logPath === undefined ? null : await logAt(resolve(logPath));
	try {
		const { event } = await examine(path, { now: Date.now() });
		return { ...event, body: { ...event.body, log } };
	} catch (error) {
		if (!(error instanceof CorefileError) || !(await isText(path))) throw fileProblem(path, error) ?? error;
		if (log) throw new UserError(`${printable(path)} is a log, as ${printable(logPath ?? '')} is; give a core and a log, or one of them`);
		return logOnly(path);
	}
}

async function logAt(path: string): Promise<Log> {
	try {
		if (!(await isText(path))) throw new UserError(`${printable(path)} is not a text; --log wants what the process wrote`);
		await using file = await openRegular(path);
		return { path, sizeBytes: (await file.stat()).size };
	} catch (error) {
		throw fileProblem(path, error) ?? error;
	}
}

async function isText(path: string): Promise<boolean> {
	const file = await openRegular(path).catch((error) => {
		if (error instanceof NotRegularError) return undefined;
		throw error;
	});
	if (!file) return false;
	await using _closed = file;
	return looksLikeText(await startOfFile(file, headBytes));
}

async function logOnly(path: string): Promise<Event<'CoredumpFile'>> {
	await using file = await openRegular(path);
	const stat = await file.stat({ bigint: true });
	const { end, sizeBytes } = await endOfFile(file, tailBytes);
	const time = lastTimeIn(end.toString('utf8'));
	return {
		kind: 'CoredumpFile',
		key: crashId({ by: 'file', fileId: fileId(stat) }),
		body: {
			core: null,
			log: { path, sizeBytes },
			time: new Date(time !== undefined && time < Date.now() ? time : Number(stat.mtimeMs)).toISOString(),
			foundAt: new Date().toISOString(),
		},
	};
}
