import type { ByteSource } from './source.ts';

/** What was wrong at a stream's end. */
export type Ending = {
	/** Bytes are missing or wrong; else something stands behind the stream that does not belong to it. */
	readonly isDamaged: boolean;
	readonly words: string;
};

/** A stream's bytes, with where it stands and what ended it too early. */
export interface ForwardSource extends ByteSource {
	readonly position: number;
	/** What was wrong where the stream ended; undefined as long as nothing is. */
	readonly ending: Ending | undefined;
	/** Reads on and throws away, until the end or the limit. */
	skipTo(offset: number): Promise<void>;
}

/** @param describe words for what the stream threw; thrown on where it answers undefined */
export function forwardBytes(stream: AsyncIterator<Uint8Array>, describe: (error: unknown) => Ending | undefined): ForwardSource {
	let chunk: Buffer = Buffer.alloc(0);
	/** What is read across chunks. */
	let joined: Buffer = Buffer.alloc(0);
	let position = 0;
	let ending: Ending | undefined;
	let isAtEnd = false;

	async function advance(): Promise<boolean> {
		if (isAtEnd) return false;
		try {
			const next = await stream.next();
			isAtEnd = next.done === true;
			if (!next.done) chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
		} catch (error) {
			ending = describe(error);
			if (ending === undefined) throw error;
			isAtEnd = true;
		}
		return !isAtEnd;
	}

	function take(length: number): Buffer {
		const taken = chunk.subarray(0, length);
		chunk = chunk.subarray(taken.length);
		position += taken.length;
		return taken;
	}

	return {
		isForwardOnly: true,
		get position() {
			return position;
		},
		get ending() {
			return ending;
		},
		async skipTo(offset) {
			while (position < offset) {
				if (chunk.length === 0 && !(await advance())) return;
				take(offset - position);
			}
		},
		async read(offset, length) {
			if (offset < position) throw new Error(`a stream can't go back from ${position} to ${offset}`);
			await this.skipTo(offset);
			if (position < offset) return Buffer.alloc(0);
			if (chunk.length >= length) return take(length);
			// The same memory for each of them: V8 would let it pile up.
			if (joined.length < length) joined = Buffer.allocUnsafeSlow(length);
			let filled = 0;
			while (filled < length && (chunk.length > 0 || (await advance()))) filled += take(length - filled).copy(joined, filled);
			return joined.subarray(0, filled);
		},
	};
}
