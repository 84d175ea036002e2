import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memoryBytes } from '../../src/readers/bytes/bytes.ts';
import { callerOf, callFrames, describeStop, UnwindError } from '../../src/readers/unwind/unwind.ts';
import { cie, codeStart, endOfFrames, fde, moduleWith, number, uleb } from '../support/call-frames.ts';
import { program } from '../support/crash.ts';

const rowIn = async (file: Buffer) => (await callFrames(memoryBytes(file))).rowAt(codeStart + 0x100n);
const rowOf = (instructions: readonly number[], common: Parameters<typeof cie>[0] = {}) => {
	const first = cie(common);
	return rowIn(moduleWith([...first, ...fde(first.length, instructions), ...endOfFrames]));
};
const many = (count: number, bytes: readonly number[]) => Array.from({ length: count }, () => bytes).flat();

describe('a program that can not be is an error that says what and where', () => {
	for (const [name, instructions, words] of [
		['an instruction that nobody defined', [0x3f], /^the instruction 0x3f is not understood \(at 0x[0-9a-f]+\)$/],
		['one that is cut off', [0x04, 1], /^ends before 4 more bytes that belong to it/],
		['a LEB128 that goes on and on', [0x0e, ...many(11, [0xff])], /^a LEB128 number has more than 10 bytes/],
		['a register that no processor has', [0x05, ...uleb(1n << 60n), 1], /^a register is 1152921504606846976; expected at most 255/],
		['an expression longer than its program', [0x0f, ...uleb(60_000)], /^ends before 60000 more bytes/],
		[
			'an expression of a size without measure',
			[0x0f, ...uleb(1n << 63n)],
			/^the length of an expression is 9223372036854775808; expected at most 65536/,
		],
		['a state that was not remembered', [0x0b], /^goes back to a state that was not remembered/],
		['states without end', many(65, [0x0a]), /^remembers more than 64 states/],
		['instructions without end', many(40_000, [0x0a, 0x0b]), /^more than 65536 instructions/],
		['half of a CFA that is an expression', [0x0f, 1, 0x30, 0x0e, 8], /^changes half of a CFA that is not a register and an offset/],
	] as const)
		test(name, async () => {
			const error = await rowOf(instructions).then(
				() => undefined,
				(thrown) => thrown,
			);
			expect(error).toBeInstanceOf(UnwindError);
			expect(error.message).toMatch(words);
		});
});

describe('entries that can not be are errors that say what and where', () => {
	test.for([
		['a CIE of an unknown version', { version: 2 }, /^a CIE has version 2; expected 1, 3 or 4/],
		['an augmentation of unknown length', { augmentation: 'eh' }, /^a CIE has the augmentation "eh"; expected z first/],
		['addresses that are encoded as nobody does', { data: [0x7f] }, /^a pointer is encoded as 0x7f, which is not understood/],
		['addresses that must be loaded', { data: [0x80] }, /^a pointer is encoded as 0x80, which is not understood/],
		[
			'augmentation data that is too short for its letters',
			{ augmentation: 'zRL', data: [0] },
			/^the augmentation data of a CIE is longer than it says/,
		],
		['no CFA', { program: [] }, /^nothing says what the CFA is/],
	] as const)('%s', async ([, common, words]) => {
		const error = await rowOf([], common).then(
			() => undefined,
			(thrown) => thrown,
		);
		expect(error).toBeInstanceOf(UnwindError);
		expect(error.message).toMatch(words);
	});

	const first = cie();
	const [pair] = [{ start: codeStart, at: first.length }];
	test.for([
		['an FDE whose CIE is itself', moduleWith([...first, ...fde(0, [])]), /^an FDE leads to what is no CIE/],
		[
			'an FDE whose CIE is outside',
			moduleWith([...first, ...fde(0x7fff_0000, [])]),
			/^leads to an address that no segment of the file holds \(at 0x/,
		],
		[
			'an entry longer than all',
			moduleWith([...number(0x7fff_ffff, 4), ...first.slice(4)]),
			/^an entry has 2147483647 bytes; expected 4 to \d+ \(at 0x/,
		],
		[
			'an entry of 2^63 bytes',
			moduleWith([...number(0xffff_ffff, 4), ...number(1n << 63n, 8), ...first]),
			/^an entry has 9223372036854775808 bytes; expected 4 to/,
		],
		['an entry of no length but its own', moduleWith([...number(1, 4), ...first.slice(4)]), /^an entry has 1 bytes; expected 4 to/],
		['a table that leads to a CIE', moduleWith(first, { pairs: [{ ...pair, at: 0 }] }), /^\.eh_frame_hdr leads to a CIE; expected an FDE/],
		[
			'a table that leads outside',
			moduleWith(first, { pairs: [{ ...pair, at: 0x7000_0000 }] }),
			/^leads to an address that no segment of the file holds/,
		],
		[
			'a table longer than its segment',
			moduleWith(first, { pairs: [pair], count: 1 << 30 }),
			/^\.eh_frame_hdr announces 1073741824 entries; it has room for 1/,
		],
		[
			'code beyond all addresses',
			moduleWith([...first, ...fde(first.length, [], { start: -1n, length: 0x1000 })]),
			/^describes code from 0xf+ to 0x10+fff, beyond all addresses/,
		],
	] as const)('%s', async ([, file, words]) => {
		const error = await rowIn(file).then(
			() => undefined,
			(thrown) => thrown,
		);
		expect(error).toBeInstanceOf(UnwindError);
		expect(error.message).toMatch(words);
	});

	test('an entry that the file has no more of', async () => {
		const file = moduleWith([...first, ...fde(first.length, many(8, [0x83, 2]))]);
		await expect(rowIn(file.subarray(0, -4))).rejects.toThrow(/^the file ends within an entry \(at 0x/);
	});

	test('a file that is something else', async () => {
		await expect(callFrames(memoryBytes(Buffer.from('#!/bin/sh\n')))).rejects.toThrow('is not an ELF64 file, little-endian');
		await expect(callFrames(memoryBytes(moduleWith(first, { machine: 243 })))).rejects.toThrow(
			'is for the processor 243; expected one of 62, 183',
		);
	});
});

test('a table that is out of order finds nothing, or what is there', async () => {
	const first = cie();
	const second = fde(first.length, []);
	const entries = [...first, ...second, ...fde(first.length + second.length, [], { start: codeStart + 0x2000n })];
	const pairs = [
		{ start: codeStart + 0x2000n, at: first.length + second.length },
		{ start: codeStart, at: first.length },
	];
	const { rowAt } = await callFrames(memoryBytes(moduleWith(entries, { pairs })));
	expect(await rowAt(codeStart + 0x2100n)).toBeUndefined();
	expect(await rowAt(codeStart + 0x100n)).toMatchObject({ cfa: { offset: 8n } });
});

test('a module with damaged information, or none, ends the stack with the reason', async () => {
	const first = cie();
	const stopOf = async (file: Buffer) => {
		const frames = await callFrames(memoryBytes(file));
		const frame = { pc: codeStart + 0x7f00_0000_0100n, registers: new Map([[7, 0x7000n]]), isExact: true };
		const step = await callerOf(frame, { frames, bias: 0x7f00_0000_0000n }, async () => undefined);
		return step.is === 'stopped' ? describeStop(step.stop, frames.machine) : step;
	};
	expect(await stopOf(moduleWith(first))).toBe('nothing describes the frame of the code at 0x7f0000100100');
	expect(await stopOf(moduleWith([...first, ...fde(first.length, [0x3f])]))).toMatch(
		/^its call frame information can't be used: the instruction 0x3f is not understood \(at 0x[0-9a-f]+\)$/,
	);
	expect(await stopOf(moduleWith([...first, ...fde(first.length, [])]))).toBe('the 8 bytes of memory at 0x7000 are not there');
});

describe('whatever is wrong with a real one, there is a row, none, or an error', () => {
	test('bytes that were changed', async () => {
		const file = readFileSync(await program('unwinds.c', ['-O2']));
		const [start, end] = framesIn(file);
		const next = pseudoRandom(20_26);
		let errors = 0;
		for (let round = 0; round < 500; round++) {
			const changed = Buffer.from(file);
			for (let change = 0; change < 3; change++) changed[start + (next() % (end - start))] = next() % 256;
			errors += await errorsIn(changed);
		}
		expect(errors).toBeGreaterThan(50);
	});

	test('bytes that are missing', async () => {
		const file = readFileSync(await program('unwinds.c', ['-O2']));
		const [start, end] = framesIn(file);
		let errors = 0;
		for (let length = start; length < end; length += 3) errors += await errorsIn(file.subarray(0, length));
		expect(errors).toBeGreaterThan(100);
	});
});

/** Asks for every 64th byte of code. @returns how often the answer was an error */
async function errorsIn(file: Buffer): Promise<number> {
	let errors = 0;
	const count = (error: unknown) => {
		if (!(error instanceof UnwindError)) throw error;
		errors++;
	};
	const frames = await callFrames(memoryBytes(file)).catch(count);
	for (let address = 0x1000n; frames && address < 0x1800n; address += 64n) await frames.rowAt(address).catch(count);
	return errors;
}

/** From PT_GNU_EH_FRAME to the end of the entries, which linkers put behind it. */
function framesIn(file: Buffer): [start: number, end: number] {
	const table = Number(file.readBigUInt64LE(32));
	const headers = Array.from({ length: file.readUInt16LE(56) }, (_, index) => table + 56 * index);
	const at = headers.find((at) => file.readUInt32LE(at) === 0x6474e550) ?? expect.unreachable('there is no .eh_frame_hdr');
	const start = Number(file.readBigUInt64LE(at + 8));
	return [start, start + 4 * Number(file.readBigUInt64LE(at + 32))];
}

/** The same in each run. */
function pseudoRandom(seed: number) {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state >>> 8;
	};
}
