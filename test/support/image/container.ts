import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CliResult } from '../cli.ts';
import { exec, temporaryFolder } from '../crash.ts';
import type { Image } from './image.ts';

export type Unpacked = AsyncDisposable & {
	/** Where its `/` is. */
	readonly root: string;
	/** Runs a program of it as a pod of ours would: with a root that can't be written to, without capabilities, and without a network. */
	start(command: readonly string[], options?: RunOptions): Running;
	run(command: readonly string[], options?: RunOptions): Promise<CliResult>;
};

export type RunOptions = {
	readonly uid?: number;
	/** From path in the container to folder on this machine, writable; /tmp is there always. */
	readonly mounts?: Readonly<Record<string, string>>;
	readonly environment?: Readonly<Record<string, string>>;
};

export type Running = {
	/** On this machine. */
	pid(): number;
	stop(): Promise<unknown>;
	readonly ended: Promise<CliResult>;
};

/** Unpacks an image, to look at it and to run what is in it by runc. Needs root. */
export async function unpack({ archive }: Image): Promise<Unpacked> {
	const folder = await temporaryFolder();
	const buildah = async (...args: readonly string[]) => {
		const storage = ['--storage-driver', 'overlay', '--root', join(folder.path, 'storage'), '--runroot', join(folder.path, 'run')];
		return (await exec('buildah', [...storage, ...args])).stdout.trim();
	};
	const container = await buildah('from', `docker-archive:${archive}`);
	const root = await buildah('mount', container);
	const runc = ['--root', join(folder.path, 'runc')];
	const started: string[] = [];
	const start = (command: readonly string[], options: RunOptions = {}): Running => {
		const id = `${basename(folder.path)}-${started.length}`;
		started.push(id);
		const bundle = join(folder.path, id);
		mkdirSync(bundle);
		writeFileSync(join(bundle, 'config.json'), JSON.stringify(specification(root, command, options)));
		return {
			pid: () => Number(readFileSync(join(bundle, 'pid'), 'utf8')),
			stop: () => exec('runc', [...runc, 'kill', id, 'TERM']),
			ended: new Promise((resolve) => {
				const args = [...runc, 'run', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id];
				execFile('runc', args, { maxBuffer: 1 << 26, timeout: 60_000 }, (error, stdout, stderr) =>
					resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
				);
			}),
		};
	};
	return {
		root,
		start,
		run: (command, options) => start(command, options).ended,
		async [Symbol.asyncDispose]() {
			for (const id of started) await exec('runc', [...runc, 'delete', '--force', id]); // one that a test gave up would outlive it
			await buildah('rm', container);
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** https://github.com/opencontainers/runtime-spec/blob/main/config.md */
function specification(root: string, args: readonly string[], { uid = 0, mounts = {}, environment = {} }: RunOptions) {
	const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...environment };
	return {
		ociVersion: '1.0.2',
		process: {
			user: { uid, gid: uid },
			args,
			env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
			cwd: '/',
			noNewPrivileges: true,
			capabilities: {},
		},
		root: { path: root, readonly: true },
		mounts: [
			{ destination: '/proc', type: 'proc', source: 'proc' },
			{ destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
			{ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
			...Object.entries(mounts).map(([destination, source]) => ({ destination, type: 'bind', source, options: ['rbind', 'rw'] })),
		],
		linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })) },
	};
}
