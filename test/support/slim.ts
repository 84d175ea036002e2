import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { type FoundModule, findModules } from '../../src/components/analyzer/modules.ts';
import { type Slimming, slimCore } from '../../src/components/analyzer/slim/slim.ts';
import type { Core } from '../../src/domain/report.ts';
import { unpackForeign } from '../../src/drivers/compression/compression.ts';
import { gdbStacks, type Stacks } from '../../src/drivers/gdb/gdb.ts';
import { type Corefile, readPass } from '../../src/readers/corefile/corefile.ts';
import { temporaryFolder } from './crash.ts';

export type SlimCore = Extract<Slimming, { is: 'slim' }>;

/** Makes a core slim, or says why it isn't. */
export const slimming = (path: string, folder: string, encoding: Core['encoding'] = 'raw') =>
	slimCore({ path, encoding }, folder, {
		modulesOf: (corefile) => findModules(corefile, { sysroot: '/', paths: [] }, Date.now()),
		maxBytes: 1e9,
		timeLimitMs: 60_000,
		unpackForeign,
	});

export async function slimOf(path: string, folder: string, encoding?: Core['encoding']): Promise<SlimCore> {
	const slim = await slimming(path, folder, encoding);
	if (slim.is !== 'slim') throw new Error(slim.reason);
	return slim;
}

/** What a core says by itself, without what tells one file from another. */
export function said(corefile: Corefile) {
	const { siginfo, process, threads, executable, modules, initialStack, auxv, architecture, problems } = corefile;
	return { siginfo, process, threads, executable, modules, initialStack, auxv, architecture: architecture.name, problems };
}

const environmentNames = ['GOTRACEBACK', 'PATH'];

/** What a core says, and the stacks as we find them. */
export async function toldToUs(core: string, modules: readonly FoundModule[]) {
	const corefile = await readPass(core, { environmentNames });
	return { said: said(corefile), stacks: await callstacks(core, corefile, modules, { demangle: async () => new Map() }) };
}

/** The same, and the stacks by gdb as the analysis asks for them. */
export async function told(core: string, modules: readonly FoundModule[]) {
	return { ours: await toldToUs(core, modules), gdb: await byGdb(core, await readPass(core), modules) };
}

async function byGdb(core: string, { architecture }: Corefile, modules: readonly FoundModule[]): Promise<Stacks> {
	await using folder = await temporaryFolder();
	const loaded = modules.map(({ loaded }) => loaded).filter((one) => one !== undefined);
	return await gdbStacks({ core, architecture: architecture.name, modules: loaded, directory: folder.path }, { timeoutMs: 60_000 });
}

/** That whatever a slim core has of memory is what the whole one has there. @returns how much it is */
export async function expectSameBytes(slim: string, whole: string): Promise<number> {
	const [ofSlim, ofWhole] = [await readPass(slim), await readPass(whole)];
	await using slimFile = await open(slim);
	await using wholeFile = await open(whole);
	let compared = 0;
	for (const { p_vaddr, p_filesz } of ofSlim.segments.loads()) {
		const length = Number(p_filesz);
		if (length === 0) continue;
		const at = [ofSlim, ofWhole].map((core) => core.extentAt(p_vaddr)?.offset ?? -1) as [number, number];
		const read = async (file: typeof slimFile, offset: number) => (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
		expect((await read(slimFile, at[0])).equals(await read(wholeFile, at[1])), `0x${p_vaddr.toString(16)}`).toBe(true);
		compared += length;
	}
	return compared;
}

/** Asks for the slim core in a folder of its own, and compares all that is told of it with what is told of the whole. */
export async function expectSameTold(core: string, { packed = core, encoding }: { packed?: string; encoding?: Core['encoding'] } = {}) {
	await using folder = await temporaryFolder();
	const slim = await slimOf(packed, folder.path, encoding);
	expect(slim.path).toBe(join(folder.path, 'core.slim'));
	const [ofSlim, ofWhole] = [await told(slim.path, slim.modules), await told(core, slim.modules)];
	expect(ofSlim).toEqual(ofWhole);
	const isThere =
		ofWhole.gdb.threads.some(({ frames }) => frames.length > 1) && ofWhole.ours.stacks.threads.some(({ frames }) => frames.length > 1);
	expect(isThere).toBe(true);
	await expectSameBytes(slim.path, core);
	return { ...ofWhole, sizeBytes: slim.sizeBytes };
}
