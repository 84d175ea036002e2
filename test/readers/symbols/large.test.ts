import { expect, test } from 'vitest';
import { type ByteSource, memoryBytes } from '../../../src/readers/bytes/bytes.ts';
import { openSymbols } from '../../../src/readers/symbols/symbols.ts';
import { fileWithSymbols, type MadeUp, places } from '../../support/symbol-tables.ts';

const count = 1_000_000;
const start = (index: number) => places.text.start + index * 16;

/** A file with a million functions, and a source that counts what is read of it. */
function manySymbols(symbol: (index: number) => MadeUp) {
	const file = fileWithSymbols(Array.from({ length: count }, (_, index) => symbol(index)));
	const read = { bytes: 0, most: 0 };
	const whole = memoryBytes(file);
	const source: ByteSource = {
		isForwardOnly: false,
		read: (offset, length) => {
			read.bytes += length;
			read.most = Math.max(read.most, length);
			return whole.read(offset, length);
		},
	};
	return { source, read };
}

test('a million symbols are read once for all addresses, and once for all names, in small pieces', { timeout: 120_000 }, async () => {
	const { source, read } = manySymbols((index) => ({ name: `function_${index}`, start: start(index), size: 8 }));
	const symbols = await openSymbols(source);
	const asked = Array.from({ length: 1000 }, (_, index) => index * 997);
	read.bytes = 0;
	const found = await symbols?.functionsAt(asked.map((index) => BigInt(start(index) + 4)));
	expect(found?.map((one) => one?.name)).toEqual(asked.map((index) => `function_${index}`));
	expect(read.bytes).toBeLessThan(24 * count + 1000 * 512);
	expect(read.most).toBeLessThanOrEqual(64 * 1024);
	read.bytes = 0;
	const addresses = await symbols?.addressesOf(['function_7', `function_${count - 1}`, 'none']);
	expect(addresses).toEqual(
		new Map([
			['function_7', BigInt(start(7))],
			[`function_${count - 1}`, BigInt(start(count - 1))],
		]),
	);
	expect(read.bytes).toBeLessThan((24 + 17) * count);
	expect(read.most).toBeLessThanOrEqual(260 * 1024);
});

test('a million functions that all hold all addresses cost no more', { timeout: 120_000 }, async () => {
	const { source, read } = manySymbols((index) => ({ name: `f${index}`, start: places.text.start + index, size: 1 << 30 }));
	const symbols = await openSymbols(source);
	read.bytes = 0;
	const found = await symbols?.functionsAt(Array.from({ length: 5000 }, (_, index) => BigInt(places.text.start + count + index)));
	expect(new Set(found?.map((one) => one?.name))).toEqual(new Set([`f${count - 1}`]));
	expect(read.bytes).toBeLessThan(24 * count + 4096);
});
