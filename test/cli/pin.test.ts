import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { withStore } from '../support/stored.ts';

const id = '3f9c00000001';

async function withCore() {
	const home = await withStore();
	const stored = home.store(id, Buffer.from('a core'));
	const run = (...args: string[]) => cli([...args, '--config', home.config]);
	return { ...home, stored, run, beside: () => readdirSync(dirname(stored.file)).sort() };
}

test('a core is pinned, listed as such and unpinned, and twice is once', async () => {
	await using home = await withCore();
	const { file } = home.stored;
	const store = home.place('store');
	expect(await home.run('pin')).toEqual({ code: 0, stdout: `nothing is pinned in ${store}\n`, stderr: '' });
	for (let time = 0; time < 2; time++)
		expect(await home.run('pin', '3f9')).toEqual({
			code: 0,
			stdout: `pinned: the core of crash ${id} stays, until \`unpin 3f9c00\`: ${file}\n`,
			stderr: '',
		});
	expect(home.beside()).toContain(basename(file).replace('.core.zst', '.pinned'));
	expect((await home.run('pin')).stdout).toBe(`${file}\n`);
	expect(JSON.parse((await home.run('pin', '--json')).stdout)).toEqual([{ location: file }]);
	expect((await home.run('verify')).code).toBe(0);
	expect((await home.run('unpin', id)).stdout).toBe(
		`the core of crash ${id} is pinned no more: the limits of the store hold for it again\n`,
	);
	expect((await home.run('unpin', id)).stdout).toBe(`the core of crash ${id} was not pinned: the limits of the store hold for it\n`);
	expect(home.beside()).toHaveLength(2);
});

test('what is not there can not be pinned, and why it went is told', async () => {
	await using home = await withCore();
	const { file } = home.stored;
	rmSync(file);
	const { code, stderr } = await home.run('pin', id);
	expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`the core of crash ${id} is not there any more`) });
	const note = { time: '2026-11-29T10:00:00.000Z', why: 'age', reason: 'deleted after 30 days (storage.retentionDays)', sizeBytes: 6 };
	writeFileSync(file.replace('.core.zst', '.deleted'), JSON.stringify(note));
	for (const command of ['pin', 'fetch', 'gdb'])
		expect((await home.run(command, id)).stderr, command).toContain(
			'deleted after 30 days (storage.retentionDays) at 2026-11-29T10:00:00.000Z',
		);
	expect((await home.run('pin', 'ffff')).code).toBe(2);
	expect((await home.run('unpin')).code).toBe(2);
});
