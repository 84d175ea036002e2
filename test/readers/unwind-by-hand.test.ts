import { describe, expect, test } from 'vitest';
import { memoryBytes } from '../../src/readers/bytes/bytes.ts';
import { callerOf, callFrames, type Frame, type Machine, type Memory, machines, type Row, step } from '../../src/readers/unwind/unwind.ts';
import { cie, codeStart, endOfFrames, fde, moduleWith, number, sleb, uleb } from '../support/call-frames.ts';

const x8664 = machines.get(62) as Machine;
const aarch64 = machines.get(183) as Machine;

/** The row 0x100 bytes into a function with this program. */
async function rowOf(program: readonly number[], common: Parameters<typeof cie>[0] = {}, machine = 62): Promise<Row | undefined> {
	const first = cie(common);
	const frames = await callFrames(memoryBytes(moduleWith([...first, ...fde(first.length, program), ...endOfFrames], { machine })));
	return frames.rowAt(codeStart + 0x100n);
}

describe('each instruction does what DWARF says', () => {
	const offset = (value: number) => ({ is: 'offset', offset: BigInt(value) });
	for (const [name, program, register, rule] of [
		['offset', [0x83, 2], 3, offset(-16)],
		['offset_extended', [0x05, 3, 2], 3, offset(-16)],
		['offset_extended_sf', [0x11, 3, ...sleb(-2)], 3, offset(16)],
		['GNU_negative_offset_extended', [0x2f, 3, 2], 3, offset(16)],
		['val_offset', [0x14, 3, 2], 3, { is: 'val_offset', offset: -16n }],
		['val_offset_sf', [0x15, 3, ...sleb(-2)], 3, { is: 'val_offset', offset: 16n }],
		['undefined', [0x07, 16], 16, { is: 'undefined' }],
		['same_value', [0x08, 3], 3, { is: 'same value' }],
		['register', [0x09, 16, 2], 16, { is: 'register', register: 2 }],
		['expression', [0x10, 3, 2, 0x77, 0x08], 3, { is: 'expression', expression: Buffer.from([0x77, 0x08]) }],
		['val_expression', [0x16, 3, 2, 0x77, 0x08], 3, { is: 'val_expression', expression: Buffer.from([0x77, 0x08]) }],
		['restore, to what the CIE says', [0x90, 5, 0xd0], 16, offset(-8)],
		['restore_extended, to nothing', [0x83, 2, 0x06, 3], 3, undefined],
		['GNU_args_size changes nothing', [0x2e, ...uleb(4096)], 16, offset(-8)],
		['nop', [0x00, 0x83, 2], 3, offset(-16)],
		['advance_loc up to the address', [0x7f, 0x7f, 0x7f, 0x43, 0x83, 2], 3, offset(-16)],
		['advance_loc1', [0x02, 0xff, 0x83, 2, 0x02, 2, 0x83, 3], 3, offset(-16)],
		['advance_loc2', [0x03, ...number(0x101, 2), 0x83, 2], 3, undefined],
		['advance_loc4', [0x04, ...number(0x100, 4), 0x83, 2], 3, offset(-16)],
		['MIPS_advance_loc8', [0x1d, ...number(0x101, 8), 0x83, 2], 3, undefined],
		['set_loc', [0x01, ...number(codeStart + 0x100n, 8), 0x83, 2, 0x01, ...number(codeStart + 0x101n, 8), 0x83, 3], 3, offset(-16)],
		['restore_state', [0x83, 2, 0x0a, 0x83, 3, 0x0b], 3, offset(-16)],
	] as const)
		test(name, async () => {
			expect((await rowOf(program))?.registers.get(register)).toEqual(rule);
		});

	for (const [name, program, cfa] of [
		['def_cfa', [0x0c, 6, 16], { is: 'register', register: 6, offset: 16n }],
		['def_cfa_sf', [0x12, 6, ...sleb(-2)], { is: 'register', register: 6, offset: 16n }],
		['def_cfa_register', [0x0d, 6], { is: 'register', register: 6, offset: 8n }],
		['def_cfa_offset', [0x0e, ...uleb(4096)], { is: 'register', register: 7, offset: 4096n }],
		['def_cfa_offset_sf', [0x13, ...sleb(-3)], { is: 'register', register: 7, offset: 24n }],
		['def_cfa_expression', [0x0f, 3, 0x77, 0x20, 0x06], { is: 'expression', expression: Buffer.from([0x77, 0x20, 0x06]) }],
		['restore_state, of the CFA too', [0x0a, 0x0c, 6, 16, 0x0b], { is: 'register', register: 7, offset: 8n }],
	] as const)
		test(name, async () => {
			expect((await rowOf(program))?.cfa).toEqual(cfa);
		});

	test('AARCH64_negate_ra_state, which is remembered too', async () => {
		const common = { program: [0x0c, 31, 0], returnAddress: 30 };
		expect((await rowOf([0x2d], common, 183))?.isReturnAddressSigned).toBe(true);
		expect((await rowOf([0x2d, 0x0a, 0x2d, 0x0b], common, 183))?.isReturnAddressSigned).toBe(true);
		expect((await rowOf([0x2d, 0x2d], common, 183))?.isReturnAddressSigned).toBe(false);
		await expect(rowOf([0x2d])).rejects.toThrow('the instruction 0x2d is not understood');
	});
});

test('letters of the augmentation: personality and language data are passed, S is a signal frame, unknown ones end them', async () => {
	const read = async (common: Parameters<typeof cie>[0]) => {
		const row = await rowOf([0x83, 2], common);
		return row && { isSignalFrame: row.isSignalFrame, rule: row.registers.get(3) };
	};
	const rule = { is: 'offset', offset: -16n };
	expect(await read({ augmentation: 'zPLR', data: [0x9b, 1, 2, 3, 4, 0x1b, 0x00] })).toEqual({ isSignalFrame: false, rule });
	expect(await read({ augmentation: 'zRS' })).toEqual({ isSignalFrame: true, rule });
	expect(await read({ augmentation: 'zR?', data: [0, 1, 2, 3] })).toEqual({ isSignalFrame: false, rule });
	expect(await read({ version: 3 })).toEqual({ isSignalFrame: false, rule });
	expect(await read({ version: 4 })).toEqual({ isSignalFrame: false, rule });
});

/** A frame at 0x7000 with rbx = 3, and the memory behind each address is what `words` says. */
const frameAt = (values: Readonly<Record<number, bigint>> = {}, isExact = true): Frame => ({
	pc: codeStart,
	registers: new Map(
		[...Object.entries({ 3: 3n, 7: 0x7000n, 16: codeStart, ...values })].map(([number, value]) => [Number(number), value]),
	),
	isExact,
});

const memoryOf =
	(words: Readonly<Record<string, bigint>>): Memory =>
	async (address, length) => {
		const word = words[`0x${address.toString(16)}`];
		const bytes = Buffer.alloc(8);
		if (word !== undefined) bytes.writeBigUInt64LE(word);
		return word === undefined ? undefined : bytes.subarray(0, length);
	};

const row = (changes: Partial<Row> = {}): Row => ({
	cfa: { is: 'register', register: 7, offset: 16n },
	registers: new Map([[16, { is: 'offset', offset: -8n }]]),
	returnAddressRegister: 16,
	isReturnAddressSigned: false,
	isSignalFrame: false,
	...changes,
});

describe('expressions', () => {
	const cfaOf = async (expression: readonly number[]) => {
		const rule = { cfa: { is: 'expression', expression: Buffer.from(expression) }, isSignalFrame: true } as const;
		const registers = new Map([[16, { is: 'register', register: 3 }]] as const);
		const stepped = await step(frameAt(), row({ ...rule, registers }), x8664, memoryOf({ '0x7008': 0x1122_3344_5566_7788n }));
		return stepped.is === 'caller' ? stepped.cfa : stepped;
	};
	const minusOne = (1n << 64n) - 1n;
	for (const [name, expression, value] of [
		['of the PLT, at the start of an entry', [0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22], 0x7008n],
		['of the PLT, behind its push', [0x77, 8, 0x80, 11, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22], 0x7010n],
		['deref', [0x77, 8, 0x06], 0x1122_3344_5566_7788n],
		['deref_size', [0x77, 8, 0x94, 2], 0x7788n],
		['bregx', [0x92, 7, ...sleb(-8)], 0x6ff8n],
		['const1s', [0x09, 0xff], minusOne],
		['const2u', [0x0a, 0xff, 0xff], 0xffffn],
		['const4s', [0x0d, ...number(-2, 4)], minusOne - 1n],
		['const8u', [0x0e, ...number(minusOne, 8)], minusOne],
		['constu', [0x10, ...uleb(300)], 300n],
		['consts', [0x11, ...sleb(-300)], minusOne - 299n],
		['dup and mul', [0x39, 0x12, 0x1e], 81n],
		['drop', [0x31, 0x32, 0x13], 1n],
		['over', [0x31, 0x32, 0x14], 1n],
		['pick', [0x31, 0x32, 0x33, 0x15, 2], 1n],
		['swap and minus', [0x31, 0x33, 0x16, 0x1c], 2n],
		['rot: the first becomes the third', [0x31, 0x32, 0x33, 0x17], 2n],
		['rot: what is below', [0x31, 0x32, 0x33, 0x17, 0x13, 0x13], 3n],
		['abs and neg', [0x35, 0x1f, 0x19], 5n],
		['div is signed', [0x11, ...sleb(-9), 0x32, 0x1b], minusOne - 3n],
		['mod', [0x39, 0x34, 0x1d], 1n],
		['not', [0x30, 0x20], minusOne],
		['or, xor', [0x35, 0x32, 0x21, 0x31, 0x27], 6n],
		['plus_uconst', [0x31, 0x23, ...uleb(200)], 201n],
		['shra', [0x09, 0xf0, 0x34, 0x26], minusOne],
		['shr', [0x09, 0xff, 0x08, 60, 0x25], 15n],
		['to shift by more than there is', [0x31, 0x0e, ...number(1n << 63n, 8), 0x24], 0n],
		['lt is signed', [0x09, 0xff, 0x31, 0x2d], 1n],
		['bra and skip', [0x31, 0x28, ...number(4, 2), 0x32, 0x2f, ...number(1, 2), 0x33], 3n],
		['a loop that ends', [0x3a, 0x31, 0x1c, 0x12, 0x28, ...number(-6, 2), 0x96], 0n],
	] as const)
		test(name, async () => {
			expect(await cfaOf(expression)).toBe(value);
		});

	for (const [name, expression, words] of [
		['one that never ends', [0x2f, ...number(-3, 2)], 'an expression takes more than 1000 operations'],
		['one that piles up', [0x31, 0x2f, ...number(-4, 2)], 'an expression has more than 64 values on its stack'],
		['one that jumps out', [0x2f, ...number(1000, 2)], 'leads to byte 1003; expected 0 to 3 (at 0x3)'],
		['one that jumps out before its start', [0x2f, ...number(-9, 2)], 'leads to byte -6; expected 0 to 3 (at 0x3)'],
		['one that takes what is not there', [0x31, 0x22], 'an expression takes more from its stack than is on it'],
		['one without a value', [], 'an expression takes more from its stack than is on it'],
		['one that divides by 0', [0x31, 0x30, 0x1b], 'an expression divides by 0'],
		['one that is cut off', [0x0e, 1, 2], 'ends before 8 more bytes that belong to it (at 0x1)'],
		['one with an operation that has no place here', [0x9c], 'an expression has the operation 0x9c, which is not understood (at 0x0)'],
		['one that loads too much', [0x31, 0x94, 9], 'an expression loads 9 bytes; expected 1 to 8 (at 0x1)'],
	] as const)
		test(`${name} ends the stack with the reason`, async () => {
			expect(await cfaOf(expression)).toEqual({ is: 'stopped', stop: { is: 'not understood', words } });
		});
});

describe('one step', () => {
	const memory = memoryOf({ '0x7008': 0x40_1234n, '0x7000': 77n });

	test('what a call preserves stays, the stack pointer is the CFA, what may have changed is not known', async () => {
		const stepped = await step(frameAt({ 0: 1n, 6: 6n }), row(), x8664, memory);
		expect(stepped).toEqual({
			is: 'caller',
			cfa: 0x7010n,
			frame: {
				pc: 0x40_1234n,
				isExact: false,
				registers: new Map([
					[3, 3n],
					[6, 6n],
					[7, 0x7010n],
					[16, 0x40_1234n],
				]),
			},
		});
	});

	test('through a signal frame: no register is lost, and the pc is exact', async () => {
		const registers = new Map([
			[16, { is: 'offset', offset: -8n }],
			[0, { is: 'offset', offset: -16n }],
			[7, { is: 'val_offset', offset: -0x5000n }],
		] as const);
		const stepped = await step(frameAt({ 1: 11n }), row({ registers, isSignalFrame: true }), x8664, memory);
		expect(stepped).toMatchObject({ frame: { pc: 0x40_1234n, isExact: true } });
		expect(stepped.is === 'caller' && [...stepped.frame.registers]).toEqual([
			[0, 77n],
			[1, 11n],
			[3, 3n],
			[7, 0x2010n],
			[16, 0x40_1234n],
		]);
	});

	test('a function that gives its caller another stack pointer is measured by that, wherever its CFA is', async () => {
		const registers = new Map([
			[16, { is: 'offset', offset: -8n }],
			[7, { is: 'register', register: 0 }],
		] as const);
		const cfa = { is: 'register', register: 1, offset: 0n } as const;
		const stepped = (stackPointer: bigint) =>
			step(frameAt({ 0: stackPointer, 1: 0x10n }), row({ cfa, registers }), x8664, memoryOf({ '0x8': 1n }));
		expect(await stepped(0x7800n)).toMatchObject({ is: 'caller', cfa: 0x10n, frame: { pc: 1n } });
		expect(await stepped(0x6000n)).toEqual({ is: 'stopped', stop: { is: 'no progress', stackPointer: 0x6000n } });
	});

	test('an undefined return address: nobody called', async () => {
		expect(await step(frameAt(), row({ registers: new Map([[16, { is: 'undefined' }]]) }), x8664, memory)).toEqual({ is: 'outermost' });
	});

	test('a register whose place is not readable is not known; the stack goes on', async () => {
		const registers = new Map([
			[16, { is: 'offset', offset: -8n }],
			[3, { is: 'offset', offset: -0x1000n }],
		] as const);
		const stepped = await step(frameAt(), row({ registers }), x8664, memory);
		expect(stepped.is === 'caller' && [...stepped.frame.registers.keys()]).toEqual([7, 16]);
	});

	test('the return address on aarch64: in the link register of the innermost function, without its signature', async () => {
		const link = row({
			cfa: { is: 'register', register: 31, offset: 0n },
			registers: new Map(),
			returnAddressRegister: 30,
			isReturnAddressSigned: true,
		});
		const leaf = (isExact: boolean) => ({
			pc: 0x40_0000n,
			registers: new Map([
				[30, 0x002a_aaaa_0040_1234n],
				[31, 0x7000n],
				[29, 29n],
			]),
			isExact,
		});
		expect(await step(leaf(true), link, aarch64, memory)).toEqual({
			is: 'caller',
			cfa: 0x7000n,
			frame: {
				pc: 0xaaaa_0040_1234n,
				isExact: false,
				registers: new Map([
					[29, 29n],
					[31, 0x7000n],
					[32, 0xaaaa_0040_1234n],
				]),
			},
		});
		expect(await step(leaf(false), link, aarch64, memory)).toEqual({ is: 'stopped', stop: { is: 'no progress', stackPointer: 0x7000n } });
	});

	test.for([
		['memory that is not there', frameAt({ 7: 0x9000n }), row(), { is: 'memory not readable', address: 0x9008n, length: 8 }],
		[
			'a CFA from a register that was lost',
			frameAt(),
			row({ cfa: { is: 'register', register: 10, offset: 8n } }),
			{ is: 'register not known', register: 10 },
		],
		[
			'a caller that is not further up',
			frameAt({}, false),
			row({ cfa: { is: 'register', register: 7, offset: 0n } }),
			{ is: 'no progress', stackPointer: 0x7000n },
		],
		[
			'a caller further down',
			frameAt(),
			row({ cfa: { is: 'register', register: 3, offset: 8n } }),
			{ is: 'no progress', stackPointer: 11n },
		],
		['a return address that is where it is', frameAt(), row({ registers: new Map() }), { is: 'no progress', stackPointer: 0x7010n }],
	] as const)('%s ends the stack with the reason', async ([, frame, rules, stop]) => {
		expect(await step(frame, rules, x8664, memory)).toEqual({ is: 'stopped', stop });
	});

	test('a call that never returns may be the last of its function: the address behind it is that of the next, unless a signal came there', async () => {
		const first = cie();
		const caller = fde(first.length, [0x0e, 16], { length: 0x10 });
		const next = fde(first.length + caller.length, [0x0e, 32], { start: codeStart + 0x10n });
		const pairs = [
			{ start: codeStart, at: first.length },
			{ start: codeStart + 0x10n, at: first.length + caller.length },
		];
		const frames = await callFrames(memoryBytes(moduleWith([...first, ...caller, ...next], { pairs })));
		const bias = 0x7f00_0000_0000n;
		const cfaOf = async (isExact: boolean) => {
			const frame = { ...frameAt(), pc: bias + codeStart + 0x10n, isExact };
			const stepped = await callerOf(frame, { frames, bias }, memoryOf({ '0x7008': 1n, '0x7018': 2n }));
			return stepped.is === 'caller' ? stepped.cfa : stepped;
		};
		expect(await cfaOf(false)).toBe(0x7010n);
		expect(await cfaOf(true)).toBe(0x7020n);
	});
});
