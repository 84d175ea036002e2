import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { crash, crashTest, exec, program } from '../support/crash.ts';
import { withStore } from '../support/stored.ts';

/** gdb asked for a crash whose core is in the store alone, which is not where it was, so that it has to be fetched. */
async function withFetched(content: Buffer) {
	const home = await withStore();
	const stored = home.store('3f9c00000001', content);
	renameSync(home.place('store'), home.place('elsewhere'));
	home.configure('elsewhere');
	const temporary = home.place('temporary');
	mkdirSync(temporary);
	return {
		...home,
		file: stored.file.replace('/store/', '/elsewhere/'),
		gdb: (...args: string[]) => cli(['gdb', '3f9c', '--config', home.config, ...args], { environment: { TMPDIR: temporary } }),
		left: () => readdirSync(temporary),
	};
}

crashTest('gdb opens on a core that it has to fetch, and nothing of it stays', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	await exec('zstd', ['-q', '--rm', crashed.core]);
	await using home = await withFetched(readFileSync(`${crashed.core}.zst`));
	const { stdout, code } = await home.gdb('--', '-batch', '-ex', 'bt');
	expect(code).toBe(0);
	expect(stdout).toMatch(/#0 .*write_null/);
	expect(home.left()).toEqual([]);
});

crashTest('a plain one too', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	await using home = await withFetched(readFileSync(crashed.core));
	expect((await home.gdb('--', '-batch', '-ex', 'bt')).stdout).toMatch(/#0 .*write_null/);
	expect(home.left()).toEqual([]);
});

test('gdb is not opened on what is not the core that was stored', async () => {
	await using home = await withFetched(Buffer.alloc(100_000, 'x'));
	writeFileSync(home.file, Buffer.alloc(100_000, 'y'));
	expect(await home.gdb()).toEqual({
		code: 1,
		stdout: '',
		stderr: expect.stringMatching(/^milvus-coredump-agent: the stored core of crash 3f9c00000001 is damaged: its SHA-256 is .*\n$/),
	});
	expect(home.left()).toEqual([]);
	rmSync(home.file);
	expect(await home.gdb()).toEqual({
		code: 2,
		stdout: '',
		stderr: expect.stringMatching(/^milvus-coredump-agent: the core of crash 3f9c00000001 is gone: it was .*\.core\.zst and .*\n$/),
	});
	expect(home.left()).toEqual([]);
});
