import { expect, test } from 'vitest';
import { quantityOf } from '../../../src/cli/doctor/quantity.ts';

test.each([
	['16Gi', 16 * 1024 ** 3],
	['500M', 5e8],
	['1e9', 1e9],
	['1.5Gi', 1.5 * 1024 ** 3],
	['128974848000m', 128974848],
	['1E', 1e18],
	['0', 0],
	['', undefined],
	['Gi', undefined],
	['-1', undefined],
	['1GB', undefined],
	['1constructor', undefined],
	['1e999', undefined],
])('%j', (text, value) => expect(quantityOf(text)).toBe(value));
