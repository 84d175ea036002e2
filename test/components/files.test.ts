import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyse } from '../../src/components/analyzer/analyzer.ts';
import { examine } from '../../src/components/collector/collector.ts';
import { ContentLost } from '../../src/domain/backend.ts';
import { elfFile } from '../../src/readers/elf/elf.ts';
import { analyseCore } from '../support/analysis.ts';
import { coreFile, mappedFiles, moduleStart, prstatus } from '../support/corefile.ts';
import { crash, crashTest, exec, program, root, temporaryFolder } from '../support/crash.ts';

const flags = ['-g', '-O1', '-Wl,--build-id=none'];

describe('a file that can not be compared with the core', () => {
	crashTest('is used, and that is said; the culprit is no surer than its file', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'faults');
		copyFileSync(await program('faults.c', flags), path);
		await using crashed = await crash(path, ['null']);
		const { culprit, modules, notes } = await analyseCore(crashed.core);
		expect(modules.find((module) => module.path === path)).toEqual({ path, symbols: 'full', file: 'unverified' });
		expect(culprit).toMatchObject({ function: 'write_null', confidence: 'medium' });
		expect(notes).toEqual([`${path} could not be compared with the core, which holds no build-id of it`]);
	});

	crashTest('is not used if it was changed after the crash, unless it is given by hand', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'faults');
		copyFileSync(await program('faults.c', flags), path);
		await using crashed = await crash(path, ['null']);
		utimesSync(path, Date.now() / 1000 + 60, Date.now() / 1000 + 60);
		const { culprit, modules, notes } = await analyseCore(crashed.core);
		expect(modules.find((module) => module.path === path)).toEqual({ path, symbols: 'none', file: 'replaced' });
		expect(culprit?.function).toBeUndefined();
		expect(notes).toContainEqual(
			expect.stringMatching(`^${path} was changed or deleted since it was mapped, and was not used; give the right one`),
		);
		const given = await analyseCore(crashed.core, { places: { sysroot: '/', paths: [], executable: path } });
		expect(given.culprit).toMatchObject({ function: 'write_null', confidence: 'medium' });
	});
});

crashTest('a core that names a mapped file by a path out of the folder is not given to gdb', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	const bytes = readFileSync(crashed.core);
	const name = Buffer.from((await analyseCore(crashed.core)).modules.find(({ path }) => path.includes('libc'))?.path ?? '');
	bytes.set(Buffer.from('//../../..'), bytes.indexOf(Buffer.concat([Buffer.of(0), name])) + 1);
	writeFileSync(crashed.core, bytes);
	const { notes, stack, threads } = await analyseCore(crashed.core);
	expect({ stack, threads: threads.length }).toEqual({ stack: 'agent', threads: 1 });
	expect(notes).toContain('gdb added nothing to the stacks: the core names mapped files by forged paths');
});

test('with few files that may be open, those that are there are found', async () => {
	await using folder = await temporaryFolder();
	const parts = Array.from({ length: 400 }, (_, index) => {
		const path = join(folder.path, `lib${index}.so`);
		writeFileSync(path, Buffer.concat([moduleStart(62, 'ab'.repeat(20)), Buffer.alloc(64)]));
		return { path, start: BigInt(index + 1) << 20n, end: (BigInt(index + 1) << 20n) + 0x1000n };
	});
	const core = join(folder.path, 'core');
	const status = prstatus({ id: 1, signal: 11, registers: Array.from({ length: 27 }, () => 0n) });
	const loads = parts.map(({ start }) => ({ address: start, flags: 5, bytes: moduleStart(62, 'ab'.repeat(20)) }));
	writeFileSync(core, coreFile(62, [status, mappedFiles(parts)], loads));
	const script = `
		import { findModules } from '${root}/src/components/analyzer/analyzer.ts';
		import { readPass } from '${root}/src/readers/corefile/corefile.ts';
		const found = await findModules(await readPass(process.argv[1]), { sysroot: '/', paths: [] }, 0);
		console.log(Object.entries(Object.groupBy(found, ({ module }) => module.file)).map(([file, list]) => file + ' ' + list.length).join());`;
	const { stdout } = await exec('bash', [
		'-c',
		'ulimit -n 64; exec "$0" "$@"',
		process.execPath,
		'--input-type=module',
		'-e',
		script,
		core,
	]);
	expect(stdout).toBe('same 400\n');
});

describe('what is no regular file is no executable', () => {
	test('a device, a FIFO, a folder, and what is not there', async () => {
		await using folder = await temporaryFolder();
		const fifo = join(folder.path, 'fifo');
		await exec('mkfifo', [fifo]);
		for (const path of ['/dev/zero', fifo, folder.path, join(folder.path, 'nothing'), join(fifo, 'below'), `/${'x'.repeat(300)}`])
			expect([path, await elfFile(path)]).toEqual([path, undefined]);
	});
});

describe('a core that another took the place of', () => {
	const options = {
		places: { sysroot: '/', paths: [] },
		gdb: { timeoutMs: 60_000 },
		panicKeywords: [],
		knownIssues: [],
	};

	crashTest('before it was read is lost', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { event } = await examine(crashed.core, { now: Date.now() });
		appendFileSync(crashed.core, 'x');
		const lost = analyse(event.body, { ...options, scratch: { path: crashed.folder, maxBytes: 1e9 } });
		await expect(lost).rejects.toThrow(new ContentLost('another file has taken the place of the core file'));
	});

	crashTest('while its stacks were read is lost', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		await using other = await crash(await program('faults.c'), ['abort']);
		const { event } = await examine(crashed.core, { now: Date.now() });
		mkdirSync(join(crashed.folder, 'scratch'));
		const lost = analyse(event.body, {
			...options,
			scratch: { path: join(crashed.folder, 'scratch'), maxBytes: 1e9 },
			onProgress: (step) => {
				if (step === 'unwinding') renameSync(other.core, crashed.core);
			},
		});
		await expect(lost).rejects.toThrow(new ContentLost('another file has taken the place of the core file'));
	});
});

crashTest('without gdb a core that is not packed needs no place to work in', async () => {
	await using crashed = await crash(await program('faults.c'), ['null']);
	const { notes } = await analyseCore(crashed.core, { gdb: undefined, scratch: { path: '/proc/nope', maxBytes: 1e9 } });
	expect(notes).toEqual([]);
	const withGdb = await analyseCore(crashed.core, { scratch: { path: '/proc/nope', maxBytes: 1e9 } });
	expect(withGdb.notes).toContainEqual(expect.stringMatching(/^gdb added nothing to the stacks: \/proc\/nope can't be used: ENOENT/));
});
