import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder, makeFolderSync } from '../../src/base/folder.ts';
import { temporaryFolder } from '../support/crash.ts';

for (const make of [makeFolder, makeFolderSync]) {
	test(`${make.name} makes a folder and those above it, for its owner alone, and leaves one that is there`, async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'a/b\udcff/c');
		await make(path);
		await make(path);
		await make('/');
		const parent = statSync(join(folder.path, 'a'));
		expect([parent.isDirectory(), parent.mode & 0o777]).toEqual([true, 0o700]);
	});

	test(`${make.name} fails where there is a file`, async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'file');
		writeFileSync(file, '');
		await expect(async () => make(file)).rejects.toThrow('EEXIST');
		await expect(async () => make(join(file, 'below'))).rejects.toThrow('ENOTDIR');
	});

	test(`${make.name} ends where the system makes no folders`, async () => {
		await expect(async () => make('/proc/nope/a/b')).rejects.toThrow(/ENOENT/);
	});
}
