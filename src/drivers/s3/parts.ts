import { release } from '../../base/release.ts';

/** One piece of a content, to be used before the next is asked for: the memory is one and the same. */
export type Part = { /** From 1 on. */ readonly number: number; readonly bytes: Buffer; readonly isLast: boolean };

const smallest = 6 << 20;
const mostParts = 10_000;

/**
 * The sizes of the parts in bytes, by their numbers from 1 on. Ten thousand are enough for any core, and those of a usual one take little memory: two
 * uploads at once are to have room in what the agent may take. Limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
 *
 * @param sizeBytes of the content, where it is known: then all have one size, as some servers want it (Cloudflare's R2)
 */
export function partSizes(sizeBytes: number | undefined): (number: number) => number {
	// They double with each thousand, so that 10,000 parts hold 5.9 TiB.
	if (sizeBytes === undefined) return (number) => smallest * 2 ** Math.floor((number - 1) / 1000);
	let size = smallest;
	while (size * mostParts < sizeBytes) size *= 2;
	return () => size;
}

/** Cuts content into parts, of which all but the last are full. No content is one empty part. */
export async function* partsOf(
	content: AsyncIterable<Uint8Array>,
	signal: AbortSignal,
	sizeOf: (number: number) => number,
): AsyncGenerator<Part> {
	let number = 1;
	let buffer = Buffer.allocUnsafeSlow(sizeOf(number));
	let filled = 0;
	for await (const chunk of content) {
		signal.throwIfAborted();
		for (let at = 0; at < chunk.length; ) {
			if (filled === buffer.length) {
				yield { number, bytes: buffer, isLast: false };
				number++;
				filled = 0;
				if (sizeOf(number) !== buffer.length) {
					release(buffer);
					buffer = Buffer.allocUnsafeSlow(sizeOf(number));
				}
			}
			const taken = Math.min(chunk.length - at, buffer.length - filled);
			buffer.set(chunk.subarray(at, at + taken), filled);
			at += taken;
			filled += taken;
		}
	}
	signal.throwIfAborted();
	yield { number, bytes: buffer.subarray(0, filled), isLast: true };
	// The server has told that it has all of it: no request is at it any more.
	release(buffer);
}
