import type { ByteSource } from '../bytes/bytes.ts';

const blockSize = 4 * 1024;
/** 4 MiB: what the lookups for the stacks of a large program come back to. */
const mostBlocks = 1024;

/**
 * The bytes of a source that are read in many small pieces here and there: a lookup visits five tables, and its search all of the largest.
 * The blocks that were used last are kept, which makes it several times as fast on a file.
 */
export function keptBlocks(source: ByteSource): ByteSource {
	/** In the order of their use. */
	const blocks = new Map<number, Buffer>();
	async function block(index: number): Promise<Buffer> {
		const bytes = blocks.get(index) ?? Buffer.from(await source.read(index * blockSize, blockSize));
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
			const [first, last] = [Math.floor(offset / blockSize), Math.floor((offset + length - 1) / blockSize)];
			if (first === last) return (await block(first)).subarray(offset - first * blockSize, offset - first * blockSize + length);
			return await source.read(offset, length);
		},
	};
}
