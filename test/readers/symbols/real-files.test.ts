import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readElf } from '../../../src/readers/elf/elf.ts';
import { exec, program, root, temporaryFolder } from '../../support/crash.ts';
import { describeUnless, missingOf } from '../../support/needed.ts';
import { agreeing, asText, codeOf, startsByGdb, startsOf, withSymbols } from '../../support/symbols.ts';

const libc = '/lib/x86_64-linux-gnu/libc.so.6';
/** Debian: libc6-dev-arm64-cross. */
const libcOfAarch64 = '/usr/aarch64-linux-gnu/lib/libc.so.6';

/** Where Debian's libc6-dbg puts what was stripped off. */
async function debugFileOf(path: string): Promise<string> {
	await using file = await open(path);
	const buildId = (await readElf(file))?.buildId ?? '';
	return `/usr/lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
}

const files = [
	libc,
	await debugFileOf(libc),
	await debugFileOf('/lib64/ld-linux-x86-64.so.2'),
	'/lib64/ld-linux-x86-64.so.2',
	'/usr/lib/x86_64-linux-gnu/libstdc++.so.6',
	'/usr/bin/gdb',
	libcOfAarch64,
	process.execPath,
].filter((path) => existsSync(path));

describeUnless('files as they are installed', missingOf(['eu-addr2line', 'gdb', 'readelf']), { timeout: 120_000 }, () => {
	test.for(files)('%s: the functions are those that elfutils finds, all over the code', async (path) => {
		const addresses = await codeOf(path, 3000);
		const ours = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
		expect(asText(addresses, ours)).toEqual(await agreeing(path, addresses, ours));
	});

	test.for(files)('%s: names lead to the addresses that binutils says', async (path) => {
		const starts = await startsOf(path);
		const all = [...starts].filter(([, addresses]) => addresses.size === 1).map(([name]) => name);
		const names = all.filter((_, index) => index % Math.ceil(all.length / 200) === 0);
		const found = await withSymbols(path, (symbols) => symbols.addressesOf([...names, 'a name that nobody has', '']));
		expect(new Map(names.map((name) => [name, new Set([found.get(name)])]))).toEqual(
			new Map(names.map((name) => [name, starts.get(name)])),
		);
		expect(found.size).toBe(names.length);
		expect(names.length).toBeGreaterThan(5);
	});

	test.for(files.filter((path) => path !== libcOfAarch64))('%s: the functions are those that gdb finds', async (path) => {
		const addresses = await codeOf(path, 700);
		const ours = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
		expect(ours.map((found) => found?.start)).toEqual(await startsByGdb(path, addresses));
	});

	test('they are many, of functions known and unknown', async () => {
		const known: Record<string, number> = {};
		for (const path of files) {
			const addresses = await codeOf(path, 1000);
			const ours = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
			known[path] = ours.filter((one) => one !== undefined).length;
		}
		expect(known[libc]).toBeGreaterThan(200);
		expect(known[libc]).toBeLessThan(500);
		expect(known[process.execPath]).toBeGreaterThan(900);
	});
});

/** Debian: gcc-aarch64-linux-gnu. */
describeUnless('a program for AArch64', missingOf(['aarch64-linux-gnu-gcc', 'eu-addr2line']), { timeout: 60_000 }, () => {
	test('has the functions that elfutils finds, between which there are mapping symbols', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'program');
		await exec('aarch64-linux-gnu-gcc', ['-O2', '-static', '-o', path, join(root, 'test/support/programs/unwinds.c')]);
		const addresses = await codeOf(path, 5000);
		const ours = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
		expect(asText(addresses, ours)).toEqual(await agreeing(path, addresses, ours));
		expect(ours.filter((found) => found !== undefined).length).toBeGreaterThan(4500);
		expect([...(await startsOf(path)).keys()]).toContain('$x');
	});
});

describe('the order of the question', () => {
	test('answers come in the order of the addresses, also where one is asked for twice, or is no address at all', async () => {
		await withSymbols(process.execPath, async (symbols) => {
			const main = (await symbols.addressesOf(['main'])).get('main') ?? 0n;
			const [first, none, beyond, negative, again, inside] = await symbols.functionsAt([main, 1n, 1n << 63n, -1n, main, main + 1n]);
			expect(first).toMatchObject({ name: 'main', start: main });
			expect([none, beyond, negative]).toEqual([undefined, undefined, undefined]);
			expect([again, inside]).toEqual([first, first]);
			expect(await symbols.functionsAt([])).toEqual([]);
			expect(await symbols.addressesOf([])).toEqual(new Map());
		});
	});

	test('the end of a function is the next one', async () => {
		const path = await program('overlaps.cc', ['-O2']);
		const found = await withSymbols(path, async (symbols) => {
			const start = (await symbols.addressesOf(['outer'])).get('outer') ?? 0n;
			return symbols.functionsAt([start + 11n, start + 12n]);
		});
		expect(found.map((one) => one?.name)).toEqual(['outer', undefined]);
	});
});
