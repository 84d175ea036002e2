import { copyFileSync, truncateSync } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Hex, hex } from '../../src/base/hex.ts';
import { callstacks } from '../../src/components/analyzer/callstack/callstack.ts';
import { type FoundModule, findModules } from '../../src/components/analyzer/modules.ts';
import type { StackFrame, Stacks } from '../../src/components/analyzer/stacks.ts';
import { type Corefile, readPass } from '../../src/readers/corefile/corefile.ts';
import { crash, crashTest, program, temporaryFolder } from '../support/crash.ts';
import { seeded } from '../support/gopclntab.ts';

const programs = [
	['C, many frames', 'faults.c', 'fifty', {}],
	['C++ that throws on a thread', 'throws.cc', 'thread', {}],
	['C++ with a handler', 'deaths.cc', 'fault', {}],
	['Go, struck in C', 'gocrash', 'C fault', { GOTRACEBACK: 'crash' }],
	['Go, struck in Go', 'gocrash', 'nil', { GOTRACEBACK: 'crash' }],
	['Go with threads of C', 'gocrash', 'C thread abort', { GOTRACEBACK: 'crash' }],
] as const;

/** Each is changed so often. */
const rounds = 40;
const [stackBytes, storageBytes] = [6144, 1280];
/** What these programs' stacks take is some hundred, and what a longest one takes is told apart from what never ends. */
const mostReads = 1_000_000;

describe('whatever is wrong in a core, its stacks end, in bounds, with a reason', () => {
	for (const [name, source, kind, environment] of programs) {
		crashTest(`${name}: what is on the stacks, and what Go keeps of its goroutines`, async () => {
			await using crashed = await crash(await program(source), [kind], { environment });
			const { corefile, modules } = await opened(crashed.core);
			const random = randomFrom(`${source} ${kind}`);
			const words = await wordsOfStacks(crashed.core, corefile);
			await using core = await open(crashed.core, 'r+');
			for (let round = 0; round < rounds; round++) {
				const changes = Array.from({ length: 1 + random.below(12) }, () => random.one(words));
				const saved = await Promise.all(changes.map(async (offset) => ({ offset, bytes: await wordAt(core, offset) })));
				for (const offset of changes) await core.write(wordOf(await hostile(random, core, words, corefile)), 0, 8, offset);
				expectSound(await stacksOf(crashed.core, corefile, modules), corefile);
				for (const { offset, bytes } of saved.reverse()) await core.write(bytes, 0, 8, offset);
			}
			expectSound(await stacksOf(crashed.core, corefile, modules), corefile);
		});

		crashTest(`${name}: registers`, async () => {
			await using crashed = await crash(await program(source), [kind], { environment });
			const { corefile, modules } = await opened(crashed.core);
			const random = randomFrom(`registers ${source} ${kind}`);
			const words = await wordsOfStacks(crashed.core, corefile);
			await using core = await open(crashed.core);
			for (let round = 0; round < rounds; round++) {
				const threads = await Promise.all(
					corefile.threads.map(async ({ id, signal, registers }) => {
						const changed: Record<string, Hex> = { ...registers };
						for (const register of ['rip', 'rsp', 'rbp', 'r14', 'fs_base', random.one(Object.keys(registers))])
							if (random.below(3) === 0) changed[register] = hex(await hostile(random, core, words, corefile));
						return { id, signal, registers: changed };
					}),
				);
				expectSound(await stacksOf(crashed.core, { ...corefile, threads }, modules), corefile);
			}
		});

		crashTest(`${name}: the files of its code`, async () => {
			await using crashed = await crash(await program(source), [kind], { environment });
			const { corefile, modules } = await opened(crashed.core);
			await using folder = await temporaryFolder();
			const random = randomFrom(`files ${source} ${kind}`);
			const executable = modules.find(({ module }) => module.path === corefile.executable);
			const file = join(folder.path, 'changed');
			const bytes = await readFile(executable?.loaded?.file ?? '');
			const parts = tablesOf(bytes);
			for (let round = 0; round < rounds; round++) {
				const changed = Buffer.from(bytes);
				for (let change = 0; change < 64; change++) {
					const { start, size } = random.one(parts);
					changed[start + random.below(size)] = random.below(256);
				}
				await writeFile(file, random.below(8) === 0 ? changed.subarray(0, random.below(changed.length)) : changed);
				const forged = modules.map((one) => (one === executable && one.loaded ? { ...one, loaded: { ...one.loaded, file } } : one));
				expectSound(await stacksOf(crashed.core, corefile, forged), corefile);
			}
		});
	}

	crashTest('a signal’s frame that leads to itself', async () => {
		await using crashed = await crash(await program('deaths.cc'), ['aborted in a handler']);
		const { corefile, modules } = await opened(crashed.core);
		const [thread] = (await stacksOf(crashed.core, corefile, modules)).threads;
		const trampoline = thread?.frames.find((frame) => frame.function === '<signal handler called>');
		const interrupted = thread?.faults.at(-1);
		const stackPointer = BigInt(corefile.threads[0]?.registers.rsp ?? 0);
		await using core = await open(crashed.core, 'r+');
		const { buffer: stack } = await core.read(Buffer.alloc(stackBytes), 0, stackBytes, corefile.extentAt(stackPointer)?.offset);
		const saved = stack.indexOf(Buffer.concat([wordOf(BigInt(interrupted?.stackPointer ?? 0)), wordOf(BigInt(interrupted?.pc ?? 0))]));
		expect(saved).toBeGreaterThan(0);
		const context = stackPointer + BigInt(saved - 160); // rsp and rip in struct ucontext of x86-64
		const forged = Buffer.concat([wordOf(context), wordOf(BigInt(trampoline?.pc ?? 0))]);
		await core.write(forged, 0, 16, corefile.extentAt(stackPointer + BigInt(saved))?.offset);
		const stacks = await stacksOf(crashed.core, corefile, modules);
		expectSound(stacks, corefile);
		expect(stacks.threads[0]?.ended).toBe('it leads back to where it was before');
	});

	crashTest('a Go stack that was to grow, where it is the scheduler’s own: nobody’s stack follows', async () => {
		await using crashed = await crash(await program('gopure', ['-ldflags=-s -w']), ['overflow'], { environment: { GOTRACEBACK: 'crash' } });
		const { corefile, modules } = await opened(crashed.core);
		const functions = async () => (await stacksOf(crashed.core, corefile, modules)).threads[0]?.frames.map((frame) => frame.function) ?? [];
		expect(await functions()).toContain('main.recurse');
		await using core = await open(crashed.core, 'r+');
		const at = async (address: bigint) => (await wordAt(core, corefile.extentAt(address)?.offset ?? 0)).readBigUInt64LE();
		const thread = await at((await at(BigInt(corefile.threads[0]?.registers.fs_base ?? 0) - 8n)) + 48n);
		const scheduler = await at(thread);
		// g0.sched.sp: where morestack would have begun to use that stack.
		const changed = wordOf((await at(scheduler + 56n)) + 4096n);
		await core.write(changed, 0, 8, corefile.extentAt(scheduler + 56n)?.offset);
		expect(await functions()).toContain('runtime.morestack');
		expect(await functions()).not.toContain('main.recurse');
	});

	crashTest('more frames, in all threads together, than there is time for', async () => {
		await using crashed = await crash(await program('faults.c'), ['overflow']);
		const { corefile, modules } = await opened(crashed.core);
		const [first] = corefile.threads;
		const threads = Array.from({ length: 2000 }, (_, id) => ({ id, signal: 0, registers: first?.registers ?? {} }));
		const stacks = await stacksOf(crashed.core, { ...corefile, threads }, modules);
		expectSound(stacks, corefile);
		expect(stacks.threads).toHaveLength(2000);
		expect(stacks.threads[0]).toMatchObject({ ended: null });
		expect(stacks.threads.at(-1)).toMatchObject({
			frames: [{ function: expect.any(String) }],
			ended: 'there are more frames than were counted',
		});
	});

	crashTest('a core that was cut off', async () => {
		await using crashed = await crash(await program('throws.cc'), ['thread']);
		const { corefile, modules } = await opened(crashed.core);
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'core');
		copyFileSync(crashed.core, file);
		for (let size = corefile.sizeBytes; size > 16_384; size -= 40_000) {
			truncateSync(file, size);
			const cut = await readPass(file);
			expectSound(await stacksOf(file, cut, modules), corefile);
		}
	});
});

async function opened(path: string) {
	const corefile = await readPass(path);
	return { corefile, modules: await findModules(corefile, { sysroot: '/', paths: [] }, Date.now()) };
}

/** With how often memory was asked for. */
async function stacksOf(core: string, corefile: Corefile, modules: readonly FoundModule[]): Promise<Stacks & { readonly reads: number }> {
	let reads = 0;
	const counted: Corefile = {
		...corefile,
		extentAt: (address) => {
			reads++;
			return corefile.extentAt(address);
		},
	};
	const stacks = await callstacks(core, counted, modules, { demangle: async () => new Map() });
	return { ...stacks, reads };
}

function expectSound({ threads, reads }: Stacks & { readonly reads: number }, corefile: Corefile) {
	expect(reads).toBeLessThan(mostReads);
	for (const { frames, ended, omittedFrames, faults } of threads) {
		const physical = frames.filter(({ inlined }) => !inlined);
		expect(physical.length).toBeGreaterThan(0);
		expect(physical.length).toBeLessThanOrEqual(200);
		expect(omittedFrames).toBeLessThanOrEqual(20_000);
		expect(faults.length).toBeLessThanOrEqual(20);
		if (ended !== null) expect(ended).toMatch(/\w/);
		expect(physical.filter((frame, index) => !isPlausible(frame, physical[index - 1], corefile))).toEqual([]);
	}
}

/** A signal, and a jump, can strike anywhere; what called something is code. */
const isPlausible = ({ pc }: StackFrame, callee: StackFrame | undefined, corefile: Corefile) =>
	callee === undefined ||
	callee.function === '<signal handler called>' ||
	corefile.locate(hex(BigInt.asUintN(64, BigInt(pc) - 1n))) !== undefined;

/** Where the file has each thread's stack near its end, what lies around its thread pointer, and what that leads to. */
async function wordsOfStacks(path: string, corefile: Corefile): Promise<readonly number[]> {
	await using core = await open(path);
	const words: number[] = [];
	const add = (address: bigint, length: number) => {
		const extent = corefile.extentAt(address);
		for (let at = 0; extent && at + 8 <= Math.min(length, extent.length); at += 8) words.push(extent.offset + at);
	};
	for (const { registers } of corefile.threads) {
		const [stackPointer, storage] = [BigInt(registers.rsp ?? 0) & ~7n, BigInt(registers.fs_base ?? 0)];
		add(stackPointer - 512n, stackBytes);
		add(storage - 1024n, storageBytes);
		const goroutine = corefile.extentAt(storage - 8n);
		const current = goroutine ? (await wordAt(core, goroutine.offset)).readBigUInt64LE() : 0n;
		if (current > 4096n) add(current, 512);
		const thread = corefile.extentAt(current + 48n);
		if (thread && current > 4096n) add((await wordAt(core, thread.offset)).readBigUInt64LE(), 512);
	}
	return words;
}

/** Of an ELF file, what its program headers lead to that is no code, by parts: the headers, and what follows from where a table begins. */
function tablesOf(file: Buffer): readonly { readonly start: number; readonly size: number }[] {
	const found = [{ start: 0, size: 1024 }];
	for (let at = Number(file.readBigUInt64LE(32)), left = file.readUInt16LE(56); left > 0; left--, at += 56) {
		const [type, flags] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)];
		const [start, size] = [Number(file.readBigUInt64LE(at + 8)), Number(file.readBigUInt64LE(at + 32))];
		if (size > 0 && (type !== 1 || (flags & 1) === 0)) found.push({ start, size });
	}
	const table = file.indexOf(Buffer.of(0, 0, 1, 8)) - 4; // the head of Go's functions, in any release since 1.16
	if (table > 0) found.push({ start: table, size: 64 }, { start: table, size: Math.min(1 << 18, file.length - table) });
	return found;
}

type Random = ReturnType<typeof randomFrom>;

/** The same in each run. */
function randomFrom(name: string) {
	const below = seeded([...Buffer.from(name)].reduce((sum, byte) => (sum * 31 + byte) % 2 ** 31, 7));
	return { below, one: <T>(items: readonly T[]) => items[below(items.length)] as T };
}

/** What a broken or forged stack may hold: no address, the ends of all addresses, other places of the same stacks, and what lies there. */
async function hostile(random: Random, core: FileHandle, words: readonly number[], { threads }: Corefile): Promise<bigint> {
	const { registers } = random.one(threads);
	const stackPointer = BigInt(registers.rsp ?? 0);
	switch (random.below(8)) {
		case 0:
			return random.one([0n, 1n, 7n, 8n, 4095n, 1n << 47n, 1n << 63n, (1n << 64n) - 1n, (1n << 64n) - 8n, (1n << 64n) - 4096n]);
		case 1:
			return BigInt(registers.rip ?? 0);
		case 2:
		case 3:
			return stackPointer + BigInt(8 * (random.below(256) - 64));
		case 4:
			return BigInt(registers.fs_base ?? 0) - BigInt(8 * random.below(128));
		case 5:
			return BigInt(random.below(2 ** 32)) * BigInt(random.below(2 ** 32));
		default:
			return (await wordAt(core, random.one(words))).readBigUInt64LE();
	}
}

async function wordAt(file: FileHandle, offset: number): Promise<Buffer> {
	const { buffer } = await file.read(Buffer.alloc(8), 0, 8, offset);
	return buffer;
}

function wordOf(value: bigint): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
	return bytes;
}
