import { hex } from '../../base/hex.ts';
import type { Machine } from './machine.ts';

/** Why a stack can't be followed further, though it goes on. */
export type Stop =
	/** Nothing describes the code at this address: of the process, not as linked. */
	| { readonly is: 'no frame description'; readonly address: bigint }
	/** The memory that holds what is needed is not there. */
	| { readonly is: 'memory not readable'; readonly address: bigint; readonly length: number }
	/** What is needed is counted from a register (its DWARF number) that was lost on the way. */
	| { readonly is: 'register not known'; readonly register: number }
	/** The call frame information is damaged, or has what is not known here. */
	| { readonly is: 'not understood'; readonly words: string }
	/** The caller's frame would not be further up the stack (its stack pointer is the CFA, unless a rule says otherwise): the stack, or what describes it, is wrong. */
	| { readonly is: 'no progress'; readonly stackPointer: bigint };

/** In words, as they stand behind a colon. */
export function describeStop(stop: Stop, { registers }: Machine): string {
	switch (stop.is) {
		case 'no frame description':
			return `nothing describes the frame of the code at ${hex(stop.address)}`;
		case 'memory not readable':
			return `the ${stop.length} bytes of memory at ${hex(stop.address)} are not there`;
		case 'register not known':
			return `the value of ${registers[stop.register] ?? `register ${stop.register}`} is not known`;
		case 'not understood':
			return `its call frame information can't be used: ${stop.words}`;
		case 'no progress':
			return `the caller's frame would be at ${hex(stop.stackPointer)}, which is not further up`;
		default:
			return stop satisfies never;
	}
}

/** Takes the reason out of the midst of an evaluation. */
export class Stopped extends Error {
	readonly stop: Stop;

	constructor(stop: Stop) {
		super(stop.is);
		this.stop = stop;
	}
}
