import { expect, test } from 'vitest';
import { type ByteSource, memoryBytes, recentBytes } from '../../src/readers/bytes/bytes.ts';

const bytes = Buffer.from(Uint32Array.from({ length: 100_000 }, (_, index) => index * 2_654_435_761).buffer);

/** Tells which blocks were asked for. */
function watched(): { readonly source: ByteSource; readonly asked: number[] } {
	const asked: number[] = [];
	const { read, isForwardOnly } = memoryBytes(bytes);
	return {
		asked,
		source: {
			isForwardOnly,
			read: (offset, length) => {
				asked.push(offset / 65_536);
				return read(offset, length);
			},
		},
	};
}

test('they are those of the source: within a block, across two, of more than one, and where the source ends', async () => {
	const { read } = recentBytes(watched().source, { blockBytes: 16 * 1024, mostBlocks: 2 });
	for (const [offset, length] of [
		[0, 8],
		[65_530, 12],
		[131_072, 65_536],
		[100, 200_000],
		[399_990, 100],
		[400_000, 8],
		[500_000, 8],
		[2 ** 60, 8],
	] as const)
		expect(Buffer.from(await read(offset, length))).toEqual(bytes.subarray(offset, offset + length));
});

test('what was read last is not read again, and what was read long ago is let go', async () => {
	const { source, asked } = watched();
	const { read } = recentBytes(source, { blockBytes: 16 * 1024, mostBlocks: 2 });
	for (const offset of [0, 70_000, 8, 140_000, 16, 70_000]) await read(offset, 8);
	expect(asked).toEqual([0, 1, 2, 1]);
});
