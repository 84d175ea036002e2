import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileBytes, memoryBytes } from '../../src/readers/bytes/bytes.ts';
import { openPclntab, type Pclntab } from '../../src/readers/gopclntab/gopclntab.ts';
import { exec, program, temporaryFolder } from '../support/crash.ts';
import {
	addressesIn,
	byGo,
	callsAsText,
	frameSizesByDwarf,
	inlinedByDwarf,
	missingGo,
	noLine,
	symbolsOf,
	withPclntab,
} from '../support/gopclntab.ts';
import { describeUnless } from '../support/needed.ts';

const built = {
	'with symbols': [],
	stripped: ['-ldflags=-s -w'],
	'position-independent': ['-buildmode=pie'],
	'position-independent and stripped': ['-buildmode=pie', '-ldflags=-s -w'],
	'position-independent, by the C linker': ['-buildmode=pie', '-ldflags=-linkmode=external'],
} as const;

const pathOf = (kind: keyof typeof built) => program('goinlined', built[kind]);

describeUnless('tables of a Go program', missingGo, { timeout: 240_000 }, () => {
	describe.each(Object.keys(built) as (keyof typeof built)[])('%s', (kind) => {
		test('name, file and line are what Go itself says', async () => {
			const path = await pathOf(kind);
			const addresses = await addressesIn(path, 3000);
			const theirs = await byGo(path, addresses);
			const ours = await withPclntab(path, (table) => saidOf(table, addresses));
			expect(ours).toEqual(theirs);
			expect(ours.filter(({ source }) => source !== noLine).length).toBeGreaterThan(2500);
		});

		test('without section headers they are found, and say the same', async () => {
			const path = await pathOf(kind);
			const addresses = await addressesIn(path, 300);
			const table = await openPclntab(memoryBytes(withoutSections(await readFile(path))));
			expect(table && (await saidOf(table, addresses))).toEqual(await withPclntab(path, (whole) => saidOf(whole, addresses)));
		});

		test('inlined calls are known', async () => {
			const path = await pathOf(kind);
			const addresses = await addressesIn(path, 300);
			const calls = await withPclntab(path, (table) => callsOf(table, addresses));
			expect(calls.filter((text) => text.includes(' < ')).length).toBeGreaterThan(30);
		});
	});

	test('of what the C linker made they say the same when it is stripped, where nothing names the start of the code', async () => {
		const path = await pathOf('position-independent, by the C linker');
		const addresses = await addressesIn(path, 300);
		await using folder = await temporaryFolder();
		const stripped = join(folder.path, 'stripped');
		await exec('strip', ['-o', stripped, path]);
		expect((await symbolsOf(stripped)).get('runtime.text')).toBeUndefined();
		const ours = await withPclntab(stripped, async (table) => [await saidOf(table, addresses), await callsOf(table, addresses)]);
		expect(ours).toEqual(await withPclntab(path, async (table) => [await saidOf(table, addresses), await callsOf(table, addresses)]));
	});

	test('frame sizes are those of the call frame information, at each of its rows', async () => {
		const sizes = await frameSizesByDwarf(await pathOf('with symbols'));
		expect(sizes.size).toBeGreaterThan(5000);
		const ours = new Map<bigint, number | undefined>();
		await withPclntab(await pathOf('stripped'), async (table) => {
			for (const address of sizes.keys()) ours.set(address, await table.frameSizeAt(address));
		});
		expect([...ours].filter(([address, size]) => size !== sizes.get(address))).toEqual([]);
	});

	test('inlined calls are those of DWARF, with the lines of the calls', async () => {
		const path = await pathOf('with symbols');
		const addresses = await addressesIn(path, 3000);
		const theirs = await inlinedByDwarf(path, path, addresses);
		const ours = await withPclntab(await pathOf('stripped'), (table) => callsOf(table, addresses));
		// Between functions DWARF has nothing.
		expect(ours.filter((_, index) => theirs[index] !== '')).toEqual(theirs.filter((text) => text !== ''));
		expect(theirs.filter((text) => text.includes(' < ')).length).toBeGreaterThan(300);
	});

	test('functions that switch or end a stack are told, but not those of the same name that only call them', async () => {
		const symbols = await symbolsOf(await pathOf('with symbols'));
		const told: Record<string, string[]> = {};
		const writers: string[] = [];
		await withPclntab(await pathOf('stripped'), async (table) => {
			for (const address of symbols.values()) {
				const found = await table.functionAt(address);
				if (found?.entry !== address || !found.role) continue;
				told[found.name] = [...(told[found.name] ?? []), found.isTopFrame ? `${found.role}, top` : found.role];
				if (found.writesStackPointer) writers.push(found.name);
			}
		});
		expect(told).toMatchObject({
			'runtime.asmcgocall': ['asmcgocall'],
			'runtime.systemstack': ['systemstack'],
			'runtime.systemstack_switch': ['systemstack'],
			'runtime.mcall': ['mcall'],
			'runtime.gogo': ['gogo'],
			'runtime.morestack': ['morestack'],
			'runtime.sigtramp': ['sigtramp, top'],
			'runtime.sigpanic': ['sigpanic'],
			'runtime.asyncPreempt': ['asyncPreempt'],
			'runtime.goexit': ['goexit, top'],
			'runtime.mstart': ['mstart, top'],
			'runtime.rt0_go': ['rt0_go, top'],
		});
		expect(Object.keys(told).length).toBeLessThan(25);
		expect(writers).toEqual(expect.arrayContaining(['runtime.systemstack', 'runtime.mcall', 'runtime.morestack']));
	});

	test('a function is told from its first to its last byte, with the line at which it begins', async () => {
		const symbols = await symbolsOf(await pathOf('with symbols'));
		const entry = symbols.get('main.scopesOf') ?? 0n;
		await withPclntab(await pathOf('stripped'), async (table) => {
			const found = await table.functionAt(entry);
			expect(found).toMatchObject({ name: 'main.scopesOf', entry });
			expect(found && (await table.functionAt(found.end - 1n))).toEqual(found);
			expect((await table.functionAt(entry - 1n))?.name).not.toBe('main.scopesOf');
			const source = (await readFile('test/support/programs/goinlined/main.go', 'utf8')).split('\n');
			expect(source[(found?.startLine ?? 0) - 1]).toMatch(/^func scopesOf/);
		});
	});

	test('what is not in the code of Go has no answers', async () => {
		await withPclntab(await pathOf('position-independent, by the C linker'), async (table) => {
			for (const address of [0n, 0x1000n, 1n << 40n, (1n << 64n) - 1n]) {
				expect(await table.functionAt(address)).toBeUndefined();
				expect(await table.lineAt(address)).toBeUndefined();
				expect(await table.frameSizeAt(address)).toBeUndefined();
				expect(await table.callsAt(address)).toEqual([]);
			}
		});
	});
});

test('files without such tables have none: of C and C++, of text, empty', async () => {
	await using node = await open(process.execPath);
	expect(await openPclntab(fileBytes(node))).toBeUndefined();
	const shell = await readFile('/bin/sh');
	for (const bytes of [shell, withoutSections(shell), await readFile('package.json'), Buffer.alloc(0)])
		expect(await openPclntab(memoryBytes(bytes))).toBeUndefined();
});

async function saidOf(table: Pclntab, addresses: readonly bigint[]) {
	const said: { name: string; source: string }[] = [];
	for (const address of addresses) {
		const [found, line] = [await table.functionAt(address), await table.lineAt(address)];
		said.push({ name: found?.name ?? '?', source: line ? `${line.file}:${line.line}` : noLine });
	}
	return said;
}

async function callsOf(table: Pclntab, addresses: readonly bigint[]): Promise<string[]> {
	const said: string[] = [];
	for (const address of addresses) said.push(callsAsText(await table.callsAt(address)));
	return said;
}

/** e_shoff, e_shnum and e_shstrndx. */
function withoutSections(file: Buffer): Buffer {
	return Buffer.from(file).fill(0, 40, 48).fill(0, 60, 64);
}
