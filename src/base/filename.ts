import { isUtf8 } from 'node:buffer';

/**
 * A file's name or path as text that loses nothing. File names on Linux are bytes; those that are not UTF-8 become
 * lone surrogates U+DC80…U+DCFF, one for each byte, as in PEP 383. Such text survives JSON and is told apart by `isWellFormed()`.
 */
export function fileNameText(bytes: Buffer): string {
	if (isUtf8(bytes)) return bytes.toString();
	let text = '';
	for (let at = 0; at < bytes.length; ) {
		const length = sequenceLength(bytes[at] as number);
		const sequence = bytes.subarray(at, at + length);
		if (sequence.length === length && isUtf8(sequence)) {
			text += sequence.toString();
			at += length;
		} else {
			text += String.fromCharCode(0xdc00 + (bytes[at] as number));
			at += 1;
		}
	}
	return text;
}

/** What the system calls want for such a text: the text itself, or its bytes where they are not UTF-8. */
export function systemPath(text: string): string | Buffer {
	return text.isWellFormed() ? text : fileNameBytes(text);
}

function fileNameBytes(text: string): Buffer {
	// With the u flag the range matches lone surrogates only, never the half of a pair.
	const parts = text.split(/([\udc80-\udcff])/u);
	return Buffer.concat(parts.map((part, index) => (index % 2 === 1 ? Buffer.of(part.charCodeAt(0) - 0xdc00) : Buffer.from(part))));
}

const sequenceLength = (lead: number) => (lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
