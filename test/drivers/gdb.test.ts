import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { gdbStacks } from '../../src/drivers/gdb/gdb.ts';
import { crash, crashTest, program, temporaryFolder } from '../support/crash.ts';

crashTest('forged paths of mapped files lead to no file outside the folder, and stop nothing', async () => {
	await using folder = await temporaryFolder();
	const directory = join(folder.path, 'a/b');
	mkdirSync(directory, { recursive: true });
	await using crashed = await crash(await program('faults.c'), ['null']);
	const file = await program('faults.c');
	const paths = ['/../../evil', '/x/../../../evil', 'relative', '/file', '/file/below', `/${'x'.repeat(300)}`, '/odd\n\udcff', '//double'];
	const stacks = await gdbStacks(
		{ core: crashed.core, architecture: 'x86-64', modules: paths.map((path) => ({ path, file, bias: '0x0' })), directory },
		{ timeoutMs: 30_000 },
	);
	expect(stacks.threads).toHaveLength(1);
	expect(existsSync(join(folder.path, 'evil')) || existsSync(join(folder.path, 'a/evil'))).toBe(false);
	expect(readdirSync(join(directory, 'root')).sort()).toEqual(['file', 'odd\n�']);
});
