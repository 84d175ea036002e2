import type { ForwardSource } from './forward.ts';

/** What is to be taken from a stream as it passes. */
export type Tap = {
	/** Stretches of it, in order, none reaching into another. */
	readonly ranges: readonly { readonly start: number; readonly end: number }[];
	/** Told what they hold, in pieces and in order; a piece is valid until the promise is settled. */
	take(offset: number, bytes: Buffer): Promise<void>;
};

const pieceBytes = 256 * 1024;

/** The same stream, of which stretches are taken on the way, whether or not somebody reads them. */
export function tapped(stream: ForwardSource, { ranges, take }: Tap): ForwardSource {
	let next = 0;

	/** Takes what lies before an offset and has not been passed. */
	async function passTo(offset: number): Promise<void> {
		for (let range = ranges[next]; range && range.start < offset; range = ranges[next]) {
			const start = Math.max(range.start, stream.position);
			const end = Math.min(range.end, offset);
			if (start < end) {
				const bytes = await stream.read(start, Math.min(pieceBytes, end - start));
				if (bytes.length === 0) return;
				await take(start, bytes);
			}
			if (stream.position >= range.end) next++;
			else if (stream.position >= offset) return;
		}
	}

	async function read(offset: number, length: number): Promise<Buffer> {
		await passTo(offset);
		const bytes = await stream.read(offset, length);
		for (let index = next; index < ranges.length; index++) {
			const { start, end } = ranges[index] as Tap['ranges'][number];
			if (start >= offset + bytes.length) break;
			const [from, to] = [Math.max(start, offset) - offset, Math.min(end - offset, bytes.length)];
			if (from < to) await take(offset + from, bytes.subarray(from, to));
			if (end <= stream.position) next = index + 1;
		}
		return bytes;
	}

	return {
		isForwardOnly: true,
		get position() {
			return stream.position;
		},
		get ending() {
			return stream.ending;
		},
		read,
		async skipTo(offset) {
			await passTo(offset);
			await stream.skipTo(offset);
		},
	};
}
