import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { unpackXz } from '../../../src/drivers/compression/compression.ts';
import { memoryBytes, NoUnpackerError, PackedDataError } from '../../../src/readers/bytes/bytes.ts';
import { type FunctionSymbol, openSymbols } from '../../../src/readers/symbols/symbols.ts';
import { exec, program, root, temporaryFolder } from '../../support/crash.ts';
import { describeUnless, missingOf } from '../../support/needed.ts';
import { agreeing, asText, codeOf, withSymbols } from '../../support/symbols.ts';

const flags = ['-O2', '-rdynamic'];
const missing = missingOf(['g++', 'objcopy', 'strip', 'xz', 'eu-addr2line', 'eu-strip', 'readelf']);

/** What is known of each byte of code. */
async function functionsIn(path: string, options = {}): Promise<readonly (FunctionSymbol | undefined)[]> {
	const addresses = await codeOf(await program('overlaps.cc', flags), 10_000);
	return await withSymbols(path, (symbols) => symbols.functionsAt(addresses), options);
}

const countOf = (functions: readonly unknown[]) => functions.filter((one) => one !== undefined).length;

async function strip(path: string, ...args: string[]): Promise<string> {
	const { stdout: _ } = await exec('objcopy', [...args, await program('overlaps.cc', flags), path]);
	return path;
}

describeUnless('the same program', missing, { timeout: 60_000 }, () => {
	test('stripped: what it exports is known, as to elfutils', async () => {
		await using folder = await temporaryFolder();
		const path = await strip(join(folder.path, 'stripped'), '--strip-all');
		const addresses = await codeOf(path, 10_000);
		const ours = await functionsIn(path);
		expect(asText(addresses, ours)).toEqual(await agreeing(path, addresses, ours));
		expect(countOf(ours)).toBeGreaterThan(500);
		expect(ours.map((found) => found?.name)).not.toContain('_ZN12_GLOBAL__N_16hiddenEi');
	});

	test.for(['gnu', 'sysv', 'both'])('without section headers, with a hash table of the kind %s: the same as stripped', async (style) => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'program');
		const source = join(root, 'test/support/programs/overlaps.cc');
		await exec('g++', ['-w', ...flags, `-Wl,--hash-style=${style}`, '-s', '-o', path, source]);
		const addresses = await codeOf(path, 10_000);
		const whole = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
		const bare = (await readFile(path)).fill(0, 40, 48).fill(0, 60, 64);
		const symbols = await openSymbols(memoryBytes(bare));
		const ours = await symbols?.functionsAt(addresses);
		// Sections are not known, so neither where functions without a size end.
		const sized = (found: FunctionSymbol | undefined) => (found?.size ? found : undefined);
		expect(ours?.map(sized)).toEqual(whole.map(sized));
		expect(countOf(whole.map(sized))).toBeGreaterThan(500);
		expect(await symbols?.addressesOf(['main', 'chosen'])).toEqual(
			await withSymbols(path, (named) => named.addressesOf(['main', 'chosen'])),
		);
	});

	test('in a file of debug information alone, of objcopy or eu-strip: all functions are known', async () => {
		await using folder = await temporaryFolder();
		const whole = await program('overlaps.cc', flags);
		const byObjcopy = await strip(join(folder.path, 'objcopy.debug'), '--only-keep-debug');
		const byEuStrip = join(folder.path, 'eu-strip.debug');
		await exec('eu-strip', ['-o', join(folder.path, 'stripped'), '-f', byEuStrip, whole]);
		expect(await functionsIn(byObjcopy)).toEqual(await functionsIn(whole));
		expect(await functionsIn(byEuStrip)).toEqual(await functionsIn(whole));
	});

	test('stripped, with the rest in .gnu_debugdata: all functions are known', async () => {
		await using folder = await temporaryFolder();
		const path = await withDebugdata(folder.path);
		expect(await functionsIn(path, { unpackXz })).toEqual(await functionsIn(await program('overlaps.cc', flags)));
		expect(await withSymbols(path, async ({ leftOut }) => leftOut, { unpackXz })).toBeUndefined();
	});

	test.for([
		['nothing to unpack it with', {}, '.gnu_debugdata is packed with xz, which is not unpacked here'],
		[
			'no program that does',
			{ unpackXz: () => Promise.reject(new NoUnpackerError('xz is not installed')) },
			'.gnu_debugdata: xz is not installed',
		],
		['damage', { unpackXz: () => Promise.reject(new PackedDataError('the xz data is damaged')) }, '.gnu_debugdata: the xz data is damaged'],
		['no symbols in it', { unpackXz: async () => Buffer.from('something else') }, 'no symbols in .gnu_debugdata'],
	] as const)('with .gnu_debugdata, and %s: what is exported is known, and why no more', async ([, options, words]) => {
		await using folder = await temporaryFolder();
		const path = await withDebugdata(folder.path);
		const stripped = await strip(join(folder.path, 'stripped'), '--strip-all');
		expect(await functionsIn(path, options)).toEqual(await functionsIn(stripped));
		expect(await withSymbols(path, async ({ leftOut }) => leftOut, options)).toBe(words);
	});

	test('a .gnu_debugdata that unpacks to more than 64 MiB is left there, and said to be too long', async () => {
		await using folder = await temporaryFolder();
		const bomb = join(folder.path, 'bomb.xz');
		await exec('sh', ['-c', 'head -c 100M /dev/zero | xz -0 -T1 >"$0"', bomb]);
		const path = await withDebugdata(folder.path, bomb);
		expect(await withSymbols(path, async ({ leftOut }) => leftOut, { unpackXz })).toBe(
			'.gnu_debugdata: is longer than 67108864 bytes when it is unpacked',
		);
	});

	test('of another packing, or cut off, is said to be damaged', async () => {
		await using folder = await temporaryFolder();
		const leftOut = async (content: Buffer) => {
			const packed = join(folder.path, 'packed');
			await writeFile(packed, content);
			return await withSymbols(await withDebugdata(folder.path, packed), async ({ leftOut }) => leftOut, { unpackXz });
		};
		expect(await leftOut(Buffer.from('no xz at all'))).toMatch(/^\.gnu_debugdata: the xz data is damaged: .*format not recognized/);
		const { stdout } = await exec('xz', ['-c', '-k', await program('overlaps.cc', flags)], { encoding: 'buffer' });
		expect(await leftOut((stdout as unknown as Buffer).subarray(0, 500))).toBe('.gnu_debugdata: the xz data ends in the middle');
	});
});

/** As gdb's manual says to make one; or with this content. */
async function withDebugdata(folder: string, content?: string): Promise<string> {
	const mini = join(folder, 'mini');
	await exec('strip', ['--strip-debug', '-o', mini, await program('overlaps.cc', flags)]);
	await exec('objcopy', ['--only-keep-debug', mini]);
	await exec('xz', ['-f', mini]);
	return await strip(join(folder, 'with-mini'), '--strip-all', `--add-section=.gnu_debugdata=${content ?? `${mini}.xz`}`);
}

test('what has no symbols has none', async () => {
	for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.from('\x7fELF\x02\x01'), Buffer.alloc(4096)])
		expect(await openSymbols(memoryBytes(bytes))).toBeUndefined();
	const object = await readFile(await program('overlaps.cc', flags));
	object.writeUInt16LE(1, 16); // not linked yet: ET_REL
	expect(await openSymbols(memoryBytes(object))).toBeUndefined();
});
