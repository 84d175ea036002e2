import { type ByteSource, recentBytes } from '../bytes/bytes.ts';
import { UnwindError } from './error.ts';
import { openImage } from './image.ts';
import { type Machine, machines } from './machine.ts';
import { rowIn } from './program.ts';
import type { Row } from './row.ts';
import { searchIn } from './search.ts';
import { codeAddress, type Frame, type Memory, type Step, step } from './step.ts';

export { UnwindError } from './error.ts';
export { type Machine, machines } from './machine.ts';
export type { CfaRule, RegisterRule, Row } from './row.ts';
export { codeAddress, type Frame, innermostFrame, type Memory, type Registers, type Step, step } from './step.ts';
export { describeStop, type Stop } from './stop.ts';

/** The call frame information of a module: `.eh_frame` (LSB Core 5.0, section 10.6; DWARF 5, section 6.4). */
export type CallFrames = {
	readonly machine: Machine;
	/**
	 * The rules for the code at an address, as the module was linked; undefined where nothing describes it.
	 *
	 * @throws {UnwindError} what describes it is damaged
	 */
	rowAt(address: bigint): Promise<Row | undefined>;
};

/**
 * Reads headers only; tables are searched where they lie, and the parts that were searched last are kept (512 KiB).
 *
 * @param source the module's file, or its whole image from memory, such as the vDSO's
 * @throws {UnwindError} it is no ELF64 file of a processor that is known here, or its `.eh_frame_hdr` is damaged
 */
export async function callFrames(source: ByteSource): Promise<CallFrames> {
	const image = await openImage(recentBytes(source));
	const machine = machines.get(image.machine);
	if (!machine) throw new UnwindError(`is for the processor ${image.machine}; expected one of ${[...machines.keys()].join(', ')}`);
	const search = await searchIn(image);
	return {
		machine,
		async rowAt(address) {
			const description = await search(address);
			return description && rowIn(description, address, machine);
		},
	};
}

/** A module where it is in the process: `bias` is added to the addresses as linked. */
export type PlacedFrames = { readonly frames: CallFrames; readonly bias: bigint };

/**
 * From a frame to its caller.
 *
 * @param placed of the module that {@link codeAddress} is in
 */
export async function callerOf(frame: Frame, { frames, bias }: PlacedFrames, memory: Memory): Promise<Step> {
	const address = codeAddress(frame);
	try {
		const row = await frames.rowAt(BigInt.asUintN(64, address - bias));
		if (!row) return { is: 'stopped', stop: { is: 'no frame description', address } };
		return await step(frame, row, frames.machine, memory);
	} catch (error) {
		if (error instanceof UnwindError) return { is: 'stopped', stop: { is: 'not understood', words: error.message } };
		throw error;
	}
}
