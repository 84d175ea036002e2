import { type ByteSource, memoryBytes, NoUnpackerError, PackedDataError } from '../bytes/bytes.ts';
import type { SectionHeader } from '../elf/elf.ts';

/**
 * Unpacks what xz packed, in memory: given from above, since readers start no programs.
 *
 * @throws {PackedDataError} it is damaged, or longer than that when it is unpacked
 * @throws {NoUnpackerError} there is nothing to unpack it with
 */
export type UnpackXz = (packed: Buffer, mostBytes: number) => Promise<Buffer>;

/** Those of the largest programs have a few megabytes. */
const mostPackedBytes = 16 << 20;
const mostBytes = 64 << 20;

/**
 * What `.gnu_debugdata` holds: an ELF file, packed with xz, of the functions that `.dynsym` does not name.
 *
 * @see https://sourceware.org/gdb/current/onlinedocs/gdb.html/MiniDebugInfo.html
 * @returns why it can't be had, in words
 */
export async function debugdata(
	source: ByteSource,
	{ sh_offset, sh_size }: SectionHeader,
	unpackXz: UnpackXz | undefined,
): Promise<ByteSource | string> {
	if (!unpackXz) return '.gnu_debugdata is packed with xz, which is not unpacked here';
	if (sh_size > mostPackedBytes) return `.gnu_debugdata has ${sh_size} bytes; expected at most ${mostPackedBytes}`;
	const packed = Buffer.from(await source.read(Number(sh_offset), Number(sh_size)));
	if (packed.length < Number(sh_size)) return `the file ends within .gnu_debugdata; expected ${Number(sh_size) - packed.length} more bytes`;
	try {
		return memoryBytes(await unpackXz(packed, mostBytes));
	} catch (error) {
		if (error instanceof NoUnpackerError || error instanceof PackedDataError) return `.gnu_debugdata: ${error.message}`;
		throw error;
	}
}
