import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gdbStacks, type StackRequest } from '../../src/drivers/gdb/gdb.ts';
import { crash, crashTest, exec, program, root, temporaryFolder } from '../support/crash.ts';
import { missingOf, testUnless } from '../support/needed.ts';

/** Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user. */
const missing = missingOf(['aarch64-linux-gnu-gcc', 'qemu-aarch64']);

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

describe('a core of another machine', () => {
	test('is read by the gdb that knows it, and that is said', async () => {
		await using folder = await temporaryFolder();
		const core = join(folder.path, 'core');
		const fixture = join(root, 'test/fixtures/cores/qemu-aarch64');
		await exec('zstd', ['-q', '-d', '-o', core, join(fixture, readdirSync(fixture)[0] ?? '')]);
		const { threads, problems } = await stacksOf(core, []);
		expect(threads[0]?.frames[0]?.pc).toBe('0x5500000d1c');
		expect(problems[0]).toMatch(/^the core is of aarch64, this machine of [\w-]+: the stacks are by gdb-multiarch$/);
	});

	test('is not read where that is not installed, and the package is named', async () => {
		await using folder = await temporaryFolder();
		for (const name of ['nice', 'timeout']) symlinkSync(`/usr/bin/${name}`, join(folder.path, name));
		const { PATH } = process.env;
		process.env.PATH = folder.path;
		try {
			await expect(stacksOf('/core', [])).rejects.toThrow('gdb-multiarch is not installed; as root: apt-get install gdb-multiarch');
		} finally {
			process.env.PATH = PATH;
		}
	});

	testUnless('has the stack that its program had', missing, async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'faults');
		await exec('aarch64-linux-gnu-gcc', ['-w', '-g', '-O1', '-static', '-o', file, join(root, 'test/support/programs/faults.c')]);
		await exec('bash', ['-c', 'ulimit -c unlimited; exec qemu-aarch64 "$0" null', file], { cwd: folder.path }).catch(() => {}); // it crashes
		const name = readdirSync(folder.path).find((name) => name.startsWith('qemu_faults_')) ?? '';
		const { threads } = await stacksOf(join(folder.path, name), [{ path: file, file, bias: '0x0' }]);
		expect(threads[0]?.frames.map(({ function: name }) => name)).toEqual(['write_null', 'main']);
	});
});

async function stacksOf(core: string, modules: StackRequest['modules']) {
	await using folder = await temporaryFolder();
	return await gdbStacks({ core, architecture: 'aarch64', modules, directory: folder.path }, { timeoutMs: 30_000 });
}
