import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { auxv, coreFile, prstatus, smallCore } from '../support/corefile.ts';
import { crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { packings } from '../support/packing.ts';
import { expectSameBytes, expectSameTold, slimming, slimOf, told, toldToUs } from '../support/slim.ts';

describe('a debugger and we find in a slim core what they find in the whole one, on every thread', () => {
	const deaths: readonly (readonly [name: string, source: string, kind: string])[] = [
		['fifty threads', 'faults.c', 'fifty'],
		['a failed assertion', 'faults.c', 'assert'],
		['a stack that has overflowed', 'faults.c', 'overflow'],
		['a call of a null pointer', 'faults.c', 'callnull'],
		['a handler that raised the signal again', 'deaths.cc', 'raised again'],
		['nested handlers', 'deaths.cc', 'nested handlers'],
		['a thread that another one ended', 'deaths.cc', 'ended by a bystander'],
		['an exception with a long text', 'deaths.cc', 'own type, long text'],
		['an exception that was kept', 'deaths.cc', 'kept and thrown again'],
		['a heap that was damaged', 'deaths.cc', 'double free'],
		['a fault of Go', 'gocrash', 'nil'],
		['a fault in C that Go called', 'gocrash', 'C fault'],
		['an exception in C that Go called', 'gocrash', 'C throw'],
		['a thread of C in a program of Go', 'gocrash', 'C thread'],
	];
	for (const [name, source, kind] of deaths)
		crashTest(name, async () => {
			await using crashed = await crash(await program(source), [kind], { environment: { GOTRACEBACK: 'crash', GOROUTINES: '1' } });
			const { gdb, sizeBytes } = await expectSameTold(crashed.core);
			if (kind === 'assert') expect(gdb.abortMessage).toContain('Assertion');
			if (kind === 'double free') expect(gdb.abortMessage).toContain('double free');
			if (/own type|kept/.test(kind)) expect(gdb.exception?.message).toMatch(/field 101|segment 42/);
			expect(sizeBytes).toBeLessThan(8 << 20);
		});

	for (const { name, encoding, pack } of packings)
		crashTest(`packed with ${name}`, async () => {
			await using crashed = await crash(await program('deaths.cc'), ['own type, long text']);
			await expectSameTold(crashed.core, { packed: await pack(crashed.core), encoding });
		});

	crashTest('packed, of Go, where the walk leads from one structure to the next', async () => {
		await using crashed = await crash(await program('gocrash'), ['C fault'], { environment: { GOTRACEBACK: 'crash', GOROUTINES: '1' } });
		await exec('zstd', ['-q', '-k', crashed.core]);
		await expectSameTold(crashed.core, { packed: `${crashed.core}.zst`, encoding: 'zstd' });
	});

	crashTest('a core that gdb wrote', async () => {
		await using folder = await temporaryFolder();
		const child = spawn(await program('faults.c'), ['wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
		await once(child.stdout, 'data');
		const path = join(folder.path, 'written');
		await exec('gdb', ['-nx', '-batch', '-p', String(child.pid), '-ex', `generate-core-file ${path}`]);
		child.kill('SIGKILL');
		await once(child, 'exit');
		await expectSameTold(path);
	});
});

/** A program with 64 MiB on its heap, that crashes in a library that it has loaded itself, from a path that stands on the heap too. */
async function crashInPlugin(folder: string): Promise<string> {
	const [plugin, main] = [join(folder, 'libplugin.so'), join(folder, 'main')];
	writeFileSync(join(folder, 'plugin.c'), 'int depth = 3; void search(int *at) { *at = depth; }\n');
	writeFileSync(
		join(folder, 'main.c'),
		`#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
volatile char *filler;
int main(int argc, char **argv) {
	filler = malloc(64 << 20);
	for (int at = 0; at < 64 << 20; at += 512) filler[at] = 1 + at % 7;
	char *path = strdup(argv[1]);
	void (*search)(int *) = dlsym(dlopen(path, RTLD_NOW | RTLD_LOCAL), "search");
	search((int *)8);
}
`,
	);
	await exec('gcc', ['-g', '-O0', '-shared', '-fPIC', '-o', plugin, join(folder, 'plugin.c')]);
	await exec('gcc', ['-g', '-O0', '-o', main, join(folder, 'main.c'), '-ldl']);
	return main;
}

/** What gdb answers by itself, as a user would ask it. */
async function answers(executable: string, core: string, commands: readonly string[]) {
	const asked = ['set debuginfod enabled off', ...commands].flatMap((command) => ['-ex', command]);
	return exec('gdb', ['-nx', '-batch', ...asked, executable, core]);
}

describe('of a program with much memory', () => {
	crashTest('gdb itself finds the libraries, also those that were loaded later, and no zeros for what is left out', async () => {
		await using folder = await temporaryFolder();
		const main = await crashInPlugin(folder.path);
		await using crashed = await crash(main, [join(folder.path, 'libplugin.so')]);
		await exec('zstd', ['-q', '-k', '-1', crashed.core]);
		const asked = ['info sharedlibrary', 'bt', 'info locals', 'p depth'];
		const { stdout: whole } = await answers(main, crashed.core, asked);
		expect(whole).toContain('libplugin.so');
		expect((await answers(main, crashed.core, ['up', 'p filler[32 << 20]'])).stdout).toMatch(/\$1 = [1-9]/);
		for (const [path, encoding] of [
			[crashed.core, 'raw'],
			[`${crashed.core}.zst`, 'zstd'],
		] as const) {
			await using own = await temporaryFolder();
			const slim = await slimOf(path, own.path, encoding);
			expect(slim.sizeBytes).toBeLessThan(2 << 20);
			expect(readdirSync(own.path)).toEqual(['core.slim']);
			expect((await answers(main, slim.path, asked)).stdout).toBe(whole);
			await expect(answers(main, slim.path, ['up', 'p filler[32 << 20]'])).rejects.toThrow('Cannot access memory');
		}
	});

	crashTest('other programs read it without complaint, and it says of itself what it is', async () => {
		await using folder = await temporaryFolder();
		await using own = await temporaryFolder();
		const main = await crashInPlugin(folder.path);
		await using crashed = await crash(main, [join(folder.path, 'libplugin.so')]);
		const { path, corefile, modules } = await slimOf(crashed.core, own.path);
		const stacks = await Promise.all(
			[crashed.core, path].map((core) => exec('eu-stack', [`--core=${core}`, `--executable=${main}`]).then(({ stdout }) => stdout)),
		);
		expect(stacks[1]).toBe(stacks[0]);
		const { stdout, stderr } = await exec('readelf', ['-hlnW', path], { maxBuffer: 1 << 26 });
		expect(stderr).toBe('');
		expect(stdout).toContain('MilvusCA');
		expect(corefile.slim).toBeUndefined();
		expect(await told(path, modules)).toEqual(await told(crashed.core, modules));
		await using again = await temporaryFolder();
		expect(await slimming(path, again.path)).toEqual({ is: 'not slim', reason: 'it is slim already' });
	});
});

describe('of a core that is not whole', () => {
	crashTest('what there is of it is kept, and that it was cut off', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		const size = statSync(crashed.core).size;
		const cut = join(crashed.folder, 'cut');
		let kept = 0;
		for (const length of [3_000, 30_000, 200_000, Math.floor(size / 2), size - 1]) {
			copyFileSync(crashed.core, cut);
			truncateSync(cut, length);
			await exec('zstd', ['-q', '-f', cut]);
			for (const [path, encoding] of [
				[cut, 'raw'],
				[`${cut}.zst`, 'zstd'],
			] as const) {
				await using folder = await temporaryFolder();
				const slim = await slimming(path, folder.path, encoding);
				if (slim.is !== 'slim') {
					expect([length, slim.reason]).toEqual([3_000, 'what its notes say is not near its start']);
					continue;
				}
				kept += await expectSameBytes(slim.path, cut);
				const [ofSlim, ofCut] = [await toldToUs(slim.path, slim.modules), await toldToUs(cut, slim.modules)];
				expect(ofSlim.stacks).toEqual(ofCut.stacks);
				expect(ofSlim.said).toEqual({ ...ofCut.said, problems: ofSlim.said.problems });
				expect(slim.corefile.complete).toBe('truncated');
			}
		}
		expect(kept).toBeGreaterThan(100_000);
	});

	crashTest('packed data that is damaged yields what stands before the damage', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		await exec('zstd', ['-q', '-k', crashed.core]);
		const packed = `${crashed.core}.zst`;
		truncateSync(packed, Math.floor(statSync(packed).size * 0.7));
		await using folder = await temporaryFolder();
		const slim = await slimOf(packed, folder.path, 'zstd');
		expect(slim.corefile.problems).toContainEqual(expect.stringMatching(/zstd data/));
		expect(await expectSameBytes(slim.path, crashed.core)).toBeGreaterThan(4096);
	});
});

test('what a forged core asks to be kept has its limits', async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'forged');
	// Each thread claims another part of a large segment, in which lists of libraries and frames lead round in circles.
	const [base, size, count] = [0x10000000n, 96 << 20, 20_000];
	const memory = Buffer.alloc(size);
	for (let at = 0; at < size; at += 64) memory.writeBigUInt64LE(base + BigInt(((at * 7) % size) & ~4095), at);
	const threads = Array.from({ length: count }, (_, index) =>
		prstatus({
			id: index + 1,
			signal: 11,
			registers: Array.from({ length: 27 }, (_, register) => base + BigInt((index * 27 + register) * 8192)),
		}),
	);
	const entries = auxv({ 3: base, 5: 0xffffffffn, 31: base, 33: base });
	writeFileSync(path, coreFile(62, [...threads, entries], [{ address: base, flags: 7, bytes: memory }]));
	const slim = await slimOf(path, folder.path);
	expect(slim.isCut || slim.sizeBytes < 64 << 20).toBe(true);
	expect(slim.sizeBytes).toBeLessThan(64 * 1.3 * (1 << 20));
	expect((await readPass(slim.path)).threads).toHaveLength(count);
	await exec('zstd', ['-q', '-1', path]);
	await using other = await temporaryFolder();
	expect((await slimOf(`${path}.zst`, other.path, 'zstd')).sizeBytes).toBeLessThan(64 * 1.3 * (1 << 20));
}, 60_000);

test('notes that are too large, or too far, leave a core as it is', async () => {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'forged');
	const core = smallCore(1);
	core.writeBigUInt64LE(1n << 40n, 64 + 32); // p_filesz of its PT_NOTE
	writeFileSync(path, core);
	expect(await slimming(path, folder.path)).toEqual({ is: 'not slim', reason: 'its notes take 1099511627776 bytes' });
	expect(readdirSync(folder.path)).toEqual(['forged']);
});

crashTest('where the program is missing that unpacks, there is none', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	await exec('xz', ['-q', '-0', crashed.core]);
	await using folder = await temporaryFolder();
	const { PATH } = process.env;
	process.env.PATH = folder.path;
	try {
		const slim = await slimming(`${crashed.core}.xz`, folder.path, 'xz');
		expect(slim).toEqual({ is: 'not slim', reason: expect.stringContaining('xz is not installed') });
		expect(readdirSync(folder.path)).toEqual([]);
	} finally {
		process.env.PATH = PATH;
	}
});
