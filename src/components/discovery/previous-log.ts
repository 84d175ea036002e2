import { mkdir, open, readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';
import type { Pod } from '../../domain/pod.ts';
import type { Log } from '../../domain/report.ts';
import { readTraceLog } from '../../readers/tracelog/tracelog.ts';

/** A process says how it died at the end, and Go then prints every goroutine. */
export const tailBytes = 4 << 20;
/** The logs of so many bytes are kept, the oldest go. */
const keptBytes = 256 << 20;
const longestLine = 500;

/** Which run of which container. */
export type Run = { readonly container: string /** How many runs there were before it. */; readonly number: number };

/** What a run of a container wrote last, where the kubelet keeps it; undefined where it is not there. Lines are as the runtime wrote them. */
export async function logOnNode(podLogsPath: string, pod: Pick<Pod, 'namespace' | 'name' | 'uid'>, run: Run): Promise<Buffer | undefined> {
	const folder = join(podLogsPath, `${pod.namespace}_${pod.name}_${pod.uid}`, run.container);
	try {
		const names = await readdir(folder);
		// `3.log`, and before it what was rotated: `3.log.20261123-062558`; older ones are packed.
		const rotated = names.filter((name) => name.startsWith(`${run.number}.log.`) && !name.endsWith('.gz')).sort();
		const parts: Buffer[] = [];
		let left = tailBytes;
		for (const name of [`${run.number}.log`, ...rotated.reverse()]) {
			if (left <= 0) break;
			const part = await tailOf(join(folder, name), left);
			parts.unshift(part);
			left -= part.length;
		}
		return Buffer.concat(parts);
	} catch (error) {
		// Not there, or not for us: the API may have it.
		if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error) ?? '')) return undefined;
		throw error;
	}
}

async function tailOf(path: string, most: number): Promise<Buffer> {
	await using file = await open(path);
	const { size } = await file.stat();
	const start = Math.max(0, size - most);
	const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
	return buffer.subarray(0, bytesRead);
}

/** Keeps what a run wrote, for the analysis and for who reads the report; the runtime throws it away with the container. */
export async function keepLog(folder: string, key: string, content: Buffer): Promise<Log> {
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const path = join(folder, `${key}.log`);
	await writeFile(path, content, { mode: 0o600 });
	await removeOldest(folder, `${key}.log`);
	return { path, sizeBytes: content.length };
}

async function removeOldest(folder: string, newest: string): Promise<void> {
	const names = (await readdir(folder)).filter((name) => name.endsWith('.log') && name !== newest);
	const files = await Promise.all(names.map(async (name) => ({ path: join(folder, name), ...sizeAndAge(await stat(join(folder, name))) })));
	let total = 0;
	for (const { path, sizeBytes } of files.sort((a, b) => b.writtenAt - a.writtenAt)) {
		total += sizeBytes;
		if (total > keptBytes) await unlink(path);
	}
}

const sizeAndAge = ({ size, mtimeMs }: { size: number; mtimeMs: number }) => ({ sizeBytes: size, writtenAt: mtimeMs });

/** The line that proves a panic or a fatal error, as the process wrote it; undefined where nothing does. */
export function panicLine(text: string): string | undefined {
	const { statements } = readTraceLog(text);
	const proof = statements.find(({ is }) => is !== 'exit' && is !== 'signal');
	if (!proof) return undefined;
	const line = text.split('\n', proof.at).at(-1) ?? '';
	return printable(line.replace(/^\S+ (?:stdout|stderr) [FP] /, '')).slice(0, longestLine);
}
