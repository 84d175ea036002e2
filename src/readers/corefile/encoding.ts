import type { Encoding, Packing } from '../bytes/bytes.ts';
import { isElf } from '../elf/elf.ts';
import { CorefileError } from './error.ts';

/** What a file is by its first bytes; names lie. */
export function encodingOf(head: Buffer): Encoding {
	if (isElf(head)) return 'raw';
	const magic = head.toString('hex');
	const packing = Object.entries(packings).find(([start]) => magic.startsWith(start))?.[1];
	if (packing) return packing;
	if (magic.startsWith(bzip2)) throw new CorefileError('is packed with bzip2; .zst, .gz, .lz4 and .xz are read: unpack it first');
	throw new CorefileError(
		'is not a core dump: expected an ELF file (7f 45 4c 46), one that is packed (zstd, gzip, lz4, xz), or a report of apport',
	);
}

const packings: Readonly<Record<string, Packing>> = {
	'28b52ffd': 'zstd',
	'1f8b': 'gzip',
	'04224d18': 'lz4',
	'02214c18': 'lz4', // the legacy format, which `lz4 -l` and the Linux kernel's build still write
	fd377a585a00: 'xz',
	'50726f626c656d547970653a': 'apport', // ProblemType:, always its first field
};
const bzip2 = '425a68';
