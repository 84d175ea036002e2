import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type ByteSource, memoryBytes } from '../../src/readers/bytes/bytes.ts';
import { openPclntab, PclntabError } from '../../src/readers/gopclntab/gopclntab.ts';
import { program } from '../support/crash.ts';
import { addressesIn, missingGo, seeded, withPclntab } from '../support/gopclntab.ts';
import { describeUnless } from '../support/needed.ts';

const kinds = {
	'by Go': ['-ldflags=-s -w'],
	'position-independent, by the C linker': ['-buildmode=pie', '-ldflags=-linkmode=external'],
} as const;

describeUnless('damaged tables', missingGo, { timeout: 240_000 }, () => {
	for (const [kind, flags] of Object.entries(kinds)) {
		test(`bytes that changed end in an answer or an error, and cost no more: ${kind}`, async () => {
			const path = await program('goinlined', flags);
			const file = await readFile(path);
			const addresses = await addressesIn(path, 4);
			const usual = await costOf(file, addresses);
			const random = seeded(16);
			const places = await placesIn(file);
			const ends = { answer: 0, none: 0, error: 0 };
			for (let round = 0; round < 1500; round++) {
				// Most of the bytes are names and lines, few lead to others.
				const { start, size } = places[round % places.length] ?? { start: 0, size: file.length };
				const changed = Array.from({ length: 1 + random(4) }, () => start + random(size)).map((at) => ({ at, was: file[at] ?? 0 }));
				for (const { at } of changed) file[at] = [0, 0xff, random(256)][random(3)] ?? 0;
				const { end, reads } = await costOf(file, addresses);
				ends[end]++;
				expect(reads).toBeLessThan(usual.reads * 20);
				for (const { at, was } of changed.toReversed()) file[at] = was;
			}
			expect(await costOf(file, addresses)).toEqual(usual);
			for (const count of Object.values(ends)) expect(count).toBeGreaterThan(0);
		});

		test(`a file that is cut off ends in an answer or an error: ${kind}`, async () => {
			const path = await program('goinlined', flags);
			const file = await readFile(path);
			const addresses = await addressesIn(path, 4);
			const ends = { answer: 0, none: 0, error: 0 };
			const sizes = [
				...Array.from({ length: 70 }, (_, size) => size),
				...Array.from({ length: 200 }, (_, part) => Math.floor((file.length * part) / 200)),
			];
			for (const size of sizes) ends[(await costOf(file.subarray(0, size), addresses)).end]++;
			expect(ends.none).toBeGreaterThan(60);
			expect(ends.error).toBeGreaterThan(20);
		});
	}

	test('a header anywhere in a file without section headers is told from bytes that only look like its start', async () => {
		const path = await program('goinlined', kinds['by Go']);
		const file = Buffer.from(await readFile(path))
			.fill(0, 40, 48)
			.fill(0, 60, 64);
		const addresses = await addressesIn(path, 1);
		const whole = await withPclntab(path, (table) => table.functionAt(addresses[0] ?? 0n));
		// In the first loaded segment, at whose start the ELF header and notes are.
		Buffer.from('f1ffffff00000108', 'hex').copy(file, 0xf80);
		const table = await openPclntab(memoryBytes(file));
		expect(await table?.functionAt(addresses[0] ?? 0n)).toEqual(whole);
	});
});

/** ELF and program headers, the header of the tables, what follows it, the search table, all of it, all of the file. */
async function placesIn(file: Buffer) {
	const start = file.indexOf(Buffer.from('f1ffffff00000108', 'hex'));
	const field = (at: number) => Number(file.readBigUInt64LE(start + at));
	return [
		{ start: 0, size: 64 + 56 * 10 },
		{ start, size: 72 },
		{ start: start + field(56), size: field(64) - field(56) },
		{ start: start + field(64), size: file.length - start - field(64) },
		{ start: start + field(64), size: field(8) * 8 },
		{ start: 0, size: file.length },
	];
}

/** How looking up all of some addresses ends, and how many bytes are read for it. */
async function costOf(file: Buffer, addresses: readonly bigint[]) {
	let reads = 0;
	const whole = memoryBytes(file);
	const source: ByteSource = {
		isForwardOnly: false,
		read: (offset, length) => {
			expect(length).toBeLessThanOrEqual((1 << 20) + 64);
			reads += length;
			return whole.read(offset, length);
		},
	};
	try {
		const table = await openPclntab(source);
		if (!table) return { end: 'none', reads } as const;
		for (const address of addresses) {
			await table.functionAt(address);
			await table.lineAt(address);
			await table.frameSizeAt(address);
			await table.callsAt(address);
		}
		return { end: 'answer', reads } as const;
	} catch (error) {
		expect(error).toBeInstanceOf(PclntabError);
		return { end: 'error', reads } as const;
	}
}
