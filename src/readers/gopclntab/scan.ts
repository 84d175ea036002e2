import type { Image } from './image.ts';

const chunkSize = 1 << 20;
/** What real files have of any of the things looked for here is one or a few; others are told apart by their values. */
const mostHits = 256;

/**
 * The offsets in the file at which one of the patterns stands, from `start` up to `end`, read in pieces. Ends after the first 256.
 *
 * @param patterns of the same length
 */
export async function* occurrences(image: Image, start: number, end: number, patterns: readonly Buffer[]): AsyncGenerator<number> {
	const overlap = (patterns[0]?.length ?? 1) - 1;
	let count = 0;
	for (let at = start; at < end; at += chunkSize) {
		const chunk = await image.source.read(at, Math.min(chunkSize + overlap, end - at));
		// All of them first: the bytes are valid only until the next read.
		for (const hit of patterns.flatMap((pattern) => hits(chunk, pattern)).sort((one, other) => one - other)) {
			if (++count > mostHits) return;
			yield at + hit;
		}
		if (chunk.length < Math.min(chunkSize + overlap, end - at)) return;
	}
}

function hits(chunk: Buffer, pattern: Buffer): number[] {
	const found: number[] = [];
	for (let at = chunk.indexOf(pattern); at >= 0 && found.length <= mostHits; at = chunk.indexOf(pattern, at + 1)) found.push(at);
	return found;
}
