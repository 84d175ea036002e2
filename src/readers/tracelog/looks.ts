import { packingOf } from '../bytes/bytes.ts';
import { isElf } from '../elf/elf.ts';

/**
 * Tells a log from a core file, packed or not, by its beginning: text holds no NUL and hardly any control characters.
 *
 * @param bytes some hundred bytes or more
 */
export function looksLikeText(bytes: Buffer): boolean {
	const packing = packingOf(bytes);
	const isPacked = packing !== undefined && packing !== 'apport'; // a report of apport is a text
	if (bytes.length === 0 || isElf(bytes) || isPacked) return false;
	let controls = 0;
	for (const byte of bytes) {
		if (byte === 0) return false;
		if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b) controls++;
	}
	return controls * 50 <= bytes.length;
}
