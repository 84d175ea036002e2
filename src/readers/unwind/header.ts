import { cursorOver } from './cursor.ts';
import { UnwindError } from './error.ts';
import type { Image, Range } from './image.ts';
import { DW_EH_PE_omit, pointer } from './pointer.ts';

/** `.eh_frame_hdr`: LSB Core 5.0, section 10.6.2. */
export type FrameHeader = {
	readonly eh_frame_ptr: bigint | undefined;
	/** Absent where it can't be searched: no linker known writes such a one. */
	readonly table: PairTable | undefined;
};

/** Pairs of where a function starts and where its FDE is, in order of the first. */
export type PairTable = {
	readonly start: bigint;
	readonly fde_count: number;
	/** What both count from. */
	readonly base: bigint;
};

const pairSize = 8;
/** DW_EH_PE_datarel | DW_EH_PE_sdata4 */
const searchable = 0x3b;

/** @throws {UnwindError} it is of another version, or announces more than it has */
export async function frameHeader(image: Image, { start, end }: Range): Promise<FrameHeader> {
	const cursor = cursorOver(Buffer.from(await image.read(start, 32)), start);
	const version = cursor.unsigned(1);
	if (version !== 1n) throw new UnwindError(`.eh_frame_hdr has version ${version}; expected 1`, start);
	const encoding = () => Number(cursor.unsigned(1));
	const [eh_frame_ptr_enc, fde_count_enc, table_enc] = [encoding(), encoding(), encoding()];
	const eh_frame_ptr = eh_frame_ptr_enc === DW_EH_PE_omit ? undefined : pointer(cursor, eh_frame_ptr_enc, start);
	if (fde_count_enc === DW_EH_PE_omit || table_enc !== searchable) return { eh_frame_ptr, table: undefined };
	const fde_count = pointer(cursor, fde_count_enc, start);
	const room = (end - cursor.address) / BigInt(pairSize);
	if (fde_count > room) throw new UnwindError(`.eh_frame_hdr announces ${fde_count} entries; it has room for ${room}`, start);
	return { eh_frame_ptr, table: { start: cursor.address, fde_count: Number(fde_count), base: start } };
}

/** One of the pairs. */
export async function tablePair(image: Image, { start, base }: PairTable, index: number) {
	const at = start + BigInt(index * pairSize);
	const pair = await image.read(at, pairSize);
	if (pair.length < pairSize) throw new UnwindError('the file ends within the table of .eh_frame_hdr', at);
	return { start: base + BigInt(pair.readInt32LE(0)), fde: base + BigInt(pair.readInt32LE(4)) };
}
