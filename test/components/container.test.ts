import { copyFileSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { analyse, type LayersOf } from '../../src/components/analyzer/analyzer.ts';
import { examine } from '../../src/components/collector/collector.ts';
import type { Association } from '../../src/domain/report.ts';
import { elfFile } from '../../src/readers/elf/elf.ts';
import { crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';

const id = 'ab'.repeat(32);
const association: Association = { method: 'cgroup', confidence: 'exact', container: 'querynode', containerId: id, image: 'milvus:1' };

/** A crash of a program that is nowhere any more but in the layers of a container: stripped, with its symbols in a file of their own. */
async function crashed() {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const executable = place('bin/faults');
	mkdirSync(place('bin'));
	copyFileSync(await program('faults.c'), executable);
	const [image, base] = [place('image'), place('base')];
	const put = (layer: string, path: string, from: string) => {
		mkdirSync(dirname(join(layer, path)), { recursive: true });
		copyFileSync(from, join(layer, path));
	};
	const { buildId = '' } = (await elfFile(executable)) ?? {};
	const debugFile = `/usr/lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
	mkdirSync(dirname(join(base, debugFile)), { recursive: true });
	await exec('objcopy', ['--only-keep-debug', executable, join(base, debugFile)]);
	await exec('strip', [executable]);
	put(image, executable, executable);
	for (const [, library = ''] of (await exec('ldd', [executable])).stdout.matchAll(/(\/\S+) \(0x/g))
		put(base, realpathSync(library), library);
	await using stack = new AsyncDisposableStack();
	stack.use(folder);
	const core = stack.use(await crash(executable, ['null']));
	rmSync(executable);
	const found = (await examine(core.core, { now: Date.now() })).event.body;
	const held = stack.move();
	return {
		...{ executable, image, base, upper: place('upper'), put },
		async analyse(layersOf: LayersOf, more: { readonly association?: Association; readonly gdb?: undefined } = { association }) {
			await using scratch = await temporaryFolder();
			const options = { places: { paths: [] }, scratch: { path: scratch.path, maxBytes: 1e9 }, panicKeywords: [], knownIssues: [] };
			const { association: whose, ...others } = more;
			return (
				await analyse({ ...found, ...(whose && { association: whose }) }, { ...options, layersOf, gdb: { timeoutMs: 60_000 }, ...others })
			).analysis;
		},
		[Symbol.asyncDispose]: () => held.disposeAsync(),
	};
}

describe('the symbols of a process that ran in a container', () => {
	crashTest('are of its own files, with their debug information, wherever among its layers they are', async () => {
		await using one = await crashed();
		const { executable, image, base, upper } = one;
		const whole = {
			...{
				stack: 'agent+gdb',
				notes: [],
				culprit: { function: 'write_null', file: expect.stringMatching(/faults\.c$/), confidence: 'high' },
			},
			modules: expect.arrayContaining([{ path: executable, buildId: expect.any(String), file: 'same', symbols: 'full' }]),
		};
		const asked: unknown[] = [];
		const fromImage = await one.analyse(async (container) => {
			asked.push(container);
			return { upper, lowers: [image, base] };
		});
		expect(fromImage).toMatchObject(whole);
		expect(fromImage.modules.every(({ file }) => file === 'same')).toBe(true);
		expect(asked).toMatchObject([{ containerId: id, container: 'querynode', image: 'milvus:1' }]);
		// What the container wrote itself hides what is below; it is the right file, or it is not used.
		one.put(upper, executable, join(image, executable));
		one.put(image, executable, '/bin/true');
		expect(await one.analyse(async () => ({ upper, lowers: [image, base] }))).toMatchObject(whole);
		one.put(upper, executable, '/bin/true');
		const replaced = await one.analyse(async () => ({ upper, lowers: [image, base] }));
		expect(replaced.modules.find(({ path }) => path === executable)).toMatchObject({ file: 'replaced' });
	});

	crashTest('are never of the machine that the agent is on, and what is missing is said once', async () => {
		await using one = await crashed();
		const { image, base } = one;
		const where =
			'unpack its image and give that by analyze --sysroot, put the files into a folder of analyzer.symbols.paths, or set analyzer.symbols.debuginfod to a server that has them';
		const cases = {
			[`the files of container ${id.slice(0, 12)} can't be found, as it ended before it was seen: ${where}`]: undefined,
			[`the files of container ${id.slice(0, 12)} are not on the node any more, as its image was removed: ${where}`]: {
				lowers: ['/gone/1', '/gone/2'],
			},
			[`1 of 2 layers of container ${id.slice(0, 12)} are not on the node any more, as its image was removed: ${where}`]: {
				lowers: ['/gone/1', image],
			},
		};
		for (const [note, layers] of Object.entries(cases)) {
			const { modules, notes } = await one.analyse(async () => layers);
			const libc = modules.find(({ path }) => basename(path).startsWith('libc'));
			expect(libc).toMatchObject({ file: 'missing', symbols: 'none' });
			expect(notes.filter((one) => one.includes(id.slice(0, 12)))).toEqual([note]);
		}
		// Nothing is said where nothing is missed.
		const { notes } = await one.analyse(async () => ({ lowers: [image, '/gone/1', base] }));
		expect(notes).toEqual([]);
		// It ran in no container that is known: then only the folders that were given.
		let isAsked = false;
		const nobodys = await one.analyse(async () => {
			isAsked = true;
			return undefined;
		}, {});
		expect(isAsked).toBe(false);
		expect(nobodys.modules.every(({ file }) => file === 'missing')).toBe(true);
	});
});
