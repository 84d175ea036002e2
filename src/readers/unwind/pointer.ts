import { hex } from '../../base/hex.ts';
import type { Cursor } from './cursor.ts';
import { UnwindError } from './error.ts';

/** How a pointer is written: LSB Core 5.0, section 10.5.1 (DWARF Exception Header Encoding). The low four bits say its format, the next three what it counts from. */
export const DW_EH_PE_omit = 0xff;
export const DW_EH_PE_absptr = 0x00;
const [DW_EH_PE_uleb128, DW_EH_PE_udata2, DW_EH_PE_udata4, DW_EH_PE_udata8] = [0x01, 0x02, 0x03, 0x04];
const [DW_EH_PE_signed, DW_EH_PE_sleb128, DW_EH_PE_sdata2, DW_EH_PE_sdata4, DW_EH_PE_sdata8] = [0x08, 0x09, 0x0a, 0x0b, 0x0c];
const [DW_EH_PE_pcrel, DW_EH_PE_datarel, DW_EH_PE_aligned] = [0x10, 0x30, 0x50];
const DW_EH_PE_indirect = 0x80;

/**
 * Reads a pointer; one of 0 stays 0.
 *
 * @param dataBase what `datarel` counts from: in `.eh_frame_hdr` its start; elsewhere nothing says what it is
 * @throws {UnwindError} also where the pointer must be loaded from the process's memory
 */
export function pointer(cursor: Cursor, encoding: number, dataBase?: bigint): bigint {
	const at = cursor.address;
	const value = pointerValue(cursor, encoding);
	if (value === 0n) return 0n;
	switch (encoding & 0xf0) {
		case DW_EH_PE_absptr:
			return BigInt.asUintN(64, value);
		case DW_EH_PE_pcrel:
			return BigInt.asUintN(64, at + value);
		case DW_EH_PE_datarel:
			if (dataBase !== undefined) return BigInt.asUintN(64, dataBase + value);
	}
	throw unknownEncoding(encoding, at);
}

/** Passes a pointer whose target does not matter. */
export function skipPointer(cursor: Cursor, encoding: number): void {
	if (encoding === DW_EH_PE_omit) return;
	if ((encoding & ~DW_EH_PE_indirect) === DW_EH_PE_aligned) cursor.bytes(Number(-cursor.address & 7n));
	pointerValue(cursor, encoding);
}

/** What a pointer says of a length: its format alone. */
export const lengthOf = (cursor: Cursor, encoding: number): bigint => pointerValue(cursor, encoding & 0x07);

function pointerValue(cursor: Cursor, encoding: number): bigint {
	switch (encoding & 0x0f) {
		case DW_EH_PE_absptr:
		case DW_EH_PE_udata8:
			return cursor.unsigned(8);
		case DW_EH_PE_uleb128:
			return cursor.uleb();
		case DW_EH_PE_udata2:
			return cursor.unsigned(2);
		case DW_EH_PE_udata4:
			return cursor.unsigned(4);
		case DW_EH_PE_sleb128:
			return cursor.sleb();
		case DW_EH_PE_sdata2:
			return cursor.signed(2);
		case DW_EH_PE_sdata4:
			return cursor.signed(4);
		case DW_EH_PE_sdata8:
		case DW_EH_PE_signed:
			return cursor.signed(8);
	}
	throw unknownEncoding(encoding, cursor.address);
}

const unknownEncoding = (encoding: number, address: bigint) =>
	new UnwindError(`a pointer is encoded as ${hex(encoding)}, which is not understood`, address);
