import { type Encoding, packingOf } from '../bytes/bytes.ts';
import { isElf } from '../elf/elf.ts';
import { CorefileError } from './error.ts';

/** What a file is by its first bytes; names lie. */
export function encodingOf(head: Buffer): Encoding {
	if (isElf(head)) return 'raw';
	const packing = packingOf(head);
	if (packing === 'bzip2') throw new CorefileError('is packed with bzip2; .zst, .gz, .lz4 and .xz are read: unpack it first');
	if (packing !== undefined) return packing;
	throw new CorefileError(
		'is not a core dump: expected an ELF file (7f 45 4c 46), one that is packed (zstd, gzip, lz4, xz), or a report of apport',
	);
}
