import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ByteSource, memoryBytes } from '../../../src/readers/bytes/bytes.ts';
import { elfHeader, programHeaders, SHT_DYNSYM, SHT_SYMTAB, sectionHeaders } from '../../../src/readers/elf/elf.ts';
import { openSymbols, SymbolsError } from '../../../src/readers/symbols/symbols.ts';
import { exec, program, temporaryFolder } from '../../support/crash.ts';
import { seeded } from '../../support/gopclntab.ts';
import { describeUnless, missingOf } from '../../support/needed.ts';
import { fileWithSymbols, headersAt, type MadeUp } from '../../support/symbol-tables.ts';

const symbols: readonly MadeUp[] = [
	{ name: 'first', start: 0x1000, size: 16 },
	{ name: 'second', start: 0x1010, size: 16 },
];
const field = { type: 4, offset: 24, size: 32, link: 40, entrySize: 56 };

describe('a table that can not be is an error that says what and where', () => {
	test.for([
		[
			'entries of another size',
			headersAt.symbols + field.entrySize,
			16n,
			/^symbols: \.symtab has entries of 16 bytes; expected 24 \(at byte 448\)$/,
		],
		[
			'more symbols than any program has',
			headersAt.symbols + field.size,
			1n << 62n,
			/^symbols: \.symtab has \d{19} bytes; expected at most 402653184/,
		],
		[
			'more symbols than the file',
			headersAt.symbols + field.size,
			24_000n,
			/^symbols: the file ends within \.symtab; expected 23914 more bytes \(at byte 534\)$/,
		],
		[
			'a place beyond the file',
			headersAt.symbols + field.offset,
			1n << 63n,
			/^symbols: the file ends within \.symtab; expected 72 more bytes/,
		],
		[
			'names in what is no string table',
			headersAt.symbols + field.link,
			1n,
			/^symbols: \.symtab has its names in section 1; expected a string table/,
		],
		[
			'names in a section that is not there',
			headersAt.symbols + field.link,
			99n,
			/^symbols: \.symtab has its names in section 99; expected a string table/,
		],
		[
			'more names than any program has',
			headersAt.strings + field.size,
			1n << 40n,
			/^symbols: the names of \.symtab have 1099511627776 bytes; expected at most 1073741824/,
		],
		[
			'names beyond the file',
			headersAt.strings + field.offset,
			1n << 40n,
			/^symbols: a name of \.symtab has no end in its strings \(at byte 1099511627777\)$/,
		],
		[
			'names that are not among the strings',
			headersAt.strings + field.size,
			1n,
			/^symbols: a name of \.symtab is at 1; expected below 1, the size of its strings/,
		],
		['a name without an end', headersAt.strings + field.size, 4n, /^symbols: a name of \.symtab has no end in its strings/],
	] as const)('%s', async ([, at, value, words]) => {
		const file = fileWithSymbols(symbols);
		file.writeBigUInt64LE(at === headersAt.symbols + field.link ? value | (BigInt(file.readUInt32LE(at + 4)) << 32n) : value, at);
		const error = await openSymbols(memoryBytes(file))
			.then((opened) => opened?.functionsAt([0x1008n]))
			.catch((error) => error);
		expect(error).toBeInstanceOf(SymbolsError);
		expect(error.message).toMatch(words);
	});

	test('one name without end is cut', async () => {
		const name = `_Z${'long'.repeat(10_000)}`;
		const opened = await openSymbols(memoryBytes(fileWithSymbols([{ name, start: 0x1000, size: 16 }])));
		expect((await opened?.functionsAt([0x1000n]))?.[0]?.name).toBe(name.slice(0, 16 * 1024));
	});

	test('a name that is everywhere', async () => {
		const file = fileWithSymbols([{ name: 'a\0'.repeat(70_000), start: 0x1000 }]);
		const opened = await openSymbols(memoryBytes(file));
		await expect(opened?.addressesOf(['a'])).rejects.toThrow(/^symbols: the names of \.symtab have one more than 65536 times/);
	});
});

describeUnless(
	'whatever is wrong with a real file, there is an answer or an error, and no more is read',
	missingOf(['g++', 'objcopy']),
	{ timeout: 240_000 },
	() => {
		test.for([
			['with all symbols', [], false],
			['stripped', ['--strip-all'], false],
			['stripped, without section headers', ['--strip-all'], true],
		] as const)('each byte of its headers and tables, changed: %s', async ([, args, isBare]) => {
			const file = await overlaps(args, isBare);
			const usual = await outcomeOf(file);
			const random = seeded(args.length);
			const ends = { answer: 0, none: 0, error: 0 };
			for (const { start, end } of await placesIn(file)) {
				for (let at = start; at < end; at++) {
					const was = file[at] ?? 0;
					for (const value of [0xff, was ^ (1 << random(8))]) {
						file[at] = value;
						const { end, bytes } = await outcomeOf(file);
						ends[end]++;
						if (bytes > file.length * 4) throw new Error(`${bytes} bytes are read where byte ${at} is ${value}`);
					}
					file[at] = was;
				}
			}
			expect(await outcomeOf(file)).toEqual(usual);
			expect(ends.answer).toBeGreaterThan(1000);
			expect(ends.none).toBeGreaterThan(8);
			expect(ends.error).toBeGreaterThan(10);
		});

		test.for([
			['with all symbols', [], false],
			['without section headers', ['--strip-all'], true],
		] as const)('cut off anywhere: %s', async ([, args, isBare]) => {
			const file = await overlaps(args, isBare);
			const ends = { answer: 0, none: 0, error: 0 };
			for (let size = 0; size < file.length; size += size < 256 ? 1 : 29) {
				const { end, leftOut, bytes } = await outcomeOf(file.subarray(0, size));
				ends[end]++;
				expect(bytes).toBeLessThan(file.length * 4);
				if (end === 'answer' && !isBare)
					expect(leftOut).toMatch(/^the file is cut off: expected \d+ section headers at byte \d+, found \d+$/);
			}
			expect(ends.none).toBeGreaterThanOrEqual(64);
			expect(ends.answer).toBeGreaterThan(50);
		});
	},
);

async function overlaps(args: readonly string[], isBare: boolean): Promise<Buffer> {
	await using folder = await temporaryFolder();
	const path = join(folder.path, 'program');
	await exec('objcopy', [...args, await program('overlaps.cc', ['-O2', '-rdynamic']), path]);
	const file = await readFile(path);
	return isBare ? file.fill(0, 40, 48).fill(0, 60, 64) : file;
}

/** The headers, the tables of symbols with their names, and all that PT_DYNAMIC leads to: these stand in the first 4 KiB and at its place. */
async function placesIn(file: Buffer) {
	const header = elfHeader(file);
	const source = memoryBytes(file);
	const sections = await sectionHeaders(source, header);
	const dynamic = (await programHeaders(source, header)).find(({ p_type }) => p_type === 2);
	const range = (start: bigint, size: bigint) => ({ start: Number(start), end: Number(start + size) });
	const tables = sections.filter(({ sh_type }) => sh_type === SHT_SYMTAB || (sh_type === SHT_DYNSYM && sections.length < 35));
	return [
		{ start: 0, end: sections.length > 0 ? 64 + 56 * header.e_phnum : 0x900 },
		range(header.e_shoff, BigInt(64 * sections.length)),
		...tables.map(({ sh_offset, sh_size }) => range(sh_offset, sh_size)),
		...tables.map(({ sh_link }) => sections[sh_link]).map((strings) => range(strings?.sh_offset ?? 0n, strings?.sh_size ?? 0n)),
		...(dynamic && sections.length === 0 ? [range(dynamic.p_offset, dynamic.p_filesz)] : []),
	];
}

/** More is never read at once: 65535 section headers. */
const mostAtOnce = 4 << 20;
const addresses = Array.from({ length: 40 }, (_, index) => 0x1000n + BigInt(index * 57));

/** How looking up both ways ends, and how many bytes are read for it. */
async function outcomeOf(file: Buffer) {
	let bytes = 0;
	const whole = memoryBytes(file);
	const source: ByteSource = {
		isForwardOnly: false,
		async read(offset, length) {
			if (!(length <= mostAtOnce)) throw new Error(`${length} bytes are read at once`);
			const read = await whole.read(offset, length);
			bytes += read.length;
			return read;
		},
	};
	try {
		const opened = await openSymbols(source, { unpackXz: async (packed) => packed });
		if (!opened) return { end: 'none', bytes } as const;
		await opened.functionsAt(addresses);
		await opened.addressesOf(['main', 'chosen', 'a_label_in_it']);
		return { end: 'answer', leftOut: opened.leftOut, bytes } as const;
	} catch (error) {
		if (!(error instanceof SymbolsError)) throw error;
		return { end: 'error', bytes } as const;
	}
}
