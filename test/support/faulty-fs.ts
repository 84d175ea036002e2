import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec, program, temporaryFolder } from './crash.ts';
import { until } from './until.ts';

/** A mount that fails as it is told to. */
export type FaultyFs = AsyncDisposable & {
	/** Where it is mounted. */
	readonly path: string;
	/** Where its files are, as they are looked at beside it. */
	readonly files: string;
	/** What calls are to do, as `programs/faulty-fs.c` says; absent: what they should. */
	fails(fault?: string): void;
	/** Takes the mount away, as seen by those who come now; who is on it stays. */
	unmount(): Promise<void>;
};

/** Mounts a file system in user space (libfuse3, `/dev/fuse`). */
export async function faultyFs(): Promise<FaultyFs> {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	for (const name of ['files', 'mount']) mkdirSync(place(name));
	const path = place('mount');
	const isMounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `);
	const flags = ['-O1', '-D_FILE_OFFSET_BITS=64', '-I/usr/include/fuse3', '-Wl,--no-as-needed', '-lfuse3'];
	const server = spawn(await program('faulty-fs.c', flags), [place('files'), path, place('fault')], { stdio: 'ignore' });
	const ended = once(server, 'exit');
	await until('the mount is there', isMounted, (isSo) => isSo);
	const fails = (fault?: string) =>
		fault === undefined ? rmSync(place('fault'), { force: true }) : writeFileSync(place('fault'), `${fault}\n`);
	const unmount = async () => void (await exec('umount', ['--lazy', path]));
	return {
		path,
		files: place('files'),
		fails,
		unmount,
		[Symbol.asyncDispose]: async () => {
			fails();
			if (isMounted()) await unmount();
			server.kill('SIGKILL'); // whoever still waits for an answer gets an error
			await ended;
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** What lets such a mount pass as NFS, in the environment of a process: a real one needs a kernel with a client for it, and a server. */
export const asNfs = async () => ({ LD_PRELOAD: await program('as-nfs.c', ['-O1', '-shared', '-fPIC', '-ldl']) });
