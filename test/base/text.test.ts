import { expect, test } from 'vitest';
import { fileNameText, systemPath } from '../../src/base/filename.ts';
import { firstFew } from '../../src/base/first-few.ts';
import { printable } from '../../src/base/printable.ts';
import { formatBytes, formatSpan } from '../../src/base/quantity.ts';

test('a file name of any bytes comes back as it was, also through JSON', () => {
	const names = [
		'core',
		'кора',
		'核心',
		'😀',
		'a\\x20b',
		'\x01\n',
		'a\xff',
		'\xff\xfe\xfd',
		'\xe2\x82',
		'x\xf0\x9f\x98',
		'\xc3(',
		'\xed\xb2\x80',
		'\xf4\x90\x80\x80',
	];
	for (const name of names) {
		const bytes = Buffer.from(name, name.charCodeAt(name.length - 1) > 0xff ? 'utf8' : 'latin1');
		const text = JSON.parse(JSON.stringify(fileNameText(bytes))) as string;
		expect(Buffer.from(systemPath(text) as string)).toEqual(bytes);
	}
	for (let round = 0; round < 2_000; round++) {
		const bytes = Buffer.from(
			Array.from({ length: 1 + (round % 20) }, (_, index) => (Math.imul(round + 1, 2654435761 + index * 40503) >>> 13) & 0xff),
		);
		expect(Buffer.from(systemPath(fileNameText(bytes)) as string)).toEqual(bytes);
	}
});

test('a name in UTF-8 stays readable', () => {
	expect(fileNameText(Buffer.from('core.кора'))).toBe('core.кора');
	expect(systemPath('core.кора')).toBe('core.кора');
});

test('of several names the first few are told, and how many more there are', () => {
	expect(firstFew(['a', 'b', 'c'])).toBe('a, b, c');
	expect(firstFew(['a', 'b', 'c', 'd'])).toBe('a, b, c, 1 more');
	expect(firstFew(['a', 'b', 'c', 'd', 'e'], (count) => `and ${count} more`)).toBe('a, b, c, and 2 more');
});

test('what would move, colour, hide or reorder text is shown by its number', () => {
	expect(printable('a\nb\x1b[31m\x07\u202e\u200b\x7f\x9b')).toBe('a\\x0ab\\x1b[31m\\x07\\u{202e}\\u{200b}\\x7f\\x9b');
	expect(printable(fileNameText(Buffer.from([0x61, 0xff])))).toBe('a\\xff');
	expect(printable('核心 😀 é')).toBe('核心 😀 é');
});

test('sizes and spans are told in their largest fitting unit', () => {
	expect([0, 999, 1000, 454_656, 34_021_376, 1.7e9, 2e15].map(formatBytes)).toEqual([
		'0 B',
		'999 B',
		'1.0 KB',
		'454.7 KB',
		'34.0 MB',
		'1.7 GB',
		'2000.0 TB',
	]);
	expect([0, 999, 1000, 89_000, 90_000, 5_400_000, 172_800_000].map(formatSpan)).toEqual([
		'0 ms',
		'999 ms',
		'1 s',
		'89 s',
		'2 min',
		'2 h',
		'2 d',
	]);
});
