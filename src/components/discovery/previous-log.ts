import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { endOfFile } from '../../base/file-ends.ts';
import { makeFolder } from '../../base/folder.ts';
import { openRegular } from '../../base/regular-file.ts';
import { several } from '../../base/several.ts';
import type { Pod } from '../../domain/pod.ts';
import type { Log } from '../../domain/report.ts';

/** A process says how it died at the end, and Go then prints every goroutine. */
export const tailBytes = 4 << 20;
/** The logs of so many bytes are kept, the oldest go. */
const keptBytes = 256 << 20;

/** Which run of which container. */
export type Run = { readonly container: string /** How many runs there were before it. */; readonly number: number };

/** What the kubelet moves a file to that has become too long, `3.log.20261123-062558`; all but the newest of these it packs, as `….gz`. */
const rotatedName = /^\d{8}-\d{6}$/;

/**
 * What a run of a container wrote last, where the kubelet keeps it. Lines are as the runtime wrote them.
 *
 * @returns undefined where it is not there, or not for us
 * @throws {NotRegularError}, or an error of the system, where it can't be read
 */
export async function logOnNode(podLogsPath: string, pod: Pick<Pod, 'namespace' | 'name' | 'uid'>, run: Run): Promise<Buffer | undefined> {
	const folder = join(podLogsPath, `${pod.namespace}_${pod.name}_${pod.uid}`, run.container);
	try {
		const names = await readdir(folder);
		const own = `${run.number}.log`;
		const rotated = names.filter((name) => name.startsWith(`${own}.`) && rotatedName.test(name.slice(own.length + 1))).sort();
		const there = [...rotated, ...names.filter((name) => name === own)];
		if (there.length === 0) return undefined;
		const parts: Buffer[] = [];
		let left = tailBytes;
		for (const name of there.reverse()) {
			if (left <= 0) break;
			const part = await tailOf(join(folder, name), left);
			parts.unshift(part);
			left -= part.length;
		}
		return Buffer.concat(parts);
	} catch (error) {
		if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error) ?? '')) return undefined;
		throw error;
	}
}

async function tailOf(path: string, most: number): Promise<Buffer> {
	await using file = await openRegular(path);
	return (await endOfFile(file, most)).end;
}

/**
 * Keeps what a run wrote, for the analysis and for who reads the report; the runtime throws it away with the container.
 *
 * @throws an error of the system: then nothing is kept of it
 */
export async function keepLog(folder: string, key: string, content: Buffer): Promise<Log> {
	await makeFolder(folder);
	const path = join(folder, `${key}.log`);
	try {
		await writeFile(path, content, { mode: 0o600 });
	} catch (error) {
		await unlink(path).catch(() => {}); // half a log would look like a whole one; the first error tells why
		throw error;
	}
	await removeOldest(folder, `${key}.log`);
	return { path, sizeBytes: content.length };
}

async function removeOldest(folder: string, newest: string): Promise<void> {
	const names = (await readdir(folder)).filter((name) => name.endsWith('.log') && name !== newest);
	const files = await several(names, 4, async (name) => {
		const path = join(folder, name);
		const found = await ifThere(stat(path));
		return found ? [{ path, sizeBytes: found.size, writtenAt: found.mtimeMs }] : [];
	});
	let total = 0;
	for (const { path, sizeBytes } of files.flat().sort((a, b) => b.writtenAt - a.writtenAt)) {
		total += sizeBytes;
		if (total > keptBytes) await ifThere(unlink(path));
	}
}

/** Several ends may be told of at a time, and whoever is first removes it. */
async function ifThere<T>(step: Promise<T>): Promise<T | undefined> {
	try {
		return await step;
	} catch (error) {
		if (codeOf(error) === 'ENOENT') return undefined;
		throw error;
	}
}
