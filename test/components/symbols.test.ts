import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findModules, type SymbolPlaces } from '../../src/components/analyzer/analyzer.ts';
import { debuginfod } from '../../src/drivers/debuginfod/debuginfod.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { analyseCore } from '../support/analysis.ts';
import { auxv, coreFile, mappedFiles, moduleStart, prstatus } from '../support/corefile.ts';
import { crashTest, program, temporaryFolder } from '../support/crash.ts';
import { debuginfodOver, faultyDebuginfod, missingDebuginfod, splitters } from '../support/debuginfod.ts';
import { describeUnless } from '../support/needed.ts';
import { splitCrash } from '../support/split-crash.ts';

/** What is known of the crash with all symbols. */
const whole = { function: 'write_null', file: expect.stringMatching(/faults\.c$/), line: expect.any(Number), confidence: 'high' };

describe('debug information by build-id', () => {
	for (const below of ['', 'usr/lib/debug']) {
		crashTest(`is found in ${below || 'the folder itself'}, of either packager`, async () => {
			for (const by of ['objcopy', 'eu-strip'] as const) {
				await using one = await splitCrash(by);
				const bare = await analyseCore(one.core);
				expect(bare.culprit).toMatchObject({ module: one.executable, confidence: 'medium' });
				expect(bare.culprit?.function).toBeUndefined();
				await using place = await temporaryFolder();
				one.put(one.debug, join(place.path, below), 'debuginfo');
				const { culprit, modules, notes } = await analyseCore(one.core, { places: { sysroot: '/', paths: [place.path] } });
				expect(culprit).toMatchObject(whole);
				expect(modules.find(({ path }) => path === one.executable)).toMatchObject({ symbols: 'full', file: 'same' });
				expect(notes).toEqual([]);
			}
		});
	}

	crashTest('is found below the root in which the process ran', async () => {
		await using one = await splitCrash();
		await using root = await temporaryFolder();
		mkdirSync(join(root.path, one.executable, '..'), { recursive: true });
		copyFileSync(one.executable, join(root.path, one.executable));
		const places = { sysroot: root.path, paths: [] };
		expect((await analyseCore(one.core, { places })).culprit?.function).toBeUndefined();
		one.put(one.debug, join(root.path, 'usr/lib/debug'), 'debuginfo');
		const { culprit, modules } = await analyseCore(one.core, { places });
		expect(culprit).toMatchObject({ function: 'write_null', line: expect.any(Number) });
		expect(modules.find(({ path }) => path === one.executable)).toMatchObject({ symbols: 'full' });
	});

	crashTest('of another build is not used, and that is said', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		await splitters.objcopy(await program('faults.c', ['-g', '-O2']), {
			stripped: join(place.path, 'other'),
			debug: join(place.path, 'other.debug'),
		});
		const wrong = one.put(join(place.path, 'other.debug'), place.path, 'debuginfo');
		const { culprit, modules, notes } = await analyseCore(one.core, { places: { sysroot: '/', paths: [place.path] } });
		expect(culprit?.function).toBeUndefined();
		expect(modules.find(({ path }) => path === one.executable)).toMatchObject({ symbols: 'names' });
		expect(notes).toEqual([
			`${wrong} is of another build than its name says, and was not used`,
			expect.stringMatching(/faults has no names for all that is in the stack; give its debug information by --symbols/),
		]);
		// A right one further on is found all the same.
		one.put(one.debug, join(place.path, 'usr/lib/debug'), 'debuginfo');
		expect((await analyseCore(one.core, { places: { sysroot: '/', paths: [place.path] } })).culprit).toMatchObject(whole);
	});
});

crashTest('an executable is found by its build-id, where packages have links to it, and another of that name is not used', async () => {
	await using one = await splitCrash();
	await using place = await temporaryFolder();
	const kept = join(place.path, 'kept');
	copyFileSync(one.executable, kept);
	one.put(one.debug, place.path, 'debuginfo');
	rmSync(one.executable);
	const analysed = () => analyseCore(one.core, { places: { sysroot: '/', paths: [place.path] } });
	const wrong = one.put('/bin/true', place.path, 'executable');
	const without = await analysed();
	expect(without.notes).toContain(`${wrong} is of another build than its name says, and was not used`);
	expect(without.notes).toContainEqual(
		`${one.executable} is not here: the stack ends at it; give it by --exe, --sysroot, --symbols or --debuginfod (analyzer.symbols.paths, analyzer.symbols.debuginfod)`,
	);
	expect(without.modules.find(({ path }) => path === one.executable)).toMatchObject({ file: 'missing' });
	rmSync(wrong);
	for (const below of ['', 'usr/lib/debug', 'usr/lib']) {
		const right = one.put(kept, join(place.path, below), 'executable');
		const { culprit, notes } = await analysed();
		expect([below, culprit, notes]).toEqual([below, expect.objectContaining(whole), []]);
		rmSync(right);
	}
});

describeUnless('with a real debuginfod', missingDebuginfod, { timeout: 120_000 }, () => {
	for (const by of ['objcopy', 'eu-strip'] as const) {
		crashTest(`a program that is nowhere any more is found with its debug information, split by ${by}`, async () => {
			await using one = await splitCrash(by);
			await using place = await temporaryFolder();
			const served = join(place.path, 'served');
			mkdirSync(served);
			copyFileSync(one.executable, join(served, 'faults'));
			copyFileSync(one.debug, join(served, 'faults.debug'));
			rmSync(one.executable);
			await using real = await debuginfodOver(served);
			const server = debuginfod({ address: real.address, folder: join(place.path, 'kept') });
			const steps: string[] = [];
			const analysed = () =>
				analyseCore(one.core, { places: { sysroot: '/', paths: [], debuginfod: server }, onProgress: (step) => steps.push(step) });
			const { culprit, modules, notes } = await analysed();
			expect(culprit).toMatchObject(whole);
			expect(modules.find(({ path }) => path === one.executable)).toMatchObject({ symbols: 'full', file: 'same' });
			expect(notes.filter((note) => !/^debuginfod \S+ has no debug information of /.test(note))).toEqual([]);
			expect(steps).toContain('fetching files');
			// It is kept.
			await real[Symbol.asyncDispose]();
			expect((await analysed()).culprit).toMatchObject(whole);
		});
	}
});

/** A process that had mapped so many modules which are nowhere, as its core has it; the executable last. */
async function coreOfMany(count: number, folder: string) {
	const idOf = (index: number) => index.toString(16).padStart(40, '0');
	const base = (index: number) => BigInt(index + 1) << 20n;
	const parts = Array.from({ length: count }, (_, index) => ({
		path: join(folder, `lib${index}.so`),
		start: base(index),
		end: base(index) + 0x1000n,
	}));
	const registers = Array.from({ length: 27 }, () => 0n);
	registers[16] = base(count - 2) + 0x10n; // rip
	const loads = parts.map(({ start }, index) => ({ address: start, flags: 5, bytes: moduleStart(62, idOf(index)) }));
	const core = join(folder, 'core');
	const entry = auxv({ 9: base(count - 1) + 0x20n }); // AT_ENTRY
	writeFileSync(core, coreFile(62, [prstatus({ id: 1, signal: 11, registers }), entry, mappedFiles(parts)], loads));
	return { idOf, corefile: await readPass(core), paths: parts.map(({ path }) => path) };
}

async function found(corefile: Awaited<ReturnType<typeof readPass>>, places: Partial<SymbolPlaces>) {
	const notes: string[] = [];
	const modules = await findModules(corefile, { sysroot: '/', paths: [], ...places }, 0, { onNote: (note) => notes.push(note) });
	return { modules, notes };
}

describe('a server is asked', () => {
	test('first for what is likely in the stacks, and not for all', async () => {
		await using folder = await temporaryFolder();
		const { corefile, idOf, paths } = await coreOfMany(40, folder.path);
		expect(corefile.executable).toBe(paths[39]);
		await using server = await faultyDebuginfod(() => ({ status: 404 }));
		const { modules, notes } = await found(corefile, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		const asked = server.asked().map(({ path }) => path.split('/')[2]);
		expect(asked.toSorted()).toEqual([...Array(30).keys(), 38, 39].map(idOf));
		expect(modules.every(({ module }) => module.file === 'missing')).toBe(true);
		expect(notes).toEqual([
			`debuginfod ${server.address} has no copy of lib39.so, lib38.so, lib0.so and 29 more`,
			`debuginfod ${server.address} was not asked for 8 more files: 32 are the most for one crash`,
		]);
	});

	test('once where it is away, and that is one line', async () => {
		await using folder = await temporaryFolder();
		const { corefile } = await coreOfMany(30, folder.path);
		await using server = await faultyDebuginfod(() => ({}));
		await server[Symbol.asyncDispose]();
		const { modules, notes } = await found(corefile, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		expect(modules).toHaveLength(30);
		expect(notes).toEqual([
			`debuginfod ${server.address} did not help with lib29.so, lib28.so, lib0.so and 27 more: nothing listens there (connection refused)`,
		]);
	});

	test('in vain for a file of another machine, or of another build', async () => {
		await using folder = await temporaryFolder();
		const { corefile, idOf } = await coreOfMany(2, folder.path);
		await using server = await faultyDebuginfod((path) => ({
			body: path.includes(idOf(0)) ? moduleStart(183, idOf(0)) : moduleStart(62, idOf(7)),
		}));
		const { modules, notes } = await found(corefile, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		expect(modules.map(({ loaded }) => loaded)).toEqual([undefined, undefined]);
		expect(notes).toEqual([
			`debuginfod ${server.address} did not help with lib1.so: what it gave is another build`,
			`debuginfod ${server.address} did not help with lib0.so: what it gave is of another machine`,
		]);
	});

	test('in vain for debug information of another machine', async () => {
		await using folder = await temporaryFolder();
		const { corefile, idOf, paths } = await coreOfMany(1, folder.path);
		writeFileSync(paths[0] ?? '', moduleStart(62, idOf(0)));
		await using server = await faultyDebuginfod(() => ({ body: moduleStart(183, idOf(0)) }));
		const { modules, notes } = await found(corefile, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		expect(modules[0]?.loaded).toEqual({ path: paths[0], file: paths[0], bias: expect.any(String) });
		expect(notes).toEqual([`debuginfod ${server.address} did not help with lib0.so: what it gave is of another machine`]);
	});

	test('for the debug information of files that are here too, and goes on without', async () => {
		await using folder = await temporaryFolder();
		const { corefile, idOf, paths } = await coreOfMany(3, folder.path);
		for (const [index, path] of paths.entries()) writeFileSync(path, moduleStart(62, idOf(index)));
		await using server = await faultyDebuginfod(() => ({ status: 500 }));
		const { modules, notes } = await found(corefile, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		expect(modules.map(({ module }) => module.file)).toEqual(['same', 'same', 'same']);
		expect(server.asked().map(({ path }) => path.split('/')[3])).toEqual(['debuginfo', 'debuginfo', 'debuginfo']);
		expect(notes).toEqual([`debuginfod ${server.address} did not help with lib2.so, lib1.so, lib0.so: it answers with HTTP 500`]);
	});

	test('not at all where all is here, or nothing is known to ask by', async () => {
		await using folder = await temporaryFolder();
		const { corefile } = await coreOfMany(1, folder.path);
		const without = { ...corefile, modules: corefile.modules.map(({ buildId: _, ...one }) => one) };
		await using server = await faultyDebuginfod(() => ({ status: 404 }));
		const { notes } = await found(without, { debuginfod: debuginfod({ address: server.address, folder: folder.path }) });
		expect([notes, server.asked()]).toEqual([[], []]);
	});
});
