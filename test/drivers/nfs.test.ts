import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { BackendRefused, BackendUnavailable, type Content } from '../../src/domain/backend.ts';
import { nfsBackend } from '../../src/drivers/nfs/nfs.ts';
import { backendContract, bytesOf, type Place, signal } from '../contract/backend.ts';
import { root, temporaryFolder } from '../support/crash.ts';
import { asNfs, type FaultyFs, faultyFs } from '../support/faulty-fs.ts';
import { describeUnless } from '../support/needed.ts';
import { until } from '../support/until.ts';

/** Not NFS, but what fails as NFS does; it passes as NFS by `asNfs`. */
const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;
const missing = canMount ? null : 'it takes root and /dev/fuse';
const describeMount = (name: string, tests: () => void): void => describeUnless(name, missing, {}, tests);

beforeAll(async () => {
	if (canMount) Object.assign(process.env, await asNfs());
});

const noFloor = { is: 'bytes', bytes: 0 } as const;
const backendOn = ({ path }: Pick<FaultyFs, 'path'>, more: { readonly patienceMs?: number; readonly node?: string } = {}) =>
	nfsBackend({ path, floor: noFloor, node: 'node-1', ...more });
const filesIn = (folder: string) =>
	readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
		.sort();
const stored = (folder: string) => filesIn(folder).filter((name) => !name.startsWith('.'));

async function place(): Promise<Place> {
	const mount = await faultyFs();
	return {
		backend: backendOn(mount),
		names: async () => filesIn(mount.files),
		read: async (location) => readFileSync(location),
		[Symbol.asyncDispose]: () => mount[Symbol.asyncDispose](),
	};
}

describeMount('a directory on a mount is a backend', () => backendContract(place));

test('a directory that is not on NFS is refused, and nothing is written to the disk below', async () => {
	await using folder = await temporaryFolder();
	const there = join(folder.path, 'there');
	mkdirSync(there);
	for (const [path, finding] of [
		[there, 'is not an NFS mount'],
		[join(folder.path, 'missing'), 'is not a directory'],
	] as const) {
		const backend = backendOn({ path });
		for (const attempt of [
			() => backend.health(signal),
			() => backend.put('a/b', bytesOf(Buffer.from('x')), signal),
			() => Array.fromAsync(backend.list('', signal)),
			() => backend.remove(['a/b'], signal),
		]) {
			const refused = await attempt().catch((error) => error);
			expect(refused).toBeInstanceOf(BackendRefused);
			expect(refused.message).toBe(`${path} ${finding}: mount the share there (storage.nfs.path)`);
		}
		expect(await backend.start(signal)).toBe(undefined);
	}
	expect(readdirSync(folder.path, { recursive: true })).toEqual(['there']);
});

/** errno(3), and what of the message tells it. */
const errors = { EIO: 5, ENOSPC: 28, EROFS: 30, ESTALE: 116, EDQUOT: 122, EACCES: 13, ENOENT: 2 } as const;
const content = Buffer.alloc(1_000_000, 'core ');

describeMount('when the server is in trouble', () => {
	test.each([
		['statfs', 'EIO'],
		['statfs', 'ESTALE'],
		['mkdir', 'EACCES'],
		['open', 'EROFS'],
		['write', 'EIO'],
		['write', 'ENOSPC'],
		['fsync', 'EIO'],
		['fsync', 'ENOSPC'],
		['fsync-forgets', 'EIO'],
		['close', 'EDQUOT'],
		['close', 'EIO'],
		['read', 'EIO'],
		['rename', 'ESTALE'],
		['rename', 'ENOENT'],
	] as const)('%s answers %s once: nothing is under the name, and the next time it is written anew', async (call, code) => {
		await using mount = await faultyFs();
		const backend = backendOn(mount);
		let opened = 0;
		const counted: Content = {
			async *open() {
				opened++;
				yield content;
			},
		};
		// The kernel tries a stale handle once more by itself.
		mount.fails(`${code === 'ESTALE' ? 'always' : 'once'} ${call} ${errors[code]}`);
		const failed = await backend.put('a/core', counted, signal).catch((error) => error);
		expect(failed).toBeInstanceOf(BackendUnavailable);
		expect(failed.message).toMatch(
			code === 'ESTALE' && call === 'statfs' ? / is stale: .*unmount and mount again/ : new RegExp(`\\b${code}\\b`),
		);
		expect(filesIn(mount.files)).toEqual([]);
		mount.fails();
		const before = opened;
		const { location } = await backend.put('a/core', counted, signal);
		expect(opened).toBe(before + 1);
		expect(readFileSync(location).equals(content)).toBe(true);
		expect(filesIn(mount.files)).toEqual(['a/core']);
	});

	test('a server that says that all is written and has lost it is found out by reading back', async () => {
		await using mount = await faultyFs();
		mount.fails('once fsync-forgets 0');
		await expect(backendOn(mount).put('a/core', bytesOf(content), signal)).rejects.toThrow('reads back other than it was written');
		expect(filesIn(mount.files)).toEqual([]);
	});

	test.each(['all', 'statfs', 'write', 'fsync', 'rename'])(
		'one that never answers (%s) costs its time only: this process reads files meanwhile, and when it answers again all goes on',
		async (call) => {
			await using mount = await faultyFs();
			const backend = backendOn(mount, { patienceMs: 1_500 });
			const patient = backendOn(mount);
			await patient.put('a/before', bytesOf(content), signal);
			mount.fails(`always ${call} hang`);
			const puts = Array.from({ length: 3 }, (_, index) => backend.put(`a/${index}`, bytesOf(content), signal));
			const failures = Promise.allSettled(puts);
			let longestMs = 0;
			for (let isOver = false; !isOver; ) {
				const start = performance.now();
				await readFile(import.meta.filename);
				longestMs = Math.max(longestMs, performance.now() - start);
				isOver = await Promise.race([failures.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
			}
			expect(longestMs).toBeLessThan(1_000);
			for (const { status, reason } of (await failures) as PromiseRejectedResult[]) {
				expect(status).toBe('rejected');
				expect(reason).toBeInstanceOf(BackendUnavailable);
				expect(reason.message).toMatch(/ has not answered for 1\.5 seconds \(storage\.nfs\.path\): is its NFS server up\?$/);
			}
			expect(stored(mount.files)).toEqual(['a/before']);
			// What can't be killed is not added to for ever.
			await expect(backend.put('a/more', bytesOf(content), signal)).rejects.toThrow(/ (still does not answer|has not answered)/);
			mount.fails();
			await until(
				'it is healthy',
				() => backend.health(signal).then(() => 'yes', String),
				(seen) => seen === 'yes',
			);
			await patient.put('a/core', bytesOf(content), signal);
			// What was on its way to the server may still be done, and is whole then.
			expect(stored(mount.files)).toEqual(expect.arrayContaining(['a/before', 'a/core']));
			for (const name of stored(mount.files)) expect(readFileSync(join(mount.files, name)).equals(content)).toBe(true);
			await until(
				'halves are swept',
				() =>
					backendOn(mount)
						.health(signal)
						.then(() => filesIn(mount.files)),
				(seen) => seen.every((name) => !name.startsWith('.')),
			);
		},
	);

	test('told to stop while it hangs, it stops', async () => {
		await using mount = await faultyFs();
		const backend = backendOn(mount);
		mount.fails('always all hang');
		const stop = new AbortController();
		const attempts = [
			backend.put('a/core', bytesOf(content), stop.signal),
			backend.health(stop.signal),
			Array.fromAsync(backend.list('', stop.signal)),
		];
		const settled = Promise.allSettled(attempts);
		setTimeout(() => stop.abort(new Error('stopped')), 500);
		const start = performance.now();
		for (const outcome of await settled) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'stopped' } });
		expect(performance.now() - start).toBeLessThan(8_000);
	});

	test('unmounted while a file is written, nothing of it is on the disk below', async () => {
		await using mount = await faultyFs();
		let chunks = 0;
		const long: Content = {
			async *open() {
				for (; chunks < 20; chunks++) {
					if (chunks === 5) await mount.unmount();
					yield content;
				}
			},
		};
		const backend = backendOn(mount);
		await backend.put('a/core', long, signal).catch((error) => expect(error).toBeInstanceOf(BackendUnavailable));
		expect(chunks).toBe(20);
		expect(readdirSync(mount.path)).toEqual([]);
		await expect(backend.put('a/next', bytesOf(content), signal)).rejects.toBeInstanceOf(BackendRefused);
		expect(readdirSync(mount.path)).toEqual([]);
	});
});

/** The children of a process. */
const helpersOf = (pid: number) =>
	readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.filter((name) => {
			try {
				return (
					readFileSync(`/proc/${name}/stat`, 'utf8')
						.replace(/^.*\) /s, '')
						.split(' ')[1] === String(pid)
				);
			} catch {
				return false; // it is gone
			}
		})
		.map(Number);

describeMount('killed at any moment', () => {
	test('the agent: its helper ends too, nothing is under the name, and what is left is swept', async () => {
		await using mount = await faultyFs();
		await using folder = await temporaryFolder();
		const script = join(folder.path, 'put.ts');
		writeFileSync(
			script,
			`
			import { nfsBackend } from ${JSON.stringify(join(root, 'src/drivers/nfs/nfs.ts'))};
			const content = { async *open() { yield Buffer.alloc(1_000_000); yield Buffer.alloc(1); console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); } };
			await nfsBackend({ path: process.argv[2], floor: { is: 'bytes', bytes: 0 }, node: 'node-1' }).put('a/core', content, new AbortController().signal);`,
		);
		const agent = spawn(process.execPath, [script, mount.path], { stdio: ['ignore', 'pipe', 'inherit'] });
		await once(agent.stdout, 'data');
		const [helper = 0] = helpersOf(agent.pid ?? 0);
		expect(helper).toBeGreaterThan(0);
		agent.kill('SIGKILL');
		await once(agent, 'exit');
		await until(
			'the helper is gone',
			() => existsSync(`/proc/${helper}`),
			(isThere) => !isThere,
		);
		expect(filesIn(mount.files)).toEqual([expect.stringMatching(/^\.unfinished\/node-1\/\d+\.\d+\.part$/)]);
		await backendOn(mount, { node: 'node-2' }).health(signal);
		expect(filesIn(mount.files)).toHaveLength(1);
		await backendOn(mount).health(signal);
		expect(filesIn(mount.files)).toEqual([]);
	});

	test('the helper: that is an error to try again after', async () => {
		await using mount = await faultyFs();
		const backend = backendOn(mount);
		const killing: Content = {
			async *open() {
				yield content;
				for (const pid of helpersOf(process.pid))
					if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker.ts')) process.kill(pid, 'SIGKILL');
				yield content;
			},
		};
		const failed = await backend.put('a/core', killing, signal).catch((error) => error);
		expect(failed).toBeInstanceOf(BackendUnavailable);
		expect(failed.message).toMatch(/^the process that works on .* was killed: tried again later$/);
		expect(stored(mount.files)).toEqual([]);
		await backend.put('a/core', bytesOf(content), signal);
		await backend.health(signal);
		expect(filesIn(mount.files)).toEqual(['a/core']);
	});
});

describeMount('one share for several nodes', () => {
	test('what another node is writing is left alone, until nobody has written to it for a day', async () => {
		await using mount = await faultyFs();
		const folder = join(mount.files, '.unfinished/node-2');
		mkdirSync(folder, { recursive: true });
		for (const name of ['1.1.part', '2.2.part']) writeFileSync(join(folder, name), 'x');
		const longAgo = new Date(Date.now() - 25 * 3600_000);
		utimesSync(join(folder, '1.1.part'), longAgo, longAgo);
		await backendOn(mount).health(signal);
		expect(filesIn(mount.files)).toEqual(['.unfinished/node-2/2.2.part']);
	});

	test('both write at once, and each sees what both have stored', async () => {
		await using mount = await faultyFs();
		const nodes = ['node-1', 'node-2'].map((node) => backendOn(mount, { node }));
		await Promise.all(nodes.map((node, index) => node.put(`a/${index}`, bytesOf(content), signal)));
		for (const node of nodes)
			expect((await Array.fromAsync(node.list('a/', signal))).map(({ name }) => name).sort()).toEqual(['a/0', 'a/1']);
	});
});
