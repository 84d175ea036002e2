import { hex } from '../../base/hex.ts';
import { type Cursor, cursorOver } from './cursor.ts';
import { UnwindError } from './error.ts';
import type { Image } from './image.ts';
import { DW_EH_PE_absptr, lengthOf, pointer, skipPointer } from './pointer.ts';

/** Some hundred are in use; a rule for another is a mistake. */
export const mostRegisters = 256;

/** What frame descriptions have in common. DWARF 5, section 6.4.1; LSB Core 5.0, section 10.6.1.1. */
export type CommonInformation = {
	readonly code_alignment_factor: bigint;
	readonly data_alignment_factor: bigint;
	readonly return_address_register: number;
	/** `R`: how addresses are written in the frame descriptions. */
	readonly addressEncoding: number;
	/** `z`: frame descriptions have data of their own. */
	readonly hasAugmentationData: boolean;
	/** `S`: the frame of a signal handler's caller, whose pc is that of an instruction that was not yet done. */
	readonly isSignalFrame: boolean;
	readonly initial_instructions: Instructions;
};

/** A part of the table: for the code from `initial_location`. The same sections. */
export type FrameDescription = {
	readonly cie: CommonInformation;
	readonly initial_location: bigint;
	readonly end: bigint;
	readonly instructions: Instructions;
};

export type Instructions = { readonly bytes: Buffer; readonly address: bigint };

/** An entry of `.eh_frame`, before it is looked into. */
export type Entry = {
	readonly address: bigint;
	readonly next: bigint;
	/** Where its CIE is; undefined for a CIE. */
	readonly cie: bigint | undefined;
	readonly content: () => Promise<Cursor>;
};

/** The longest known have some ten KiB. */
const mostEntryBytes = 1 << 20;
const extendedLength = 0xffff_ffffn;

/**
 * The entry at an address; undefined for the one of length 0, which ends them.
 *
 * @param end of all entries
 */
export async function entryAt(image: Image, address: bigint, end: bigint): Promise<Entry | undefined> {
	const head = cursorOver(await image.read(address, Math.min(16, Number(end - address))), address);
	let length = head.unsigned(4);
	if (length === 0n) return undefined;
	if (length === extendedLength) length = head.unsigned(8);
	const start = head.address;
	if (length < 4n || length > end - start) throw new UnwindError(`an entry has ${length} bytes; expected 4 to ${end - start}`, address);
	const distance = head.unsigned(4);
	return {
		address,
		next: start + length,
		cie: distance === 0n ? undefined : start - distance,
		content: async () => {
			if (length > mostEntryBytes) throw new UnwindError(`an entry has ${length} bytes; at most ${mostEntryBytes} are read`, address);
			const bytes = await image.read(start + 4n, Number(length) - 4);
			if (bytes.length < Number(length) - 4) throw new UnwindError('the file ends within an entry', address);
			return cursorOver(Buffer.from(bytes), start + 4n);
		},
	};
}

/** Reads a CIE, behind its id. */
export function commonInformation(cursor: Cursor): CommonInformation {
	const at = cursor.address;
	const version = Number(cursor.unsigned(1));
	if (version !== 1 && version !== 3 && version !== 4) throw new UnwindError(`a CIE has version ${version}; expected 1, 3 or 4`, at);
	const augmentation = cursor.text();
	if (version === 4) {
		const [addressSize, selectorSize] = [cursor.unsigned(1), cursor.unsigned(1)];
		if (addressSize !== 8n || selectorSize !== 0n)
			throw new UnwindError(`a CIE has addresses of ${addressSize} bytes and selectors of ${selectorSize}; expected 8 and 0`, at);
	}
	const code_alignment_factor = cursor.uleb();
	const data_alignment_factor = cursor.sleb();
	const return_address_register =
		version === 1 ? Number(cursor.unsigned(1)) : cursor.count('the register of the return address', mostRegisters - 1);
	return {
		code_alignment_factor,
		data_alignment_factor,
		return_address_register,
		...augmented(cursor, augmentation),
		initial_instructions: rest(cursor),
	};
}

/** @throws {UnwindError} a letter is not known, and nothing says how long what belongs to it is */
function augmented(cursor: Cursor, augmentation: string) {
	const known = { addressEncoding: DW_EH_PE_absptr, hasAugmentationData: augmentation.startsWith('z'), isSignalFrame: false };
	if (augmentation === '') return known;
	if (!known.hasAugmentationData)
		throw new UnwindError(`a CIE has the augmentation ${JSON.stringify(augmentation)}; expected z first`, cursor.address);
	const end = augmentationEnd(cursor);
	for (const letter of augmentation.slice(1)) {
		if (letter === 'R') known.addressEncoding = Number(cursor.unsigned(1));
		else if (letter === 'P') skipPointer(cursor, Number(cursor.unsigned(1)));
		else if (letter === 'L') cursor.unsigned(1);
		else if (letter === 'S') known.isSignalFrame = true;
		// AADWARF64: the return address is signed with key B; the frame has tagged memory.
		else if (letter !== 'B' && letter !== 'G') break;
	}
	if (cursor.offset > end) throw new UnwindError('the augmentation data of a CIE is longer than it says', cursor.address);
	cursor.moveTo(end);
	return known;
}

function augmentationEnd(cursor: Cursor): number {
	const length = cursor.count('the length of the augmentation data', mostEntryBytes);
	return cursor.offset + length;
}

/** Reads an FDE, behind the pointer to its CIE. */
export function frameDescription(cursor: Cursor, cie: CommonInformation): FrameDescription {
	const { initial_location, end } = codeRange(cursor, cie);
	if (cie.hasAugmentationData) cursor.moveTo(augmentationEnd(cursor));
	return { cie, initial_location, end, instructions: rest(cursor) };
}

/** The code that an FDE describes. */
export function codeRange(cursor: Cursor, { addressEncoding }: CommonInformation) {
	const at = cursor.address;
	const initial_location = pointer(cursor, addressEncoding);
	const address_range = lengthOf(cursor, addressEncoding);
	const end = initial_location + address_range;
	if (end >= 1n << 64n) throw new UnwindError(`describes code from ${hex(initial_location)} to ${hex(end)}, beyond all addresses`, at);
	return { initial_location, end };
}

function rest(cursor: Cursor): Instructions {
	const { address } = cursor;
	return { bytes: cursor.bytes(cursor.remaining), address };
}
