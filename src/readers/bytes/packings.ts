import type { Packing } from './unpacked.ts';

/** What packed data is by its first bytes. */
export function packingOf(head: Buffer): Packing | 'bzip2' | undefined {
	const magic = head.toString('hex', 0, 16);
	return packings.find(([start]) => start.test(magic))?.[1];
}

const packings: readonly (readonly [start: RegExp, packing: Packing | 'bzip2'])[] = [
	[/^28b52ffd/, 'zstd'],
	[/^5.2a4d18/, 'zstd'], // a frame that is skipped (RFC 8878, 3.1.2), with which pzstd begins
	[/^1f8b/, 'gzip'],
	[/^04224d18/, 'lz4'],
	[/^02214c18/, 'lz4'], // the legacy format, which `lz4 -l` and the Linux kernel's build still write
	[/^fd377a585a00/, 'xz'],
	[/^50726f626c656d547970653a/, 'apport'], // ProblemType:, always its first field
	[/^425a68/, 'bzip2'],
];
