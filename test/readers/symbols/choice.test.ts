import { describe, expect, test } from 'vitest';
import { memoryBytes } from '../../../src/readers/bytes/bytes.ts';
import { openSymbols } from '../../../src/readers/symbols/symbols.ts';
import { exec, program } from '../../support/crash.ts';
import { describeUnless, missingOf } from '../../support/needed.ts';
import { fileWithSymbols, type MadeUp, places } from '../../support/symbol-tables.ts';
import { agreeing, asText, codeOf, startsOf, withSymbols } from '../../support/symbols.ts';

/** The names at addresses of a file with these symbols, in whichever order they stand. */
async function namesAt(addresses: readonly number[], symbols: readonly MadeUp[], machine?: number) {
	const ask = async (some: readonly MadeUp[]) => {
		const opened = await openSymbols(memoryBytes(fileWithSymbols(some, machine === undefined ? {} : { machine })));
		return (await opened?.functionsAt(addresses.map(BigInt)))?.map((found) => found?.name);
	};
	const names = await ask(symbols);
	expect(await ask(symbols.toReversed())).toEqual(names);
	return names;
}

describe('of several functions at an address', () => {
	test('the one that starts nearest is taken, so the innermost', async () => {
		const symbols: MadeUp[] = [
			{ name: 'outer', start: 0x1000, size: 0x100 },
			{ name: 'inner', start: 0x1040, size: 0x40, binding: 'local' },
			{ name: 'innermost', start: 0x1050, size: 8, binding: 'weak' },
		];
		expect(await namesAt([0x1000, 0x1040, 0x1057, 0x1058, 0x1080, 0x10ff, 0x1100], symbols)).toEqual([
			'outer',
			'inner',
			'innermost',
			'inner',
			'outer',
			'outer',
			undefined,
		]);
	});

	test('a global one comes before a weak, and that before a local one', async () => {
		const at = { start: 0x1000, size: 16 };
		const [local, weak, global] = [
			{ ...at, name: 'a_local', binding: 'local' },
			{ ...at, name: 'a_weak', binding: 'weak' },
			{ ...at, name: '__a_global', binding: 'global' },
		] as const;
		expect(await namesAt([0x1001], [local, weak])).toEqual(['a_weak']);
		expect(await namesAt([0x1001], [weak, global])).toEqual(['__a_global']);
		expect(await namesAt([0x1001], [local, { ...at, name: 'a_unique', binding: 'unique' }])).toEqual(['a_unique']);
	});

	test('the shortest that reaches so far is taken', async () => {
		const symbols: MadeUp[] = [
			{ name: 'short', start: 0x1000, size: 16 },
			{ name: 'long', start: 0x1000, size: 32 },
		];
		expect(await namesAt([0x1000, 0x100f, 0x1010], symbols)).toEqual(['short', 'short', 'long']);
	});

	test('its public name is given, without the version', async () => {
		const at = { start: 0x1000, size: 16 };
		const names = async (...all: string[]) => [
			...new Set(
				await namesAt(
					[0x1001, 0x1002, 0x1003],
					all.map((name) => ({ ...at, name })),
				),
			),
		];
		expect(await names('__libc_malloc', 'malloc', '__malloc')).toEqual(['malloc']);
		expect(await names('__GI_raise', '__raise')).toEqual(['__raise']);
		expect(await names('$x', '__it')).toEqual(['__it']);
		expect(await names('_ZN4BaseC1Ei', '__BaseC2')).toEqual(['_ZN4BaseC1Ei']);
		const many = Array.from({ length: 7 }, (_, index) => `__${index}`);
		expect(await names(...many, 'public')).toEqual(['public']);
		expect(await names('_IO_fclose@@GLIBC_2.2.5')).toEqual(['_IO_fclose']);
		expect(await names('memcpy@GLIBC_2.2.5')).toEqual(['memcpy']);
	});
});

describe('a function whose size nobody says', () => {
	const label: MadeUp = { name: 'label', start: 0x1100 };

	test('reaches to the next function, and not beyond its section', async () => {
		expect(await namesAt([0x10ff, 0x1100, 0x17ff, 0x1800], [label, { name: 'next', start: 0x1800 }])).toEqual([
			undefined,
			'label',
			'label',
			'next',
		]);
		expect(await namesAt([0x1800, 0x1810], [label, { name: 'next', start: 0x1800, size: 16 }])).toEqual(['next', undefined]);
		expect(await namesAt([0x1fff, 0x2000], [label])).toEqual(['label', undefined]);
		const next: MadeUp = { name: 'next', start: 0x2010, section: places.more.section };
		expect(await namesAt([0x2000, 0x2010], [label, next])).toEqual([undefined, 'next']);
	});

	test('is not what comes after the function that it is in', async () => {
		expect(await namesAt([0x1100, 0x1180], [label, { name: 'around', start: 0x1000, size: 0x120 }])).toEqual(['around', undefined]);
	});

	test('comes after what has no type, but a size that holds the address', async () => {
		expect(await namesAt([0x1110, 0x1120], [label, { name: 'untyped', start: 0x1110, size: 8, type: 'notype' }])).toEqual([
			'untyped',
			undefined,
		]);
	});

	test('comes before labels of no type and size, which are the last resort', async () => {
		const untyped: MadeUp = { name: 'untyped', start: 0x1200, type: 'notype', binding: 'local' };
		expect(await namesAt([0x1200], [label, untyped])).toEqual(['label']);
		expect(await namesAt([0x1200, 0x1fff, 0x2000], [untyped])).toEqual(['untyped', 'untyped', undefined]);
	});
});

describe('no function is', () => {
	const at = { start: 0x1000, size: 0x10 };
	test.for([
		['what is defined elsewhere', { ...at, section: 0 }],
		['an absolute value', { ...at, section: 0xfff1 }],
		['an object', { ...at, type: 'object' }],
		['a section', { ...at, type: 'section' }],
		['what each thread has its own of', { ...at, type: 'tls' }],
		['what has no name', { ...at, name: '' }],
		['a label outside of all code', { start: 0x4000, type: 'notype', section: places.data.section }],
		['a label whose section it is not in', { start: 0x1000, type: 'notype', section: places.more.section }],
		['what reaches beyond all addresses', { ...at, size: Number(1n << 63n) }],
	] as const satisfies readonly (readonly [string, Omit<MadeUp, 'name'> & { name?: string }])[])('%s', async ([, symbol]) => {
		expect(await namesAt([0x1000, 0x1008, 0x4000], [{ name: 'it', ...symbol }])).toEqual([undefined, undefined, undefined]);
	});

	test('what has an empty name', async () => {
		const file = fileWithSymbols([{ name: 'it', start: 0x1000, size: 16 }]);
		file.writeUInt32LE(3, file.length - '\0it\0'.length - 24); // the zero at the end
		expect(await (await openSymbols(memoryBytes(file)))?.functionsAt([0x1000n])).toEqual([undefined]);
	});

	test('a mapping symbol of AArch64', async () => {
		const mapping: MadeUp = { name: '$x', start: 0x1200, type: 'notype', binding: 'local' };
		const label: MadeUp = { name: 'label', start: 0x1100, type: 'notype' };
		expect(await namesAt([0x1200], [mapping, label], 183)).toEqual(['label']);
	});
});

test('a function in a section that its number is too small for is one all the same', async () => {
	expect(await namesAt([0x1008], [{ name: 'far', start: 0x1000, size: 16, section: 0xffff }])).toEqual(['far']);
});

test('a file with more sections than its header can count says in the first how many there are', async () => {
	const file = fileWithSymbols([{ name: 'it', start: 0x1000, size: 16 }]);
	file.writeBigUInt64LE(BigInt(file.readUInt16LE(60)), 64 + 32);
	file.writeUInt16LE(0, 60);
	expect((await (await openSymbols(memoryBytes(file)))?.functionsAt([0x1008n]))?.[0]?.name).toBe('it');
});

test('an address of a name is of what is no old version, then of the strongest', async () => {
	const file = fileWithSymbols([
		{ name: 'one@OLD', start: 0x1000 },
		{ name: 'one@@NEW', start: 0x1010 },
		{ name: 'one', start: 0x1020, binding: 'local' },
		{ name: 'another_one', start: 0x1030 },
		{ name: 'one_more', start: 0x1040 },
		{ name: 'only@OLD', start: 0x1050 },
		{ name: 'object', start: 0x4000, type: 'object', section: places.data.section },
		{ name: 'variable', start: 8, type: 'tls', section: places.data.section },
		{ name: 'elsewhere', start: 0, section: 0 },
	]);
	const symbols = await openSymbols(memoryBytes(file));
	expect(await symbols?.addressesOf(['one', 'only', 'object', 'variable', 'elsewhere', 'two'])).toEqual(
		new Map([
			['one', 0x1010n],
			['only', 0x1050n],
			['object', 0x4000n],
		]),
	);
});

describeUnless('a program with all of these', missingOf(['g++', 'eu-addr2line', 'readelf', 'gdb']), { timeout: 60_000 }, () => {
	test('at every byte of its code there is the function that elfutils finds, but inside of others', async () => {
		const path = await program('overlaps.cc', ['-O2']);
		const addresses = await codeOf(path, 10_000);
		const ours = await withSymbols(path, (symbols) => symbols.functionsAt(addresses));
		const theirs = await agreeing(path, addresses, ours);
		const different = asText(addresses, ours).flatMap((text, index) => (text === theirs[index] ? [] : [[text, theirs[index]]]));
		expect(different.slice(0, 5)).toEqual([
			['inner', 'outer+0x4'],
			['inner+0x1', 'outer+0x5'],
			['inner+0x2', 'outer+0x6'],
			['inner+0x3', 'outer+0x7'],
			['no_size+0x3', 'a_label_in_it'],
		]);
		expect(different.slice(4).every(([ours, theirs]) => ours?.startsWith('no_size+') && theirs?.startsWith('a_label_in_it'))).toBe(true);
		const names = new Set(ours.map((found) => found?.name));
		for (const name of ['_Z6seldomi.cold', '_init', '_fini', 'no_type', 'only_a_label', 'alone_in_its_section', 'ends_it'])
			expect(names).toContain(name);
	});

	test('what is inside of others is what gdb says', async () => {
		const path = await program('overlaps.cc', ['-O2']);
		const [inner = 0n] = (await startsOf(path)).get('inner') ?? [];
		const { stdout } = await exec('gdb', ['-nx', '-batch', '-ex', `info symbol ${inner + 1n}`, path]);
		expect(stdout).toMatch(/^inner \+ 1 /);
		expect((await withSymbols(path, (symbols) => symbols.functionsAt([inner + 1n])))[0]?.name).toBe('inner');
	});
});
