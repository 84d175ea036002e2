import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';

/** What is in the way of reading a journal. */
export type Obstacle = {
	readonly reason: 'no directory' | 'no journal files' | 'no permission';
	/** In one line, with what to do. */
	readonly message: string;
};

/** @param directory the folder above that of the machine. @returns undefined where there is something to read */
export async function obstacleAt(directory: string): Promise<Obstacle | undefined> {
	const files: string[] = [];
	try {
		for (const entry of await readdir(directory, { withFileTypes: true })) {
			if (isJournal(entry.name)) files.push(join(directory, entry.name));
			// A machine's id, or one with the name of a namespace behind it.
			if (!entry.isFile() && /^[0-9a-f]{32}(?:\.|$)/.test(entry.name)) files.push(...(await journalsIn(join(directory, entry.name))));
		}
	} catch (error) {
		return obstacleOf(codeOf(error), directory);
	}
	if (files.length === 0)
		return {
			reason: 'no journal files',
			message: `there is no journal in ${directory}: with Storage=volatile (journald.conf) it is in /run/log/journal`,
		};
	const readable = await Promise.all(files.map(isReadable));
	return readable.includes(true) ? undefined : obstacleOf('EACCES', directory);
}

const isJournal = (name: string) => name.endsWith('.journal') || name.endsWith('.journal~');

async function journalsIn(folder: string): Promise<string[]> {
	try {
		return (await readdir(folder)).filter(isJournal).map((name) => join(folder, name));
	} catch (error) {
		if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ENOENT') return []; // no folder, or gone since
		throw error;
	}
}

const isReadable = (file: string) =>
	access(file, constants.R_OK).then(
		() => true,
		() => false, // journalctl leaves it out too
	);

function obstacleOf(code: string | undefined, directory: string): Obstacle {
	if (code === 'EACCES' || code === 'EPERM')
		return {
			reason: 'no permission',
			message: `the journal in ${directory} can not be read by uid ${process.getuid?.()}: run this as root or in the group systemd-journal`,
		};
	return {
		reason: 'no directory',
		message: `${directory} ${code === 'ENOTDIR' ? 'is no directory' : `can not be read (${code})`}: it must be the folder above that of the machine id`,
	};
}
