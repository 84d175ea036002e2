import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoryBytes } from '../../src/readers/bytes/bytes.ts';
import {
	callerOf,
	callFrames,
	codeAddress,
	type Frame,
	innermostFrame,
	type Memory,
	type PlacedFrames,
} from '../../src/readers/unwind/unwind.ts';
import { exec, program, root, temporaryFolder } from '../support/crash.ts';
import { missingOf, testUnless } from '../support/needed.ts';

/** Debian: gcc-aarch64-linux-gnu, qemu-user. */
const missing = missingOf(['aarch64-linux-gnu-gcc', 'qemu-aarch64']);

describe('the callers of a function are those that the unwinder of the compiler finds', () => {
	for (const [how, words] of [
		['plain', 'when it is called'],
		['signal', 'when a signal calls it'],
		['aside', 'when a signal calls it on a stack of its own'],
	] as const)
		test(words, async () => {
			const file = await program('unwinds.c', ['-O2']);
			await expectSameCallers((await exec(file, [how])).stdout, file);
		});

	test('without optimisation, by frame pointers', async () => {
		const file = await program('unwinds.c', ['-O0']);
		await expectSameCallers((await exec(file, ['signal'])).stdout, file);
	});

	testUnless('on aarch64', missing, async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'unwinds');
		const source = join(root, 'test/support/programs/unwinds.c');
		await exec('aarch64-linux-gnu-gcc', ['-O2', '-static', '-mbranch-protection=standard', '-o', file, source]);
		await expectSameCallers((await exec('qemu-aarch64', [file, 'plain'])).stdout, file);
	});
});

async function expectSameCallers(told: string, file: string): Promise<void> {
	const { registers, callers, modules, memory } = readTold(told);
	expect(callers.length).toBeGreaterThan(12);
	const placed = await Promise.all(
		modules.map(async ({ bias, path }) => ({ bias, frames: await callFrames(memoryBytes(readFileSync(path === '' ? file : path))) })),
	);
	const machine = placed[0]?.frames.machine ?? expect.unreachable('it told of no module');
	const frame = innermostFrame(registers, machine) ?? expect.unreachable('it told no pc');
	const stack = await stackOf(frame, placed, memory);
	expect(stack).toEqual({ callers, end: 'outermost' });
}

/** Each module is asked: they tell only where they begin. */
async function stackOf(first: Frame, placed: readonly PlacedFrames[], memory: Memory) {
	const callers: bigint[] = [];
	for (let frame = first; callers.length < 100; ) {
		const asked = await Promise.all(placed.map(async (one) => ((await one.frames.rowAt(codeAddress(frame) - one.bias)) ? [one] : [])));
		const step = await callerOf(frame, asked.flat()[0] ?? expect.unreachable('nothing describes it'), memory);
		if (step.is !== 'caller') return { callers, end: step.is === 'stopped' ? step.stop : step.is };
		callers.push(step.frame.pc);
		frame = step.frame;
	}
	return { callers, end: 'too deep' };
}

function readTold(told: string) {
	const lines = (kind: string) => [...told.matchAll(new RegExp(`^${kind} (.*)$`, 'gm'))].map(([, rest = '']) => rest.split(' '));
	const number = (text = '') => BigInt(`0x${text}`);
	const stretches = lines('memory').map(([start, bytes = '']) => ({ start: number(start), bytes: Buffer.from(bytes, 'hex') }));
	const memory: Memory = async (address, length) => {
		for (const { start, bytes } of stretches) {
			const at = address - start;
			if (at >= 0n && at + BigInt(length) <= bytes.length) return bytes.subarray(Number(at), Number(at) + length);
		}
		return undefined;
	};
	return {
		registers: Object.fromEntries(lines('register').map(([name, value]) => [name, number(value)])),
		callers: lines('caller').map(([pc]) => number(pc)),
		modules: lines('module')
			.map(([base, path = '']) => ({ bias: number(base), path }))
			.filter(({ path }) => !path.startsWith('linux-vdso')),
		memory,
	};
}
