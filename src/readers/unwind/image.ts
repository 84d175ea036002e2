import type { ByteSource } from '../bytes/bytes.ts';
import { type ProgramHeader, PT_GNU_EH_FRAME, PT_LOAD, programHeaders, readElfHeader, sections } from '../elf/elf.ts';
import { UnwindError } from './error.ts';

/** A stretch of linked addresses. */
export type Range = { readonly start: bigint; readonly end: bigint };

/** A module's file by its linked addresses: those that its headers say, before the process moved it. */
export type Image = {
	/** `e_machine`. */
	readonly machine: number;
	/** `.eh_frame_hdr`, by its segment. */
	readonly ehFrameHeader: Range | undefined;
	/** `.eh_frame`, by its section. */
	readonly ehFrame: Range | undefined;
	/** The end of what the file holds of the segment at this address. */
	endOfSegment(address: bigint): bigint;
	/**
	 * Up to `length` bytes; fewer only where the segment or the file ends. Valid until the next read.
	 *
	 * @throws {UnwindError} no segment holds that address
	 */
	read(address: bigint, length: number): Promise<Buffer>;
};

const SHT_NOBITS = 8;

/** @throws {UnwindError} it is no ELF64 file, little-endian */
export async function openImage(source: ByteSource): Promise<Image> {
	const header = await readElfHeader(source);
	if (!header) throw new UnwindError('is not an ELF64 file, little-endian');
	const segments = (await programHeaders(source, header)).filter(({ p_filesz }) => p_filesz > 0n);
	const loads = segments.filter(({ p_type }) => p_type === PT_LOAD);
	const frameHeader = segments.find(({ p_type }) => p_type === PT_GNU_EH_FRAME);
	const section = (await sections(source, header)).get('.eh_frame');

	function holding(address: bigint): ProgramHeader {
		const segment = loads.find((load) => address >= load.p_vaddr && address < fileEnd(load));
		if (!segment) throw new UnwindError('leads to an address that no segment of the file holds', address);
		return segment;
	}

	return {
		machine: header.e_machine,
		ehFrameHeader: frameHeader && { start: frameHeader.p_vaddr, end: fileEnd(frameHeader) },
		// In a file of debug information alone the sections are named, and empty.
		ehFrame:
			section === undefined || section.sh_type === SHT_NOBITS || section.sh_size === 0n
				? undefined
				: { start: section.sh_addr, end: section.sh_addr + section.sh_size },
		endOfSegment: (address) => fileEnd(holding(address)),
		read: async (address, length) => {
			const segment = holding(address);
			const rest = fileEnd(segment) - address;
			return source.read(Number(segment.p_offset + address - segment.p_vaddr), rest < length ? Number(rest) : length);
		},
	};
}

const fileEnd = ({ p_vaddr, p_filesz }: ProgramHeader) => p_vaddr + p_filesz;
