import type { Encoding } from '../bytes/bytes.ts';
import { isElf } from '../elf/elf.ts';
import { CorefileError } from './error.ts';

/** What a file is by its first bytes; names lie. */
export function encodingOf(head: Buffer): Encoding {
	if (isElf(head)) return 'raw';
	const magic = head.toString('hex', 0, 6);
	if (magic.startsWith('28b52ffd')) return 'zstd';
	if (magic.startsWith('1f8b')) return 'gzip';
	const other = Object.entries(notRead).find(([start]) => magic.startsWith(start))?.[1];
	if (other) throw new CorefileError(`is ${other}; this version reads plain, .zst and .gz cores: unpack it first`, 0);
	throw new CorefileError('is not a core dump: expected an ELF file (7f 45 4c 46), zstd or gzip', 0);
}

const notRead: Readonly<Record<string, string>> = {
	'04224d18': 'packed with lz4',
	fd377a585a00: 'packed with xz',
	'425a68': 'packed with bzip2',
};
