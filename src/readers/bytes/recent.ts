import type { ByteSource } from './source.ts';

/** How much is kept; no less than a block is read at a time. Unless it is told otherwise, 512 KiB. */
export type Kept = { readonly blockBytes: number; readonly mostBlocks: number };

/** The same bytes, of which those that were read last are kept: for tables that are searched again and again. Not for sources that can't go back. */
export function recentBytes(source: ByteSource, { blockBytes, mostBlocks }: Kept = { blockBytes: 16 * 1024, mostBlocks: 32 }): ByteSource {
	/** In the order in which they were used. */
	const blocks = new Map<number, Buffer>();

	async function block(index: number): Promise<Buffer> {
		const bytes = blocks.get(index) ?? Buffer.from(await source.read(index * blockBytes, blockBytes));
		blocks.delete(index);
		blocks.set(index, bytes);
		for (const oldest of blocks.keys()) {
			if (blocks.size <= mostBlocks) break;
			blocks.delete(oldest);
		}
		return bytes;
	}

	return {
		isForwardOnly: source.isForwardOnly,
		async read(offset, length) {
			const index = Math.floor(offset / blockBytes);
			const start = offset - index * blockBytes;
			if (length > blockBytes || !Number.isSafeInteger(offset + length)) return source.read(offset, length);
			const first = (await block(index)).subarray(start, start + length);
			if (start + length <= blockBytes) return first;
			return Buffer.concat([first, (await block(index + 1)).subarray(0, start + length - blockBytes)]);
		},
	};
}
