import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BackendUnavailable } from '../../src/domain/backend.ts';
import { localBackend } from '../../src/drivers/local/local.ts';
import { backendContract, bytesOf, type Place, signal } from '../contract/backend.ts';
import { exec, root, runWithoutRights, temporaryFolder } from '../support/crash.ts';

const noFloor = { is: 'bytes', bytes: 0 } as const;
const files = (folder: string) =>
	readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)))
		.sort();

async function place(): Promise<Place> {
	const folder = await temporaryFolder();
	const path = join(folder.path, 'store');
	return {
		backend: localBackend(path, noFloor),
		names: async () => (existsSync(path) ? files(path) : []),
		read: async (location) => readFileSync(location),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

describe('a local directory is a backend', () => backendContract(place));

test('files and folders are for their owner alone', async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'store');
	const { location } = await localBackend(path, noFloor).put('a/b', bytesOf(Buffer.from('x')), signal);
	expect([location, join(path, 'a'), path].map((one) => statSync(one).mode & 0o777)).toEqual([0o600, 0o700, 0o700]);
});

test('killed in the middle, no part stands under the final name, and the next start sweeps it', async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'store');
	writeFileSync(
		join(folder.path, 'put.ts'),
		`
		import { localBackend } from ${JSON.stringify(join(root, 'src/drivers/local/local.ts'))};
		const content = { async *open() { yield Buffer.alloc(1_000_000); console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); } };
		await localBackend(process.argv[2], { is: 'bytes', bytes: 0 }).put('a/core', content, new AbortController().signal);`,
	);
	const child = spawn(process.execPath, [join(folder.path, 'put.ts'), path], { stdio: ['ignore', 'pipe', 'inherit'] });
	await once(child.stdout, 'data');
	child.kill('SIGKILL');
	await once(child, 'exit');
	expect(files(path)).toEqual([expect.stringMatching(/^a\/\.core\..*\.part$/)]);
	const backend = localBackend(path, noFloor);
	await backend.put('a/other', bytesOf(Buffer.alloc(1234)), signal);
	expect(await backend.start(signal)).toBe(1234);
	expect(files(path)).toEqual(['a/other']);
});

test('a start sweeps only its own parts, and does not fail where a file that is listed can not be looked at', async () => {
	await using folder = await temporaryFolder();
	const own = `.core.${randomUUID()}.part`;
	for (const name of [own, '.notes.part', '.part', '.core.part', 'core']) writeFileSync(join(folder.path, name), 'x');
	const closed = join(folder.path, 'closed');
	mkdirSync(closed);
	writeFileSync(join(closed, 'listed'), 'xyz');
	chmodSync(closed, 0o400);
	const script = `
		import { localBackend } from ${JSON.stringify(join(root, 'src/drivers/local/local.ts'))};
		console.log(await localBackend(process.argv[1], { is: 'bytes', bytes: 0 }).start(new AbortController().signal));`;
	expect(await runWithoutRights(script, folder.path)).toBe('4');
	expect(files(folder.path)).toEqual(['.core.part', '.notes.part', '.part', 'closed/listed', 'core']);
	chmodSync(closed, 0o700);
});

test('what the store grows by is told for each file, and what it replaces is taken off', async () => {
	await using folder = await temporaryFolder();
	const growth: number[] = [];
	const backend = localBackend(folder.path, noFloor, (bytes) => growth.push(bytes));
	for (const [name, size] of [
		['core', 1000],
		['core', 1000],
		['core', 400],
		['core.json', 10],
	] as const)
		await backend.put(name, bytesOf(Buffer.alloc(size)), signal);
	expect(growth).toEqual([1000, 0, -600, 10]);
	expect(await backend.start(signal)).toBe(410);
});

describe('space on the disk', () => {
	test('below the floor nothing is written, and the message says which and how to change it', async () => {
		await using folder = await temporaryFolder();
		const backend = localBackend(folder.path, { is: 'bytes', bytes: 1e18 });
		const message = /: only [\d.]+ [GTM]B are free, and 1000000\.0 TB must stay free \(storage\.minFreeSpace\)$/;
		await expect(backend.health(new AbortController().signal)).rejects.toThrow(message);
		const put = backend.put('a/b', bytesOf(Buffer.from('x')), signal);
		await expect(put).rejects.toThrow(message);
		await expect(put).rejects.toBeInstanceOf(BackendUnavailable);
		expect(files(folder.path)).toEqual([]);
	});

	/** Runs a script in a mount namespace of its own, with a small file system in the folder. */
	const onSmallDisk = async (folder: string, script: string) => {
		writeFileSync(
			join(folder, 'put.ts'),
			`
			import { localBackend } from ${JSON.stringify(join(root, 'src/drivers/local/local.ts'))};
			import { readdirSync, rmSync, writeFileSync } from 'node:fs';
			const disk = process.argv[2] + '/disk';
			const zeros = (count) => ({ async *open() { for (let index = 0; index < count; index++) yield Buffer.alloc(1_000_000); } });
			const signal = new AbortController().signal;
			const told = (error) => console.log(error.name, error.message.replaceAll(disk, 'DISK'));
			${script}`,
		);
		mkdirSync(join(folder, 'disk'));
		const shell = 'mount -t tmpfs -o size=200m small "$0/disk" && exec "$1" "$0/put.ts" "$0"';
		const { stdout } = await exec('unshare', ['--mount', 'sh', '-c', shell, folder, process.execPath]);
		return stdout.trim().split('\n');
	};
	const rootTest = test.skipIf(process.getuid?.() !== 0);

	rootTest('a disk that fills up leaves nothing of the core, and room comes back', async () => {
		await using folder = await temporaryFolder();
		const lines = await onSmallDisk(
			folder.path,
			`
			const backend = localBackend(disk, { is: 'bytes', bytes: 0 });
			await backend.put('core', zeros(300), signal).catch(told);
			console.log(readdirSync(disk).length);
			console.log((await backend.put('core', zeros(100), signal)).sizeBytes);`,
		);
		expect(lines).toEqual(['BackendUnavailable ENOSPC: no space left on device, write (storage.localPath)', '0', '100000000']);
	});

	rootTest('the floor holds while a large core is written', async () => {
		await using folder = await temporaryFolder();
		const lines = await onSmallDisk(
			folder.path,
			`
			await localBackend(disk, { is: 'share', share: 0.5 }).put('core', zeros(190), signal).catch(told);
			console.log(readdirSync(disk).length);`,
		);
		expect(lines).toEqual([expect.stringMatching(/^BackendUnavailable DISK: only .* are free, and 104\.9 MB must stay free/), '0']);
	});
});

test('what stands in the way is told in one line', async () => {
	await using folder = await temporaryFolder();
	writeFileSync(join(folder.path, 'file'), '');
	const backend = localBackend(join(folder.path, 'file'), noFloor);
	for (const attempt of [() => backend.health(new AbortController().signal), () => backend.put('a/b', bytesOf(Buffer.from('x')), signal)]) {
		await expect(attempt()).rejects.toThrow(/^can't write there: E(EXIST|NOTDIR): .* \(storage\.localPath\)$/);
		await expect(attempt()).rejects.toBeInstanceOf(BackendUnavailable);
	}
	expect(await backend.start(signal)).toBe(0);
});

test('a folder that may not be written to', async () => {
	await using folder = await temporaryFolder();
	chmodSync(folder.path, 0o500);
	const script = `
		import { localBackend } from ${JSON.stringify(join(root, 'src/drivers/local/local.ts'))};
		await localBackend(process.argv[1], { is: 'bytes', bytes: 0 }).health(new AbortController().signal).catch((error) => console.log(error.name, error.message));`;
	expect(await runWithoutRights(script, folder.path)).toMatch(/^BackendUnavailable can't write there: EACCES/);
});

test('a large file takes no more memory than a small one', async () => {
	await using folder = await temporaryFolder();
	for (const [name, size] of Object.entries({ small: 1_000_000, large: 300_000_000 })) {
		writeFileSync(join(folder.path, name), '');
		truncateSync(join(folder.path, name), size);
	}
	const script = `
		import { readFileSync } from 'node:fs';
		import { open } from 'node:fs/promises';
		import { fileChunks } from ${JSON.stringify(join(root, 'src/base/file-chunks.ts'))};
		import { localBackend } from ${JSON.stringify(join(root, 'src/drivers/local/local.ts'))};
		const signal = new AbortController().signal;
		const backend = localBackend('store', { is: 'bytes', bytes: 0 });
		async function peakAfter(name) {
			await using file = await open(name);
			await backend.put('a/' + name, { open: () => fileChunks(file, signal) }, signal);
			return Number(readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\\s+(\\d+)/)[1]) * 1024;
		}
		const small = await peakAfter('small');
		console.log(await peakAfter('large') - small);`;
	const { stdout } = await exec(process.execPath, ['--optimize-for-size', '--input-type=module-typescript', '-e', script], {
		cwd: folder.path,
	});
	expect(Number(stdout)).toBeLessThan(10e6);
});
