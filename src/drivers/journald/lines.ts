/** The lines of a text that comes in pieces, without their ends; one that is longer than so many bytes is `undefined`, and is never held. */
export async function* lines(pieces: AsyncIterable<Uint8Array>, mostBytes: number): AsyncGenerator<string | undefined> {
	let parts: Uint8Array[] = [];
	let length = 0;
	for await (const piece of pieces) {
		let from = 0;
		for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
			length += end - from;
			yield length > mostBytes ? undefined : Buffer.concat([...parts, piece.subarray(from, end)]).toString();
			from = end + 1;
			parts = [];
			length = 0;
		}
		length += piece.length - from;
		parts = length > mostBytes ? [] : [...parts, piece.subarray(from)];
	}
	// What has no end was cut off: the program ended in the middle of it.
}

const newline = 0x0a;
