import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { asNfs, faultyFs } from '../../test/support/faulty-fs.ts';
import { s3Server } from '../../test/support/s3/server.ts';
import type { StoredIn } from './store.ts';

export type Cost = {
	readonly seconds: number;
	readonly cpuSeconds: number;
	/** The agent's own, before it began and in the end, and of the programs that it started. */
	readonly startBytes?: number;
	readonly peakBytes?: number;
	readonly programs?: ReadonlyMap<string, number>;
	/** As it was stored. */
	readonly packedBytes?: number;
};

/** One way to bring a core somewhere. */
export type Way = { readonly name: string; take(core: string): Promise<Cost> };

export type Ways = AsyncDisposable & {
	/** What all others are compared with. */
	readonly first: Way;
	readonly others: readonly Way[];
	/** The one that stores on this machine. */
	readonly local: Way;
	/** What is not there, and why. */
	readonly missing: readonly string[];
};

/** Everything is written below a folder, and removed each time. */
export async function waysIn(folder: string): Promise<Ways> {
	await using ending = new AsyncDisposableStack();
	const place = (name: string) => join(folder, name);
	const server = ending.use(await s3Server());
	const { endpoint = '', accessKey, secretKey, bucket } = server.options;
	const sigv4 = `--aws-sigv4 aws:amz:us-east-1:s3 --user ${accessKey}:${secretKey} -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD'`;
	const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;
	const mount = canMount ? ending.use(await faultyFs()) : undefined;
	const s3 = { backend: 's3', s3: server.options };

	const byAgent = (name: string, storage: object, environment = {}, path = place('store')): Way => ({
		name,
		async take(core) {
			mkdirSync(place('store'), { recursive: true });
			const config = place('config.yaml');
			writeFileSync(config, JSON.stringify({ journal: { path: place('journal.db') }, storage: { minFreeSpace: '1GB', ...storage } }));
			const cost = await storing(config, core, environment);
			for (const entry of readdirSync(path)) rmSync(join(path, entry), { recursive: true });
			return cost;
		},
	});
	const local = byAgent('the agent, to this disk', { localPath: place('store') });
	const disposal = ending.move();
	return {
		first: byShell('`zstd -1 | sha256sum`', 'zstd -q -1 -c "$0" | sha256sum'),
		others: [
			byShell('`zstd -T0 -1 | sha256sum`', 'zstd -q -T0 -1 -c "$0" | sha256sum'),
			byShell('`cp`, `sync`', `cp "$0" ${place('copy')} && sync ${place('copy')} && rm ${place('copy')}`),
			local,
			byShell(
				'`zstd -1`, then `curl` into a bucket',
				`zstd -q -1 -f "$0" -o ${place('packed')} && curl -fsS ${sigv4} -T ${place('packed')} ${endpoint}/${bucket}/packed && rm ${place('packed')}`,
			),
			byAgent('the agent, into a bucket', s3),
			...(mount
				? [
						byShell(
							'`zstd -1` onto a mount, `sync`',
							`zstd -q -1 -f "$0" -o ${mount.path}/p && sync ${mount.path}/p && rm ${mount.path}/p`,
						),
						byAgent('the agent, onto a mount', { backend: 'nfs', nfs: { path: mount.path } }, await asNfs(), mount.files),
					]
				: []),
		],
		local,
		missing: mount ? [] : ['storing on a mount needs root and /dev/fuse'],
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	};
}

/** @param script is given the path of the core as `$0` */
const byShell = (name: string, script: string): Way => ({
	name,
	async take(core) {
		const before = childrenCpuSeconds();
		const from = performance.now();
		const child = spawn('bash', ['-o', 'pipefail', '-c', script, core], { stdio: ['ignore', 'ignore', 'inherit'] });
		const [code] = await once(child, 'exit');
		if (code !== 0) throw new Error(`${name} ended with ${code}`);
		return { seconds: (performance.now() - from) / 1000, cpuSeconds: childrenCpuSeconds() - before };
	},
});

/** proc_pid_stat(5): of those that have ended, in clock ticks of hundredths of a second. */
function childrenCpuSeconds(): number {
	const fields = readFileSync('/proc/self/stat', 'latin1')
		.replace(/^.*\) /, '')
		.split(' ');
	return (Number(fields[13]) + Number(fields[14])) / 100;
}

async function storing(config: string, core: string, environment: Readonly<Record<string, string>>): Promise<Cost> {
	// As bin/milvus-coredump-agent starts it.
	const child = spawn(process.execPath, ['--max-semi-space-size=1', join(import.meta.dirname, 'store.ts'), config, core], {
		env: { PATH: process.env.PATH, ...environment },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let printed = '';
	child.stdout.on('data', (chunk) => {
		printed += chunk;
	});
	const ended = once(child, 'close');
	const programs = await watched(child);
	const [code] = await ended;
	if (code !== 0) throw new Error(`storing ended with ${code}`);
	const { sizeBytes: packedBytes, ...cost } = JSON.parse(printed) as StoredIn;
	return { ...cost, packedBytes, programs };
}

/** The peak of each program that a process starts until it ends. */
async function watched(child: ChildProcess): Promise<ReadonlyMap<string, number>> {
	const peaks = new Map<string, number>();
	while (child.exitCode === null && child.signalCode === null) {
		for (const pid of descendants(String(child.pid))) {
			const status = contentOf(`/proc/${pid}/status`);
			const [, name = ''] = /^Name:\s+(\w*)/.exec(status) ?? []; // Node calls itself node-MainThread
			const bytes = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
			if (!isSettled(bytes)) continue;
			peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
		}
		await delay(50);
	}
	return peaks;
}

/** Less is a process that is not yet the program that it is to be. */
const isSettled = (bytes: number) => bytes > 1e6;

function descendants(pid: string): readonly string[] {
	const children = contentOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
	return [...children, ...children.flatMap(descendants)];
}

function contentOf(path: string): string {
	try {
		return readFileSync(path, 'latin1');
	} catch {
		return ''; // it has ended
	}
}
