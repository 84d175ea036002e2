import { opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isSystemError } from '../../base/errors.ts';
import { processStart } from '../../base/process-start.ts';

/**
 * Where files are until they are whole: `.unfinished/NODE/PID.START.part`, by the process that writes it and when that began. They lie together, so that
 * they are found without looking through the whole store, which is shared.
 */
const folder = '.unfinished';
/** What nobody has written to for so long is nobody's, in ms; the clocks of nodes and server do not differ as much. */
const abandonedAfterMs = 24 * 3600_000;

/** Of this process, which writes one file only. */
export const ownPart = (node: string) => join(folder, encodeURIComponent(node), `${process.pid}.${startOfSelf}.part`);

/** Removes those of processes of this node that are gone, and of other nodes those that are old. */
export async function sweepParts(node: string): Promise<void> {
	try {
		for await (const owner of opened(folder)) {
			const isOwn = owner.name === encodeURIComponent(node);
			for await (const { name } of opened(join(folder, owner.name))) {
				const path = join(folder, owner.name, name);
				if (isOwn ? await isLeft(name) : await isOld(path)) await rm(path, { force: true });
			}
		}
	} catch (error) {
		if (!isSystemError(error)) throw error; // what stands in the way of storing, health tells
	}
}

async function* opened(path: string) {
	const entries = await opendir(path).catch((error) => {
		if (codeOf(error) === 'ENOENT') return [];
		throw error;
	});
	yield* entries;
}

async function isLeft(name: string): Promise<boolean> {
	const [, pid, start] = /^(\d+)\.(\d+)\.part$/.exec(name) ?? [];
	return pid !== undefined && start !== (await processStart(Number(pid)));
}

const isOld = async (path: string) =>
	Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY) > abandonedAfterMs;

const startOfSelf = await processStart(process.pid);
