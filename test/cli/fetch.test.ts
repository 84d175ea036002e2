import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { bin, cli } from '../support/cli.ts';
import { exec } from '../support/crash.ts';
import { events } from '../support/events.ts';
import { withStore } from '../support/stored.ts';

const id = '3f9c00000001';
const content = readFileSync(process.execPath).subarray(0, 3_000_001);

/** A store with one core in it, and an empty folder to fetch it to. */
async function withCore() {
	const home = await withStore();
	const stored = home.store(id, content);
	const work = home.place('work');
	mkdirSync(work);
	const fetch = (...args: string[]) => cli(['fetch', '--config', home.config, ...args], { cwd: work });
	const part = (name: string) =>
		join(work, `.${name}.${stored.report.storage?.form === 'full' && stored.report.storage.sha256.slice(0, 12)}.part`);
	return { ...home, stored, work, fetch, part, files: () => readdirSync(work).sort() };
}

test('a stored core comes back whole, for its owner alone, under its own name, another one, or in a folder', async () => {
	await using home = await withCore();
	const own = join(home.work, basename(home.stored.file));
	expect(await home.fetch('3f9')).toEqual({ code: 0, stdout: `${own}\n`, stderr: '' });
	expect(readFileSync(own).equals(content)).toBe(true);
	expect(statSync(own).mode & 0o777).toBe(0o600);
	expect((await home.fetch(id, '-o', 'other name')).stdout).toBe(`${home.work}/other name\n`);
	mkdirSync(join(home.work, 'folder'));
	expect((await home.fetch(id, '-o', 'folder')).stdout).toBe(`${home.work}/folder/${basename(own)}\n`);
	expect(home.files()).toEqual([basename(own), 'folder', 'other name'].sort());
});

test('one that an earlier version stored, whose name in the store was not told, comes back too', async () => {
	await using home = await withCore();
	const older = home.store('abcdef000001', Buffer.from('older'), { isWithName: false });
	expect((await home.fetch('abcdef', '-o', 'core')).code).toBe(0);
	expect(readFileSync(join(home.work, 'core')).equals(older.content())).toBe(true);
});

test('what is there is replaced only by force, and what is no file never', async () => {
	await using home = await withCore();
	writeFileSync(join(home.work, 'core'), 'mine');
	expect(await home.fetch(id, '-o', 'core')).toEqual({
		code: 2,
		stdout: '',
		stderr: `milvus-coredump-agent: ${home.work}/core is there already: give another name with -o, or replace it with --force\n`,
	});
	expect(readFileSync(join(home.work, 'core'), 'utf8')).toBe('mine');
	expect((await home.fetch(id, '-o', 'core', '--force')).code).toBe(0);
	expect(readFileSync(join(home.work, 'core')).equals(content)).toBe(true);
	expect((await home.fetch(id, '-o', '/dev/null', '--force')).stderr).toContain('is there already, and is not a regular file');
});

test('on standard output it is the core and nothing else', async () => {
	await using home = await withCore();
	const { stdout } = await exec('bash', ['-c', '"$0" fetch --config "$1" -o - 3f9c | sha256sum', bin, home.config]);
	expect(stdout.split(' ')[0]).toBe(home.stored.report.storage?.form === 'full' && home.stored.report.storage.sha256);
});

test('one that is damaged, cut or longer leaves nothing, and is told in one line', async () => {
	await using home = await withCore();
	for (const [damaged, words] of [
		[Buffer.concat([content.subarray(0, -1), Buffer.of(1)]), /its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}/],
		[content.subarray(0, 70_000), /it has 70000 bytes instead of 3000001/],
		[Buffer.concat([content, Buffer.of(0)]), /it has more than its 3000001 bytes/],
	] as const) {
		writeFileSync(home.stored.file, damaged);
		for (const output of ['core', '-']) {
			const { code, stderr } = await home.fetch(id, '-o', output);
			expect(code).toBe(1);
			expect(stderr).toMatch(/^milvus-coredump-agent: the stored core of crash 3f9c00000001 is damaged: .* \(.*\.core\.zst\)\n$/);
			expect(stderr).toMatch(words);
		}
		expect(home.files()).toEqual([]);
	}
});

test('a fetch that was broken off goes on where it was', async () => {
	await using home = await withCore();
	writeFileSync(home.part('core'), content.subarray(0, 1_234_567));
	// It is not read again.
	const gone = Buffer.concat([Buffer.alloc(1_000_000), content.subarray(1_000_000)]);
	writeFileSync(home.stored.file, gone);
	expect(await home.fetch(id, '-o', 'core')).toMatchObject({ code: 0, stderr: '' });
	expect(readFileSync(join(home.work, 'core')).equals(content)).toBe(true);
	expect(home.files()).toEqual(['core']);
});

test('a beginning that is none is no harm', async () => {
	await using home = await withCore();
	for (const beginning of [Buffer.alloc(1000), Buffer.alloc(content.length), Buffer.alloc(content.length + 1)]) {
		writeFileSync(home.part('core'), beginning);
		expect(await home.fetch(id, '-o', 'core', '--force')).toMatchObject({ code: 0, stderr: '' });
		expect(readFileSync(join(home.work, 'core')).equals(content)).toBe(true);
		expect(home.files()).toEqual(['core']);
	}
});

test('one that fills the disk keeps what has come, and says how to go on', async () => {
	await using home = await withCore();
	const script = 'ulimit -f 1000; trap "" XFSZ; cd "$2" && exec "$0" fetch --config "$1" -o core 3f9c';
	const { code, stderr } = await exec('bash', ['-c', script, bin, home.config, home.work]).catch((error) => error);
	expect(code).toBe(1);
	expect(stderr).toMatch(
		/are in .*\.part; the same command again goes on from there\nmilvus-coredump-agent: .*core can't be written: EFBIG/,
	);
	expect(home.files()).toEqual([basename(home.part('core'))]);
	expect((await home.fetch(id, '-o', 'core')).code).toBe(0);
	expect(readFileSync(join(home.work, 'core')).equals(content)).toBe(true);
});

test('one that is interrupted keeps what has come', async () => {
	await using home = await withCore();
	const large = home.store('abcdef000001', Buffer.alloc(400_000_000, 'x'));
	const child = spawn(bin, ['fetch', '--config', home.config, '-o', 'core', 'abcdef'], {
		cwd: home.work,
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let stderr = '';
	child.stderr.on('data', (chunk) => {
		stderr += chunk;
	});
	const ended = once(child, 'exit');
	const size = () => home.files().reduce((sum, name) => sum + statSync(join(home.work, name)).size, 0);
	await expect.poll(size, { timeout: 20_000, interval: 10 }).toBeGreaterThan(0);
	child.kill('SIGINT');
	expect(await ended).toEqual([130, null]);
	expect(stderr).toMatch(/^\d+\.\d [KM]B of 400\.0 MB are in .*\.part; the same command again goes on from there\n$/);
	expect(home.files()).toEqual([expect.stringMatching(/^\.core\.[0-9a-f]{12}\.part$/)]);
	expect((await home.fetch('abcdef', '-o', 'core')).code).toBe(0);
	expect(home.files()).toEqual(['core']);
	expect(statSync(join(home.work, 'core')).size).toBe(statSync(large.file).size);
});

test('a crash without a stored core, and one whose core is gone, are told apart', async () => {
	await using home = await withCore();
	const { found, analysed } = events('aaaaaa000001');
	home.journal.append(found);
	expect(await home.fetch('aaaa')).toMatchObject({ code: 2, stderr: expect.stringContaining('is not stored yet: its report is found') });
	home.journal.append(analysed, { kind: 'StorageEvent', key: 'aaaaaa000001', body: { is: 'skipped', reason: 'score 1 is below 4' } });
	expect(await home.fetch('aaaa')).toMatchObject({
		code: 2,
		stderr: 'milvus-coredump-agent: the core of crash aaaaaa000001 is not stored: score 1 is below 4\n',
	});
	rmSync(home.stored.file);
	expect(await home.fetch(id)).toEqual({
		code: 1,
		stdout: '',
		stderr: `milvus-coredump-agent: the core of crash ${id} is not there any more: ${home.stored.file} is not there; it was stored as ${home.stored.file}\n`,
	});
	expect(home.files()).toEqual([]);
});

test('a core of a store that was configured before is told to be there', async () => {
	await using home = await withCore();
	home.configure('moved');
	expect(await home.fetch(id)).toEqual({
		code: 1,
		stdout: '',
		stderr: `milvus-coredump-agent: the core of crash ${id} is in another store than the one that is configured here: it was stored as ${home.stored.file}; give the --config with which it can be read\n`,
	});
});

test('a folder that is not there, and an empty name, are told in one line', async () => {
	await using home = await withCore();
	expect(await home.fetch(id, '-o', 'no/such')).toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/no\/such can't be written: ENOENT/),
	});
	expect(await home.fetch(id, '-o', '')).toMatchObject({ code: 2, stderr: 'milvus-coredump-agent: the name of the output is empty\n' });
	expect(home.files()).toEqual([]);
});
