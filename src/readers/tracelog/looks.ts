const binaryStarts: readonly (readonly number[])[] = [
	[0x7f, 0x45, 0x4c, 0x46], // ELF
	[0x28, 0xb5, 0x2f, 0xfd], // zstd
	[0x1f, 0x8b], // gzip
	[0x04, 0x22, 0x4d, 0x18], // lz4
	[0xfd, 0x37, 0x7a, 0x58], // xz
];

/**
 * Tells a log from a core file, packed or not, by its beginning: text holds no NUL and hardly any control characters.
 *
 * @param head some hundred bytes or more
 */
export function looksLikeText(head: Uint8Array | string): boolean {
	const bytes = typeof head === 'string' ? Buffer.from(head) : head;
	if (bytes.length === 0 || binaryStarts.some((start) => start.every((byte, index) => bytes[index] === byte))) return false;
	let controls = 0;
	for (const byte of bytes) {
		if (byte === 0) return false;
		if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b) controls++;
	}
	return controls * 50 <= bytes.length;
}
