import { hex } from '../../base/hex.ts';
import { type Cursor, cursorOver } from './cursor.ts';
import { type CommonInformation, type FrameDescription, type Instructions, mostRegisters } from './entries.ts';
import { UnwindError } from './error.ts';
import type { Machine } from './machine.ts';
import { DW_CFA } from './opcodes.ts';
import { pointer } from './pointer.ts';
import type { CfaRule, RegisterRule, Row } from './row.ts';
import { cfaRule, registerRule } from './rules.ts';

/** Compilers remember one state, seldom two. */
const mostRemembered = 64;
/** Each takes at least a byte, but one that remembers a state copies it. */
const mostInstructions = 1 << 16;

/** The rules, as they are while a program runs. */
type State = { cfa: CfaRule | undefined; registers: Map<number, RegisterRule>; isReturnAddressSigned: boolean };

type Run = {
	readonly cie: CommonInformation;
	readonly machine: Machine;
	readonly remembered: State[];
	/** What the CIE's program made: `restore` goes back to it. */
	initial: ReadonlyMap<number, RegisterRule>;
	state: State;
	location: bigint;
	instructions: number;
};

/**
 * The row for an address that the description holds: DWARF 5, section 6.4.3.
 *
 * @throws {UnwindError} an instruction is not known, or has operands that can't be
 */
export function rowIn({ cie, initial_location, instructions }: FrameDescription, address: bigint, machine: Machine): Row {
	const run: Run = {
		cie,
		machine,
		remembered: [],
		initial: new Map(),
		state: { cfa: undefined, registers: new Map(), isReturnAddressSigned: false },
		location: initial_location,
		instructions: 0,
	};
	execute(run, cie.initial_instructions, address);
	run.initial = new Map(run.state.registers);
	execute(run, instructions, address);
	const { cfa, registers, isReturnAddressSigned } = run.state;
	if (!cfa) throw new UnwindError('nothing says what the CFA is', instructions.address);
	const { return_address_register: returnAddressRegister, isSignalFrame } = cie;
	return { cfa, registers, returnAddressRegister, isReturnAddressSigned, isSignalFrame };
}

/** Runs until the rows are of code behind the address. */
function execute(run: Run, { bytes, address: start }: Instructions, address: bigint): void {
	const cursor = cursorOver(bytes, start);
	while (!cursor.isAtEnd) {
		if (++run.instructions > mostInstructions) throw new UnwindError(`more than ${mostInstructions} instructions`, cursor.address);
		const byte = Number(cursor.unsigned(1));
		const location = advanced(run, byte, cursor);
		if (location === undefined) {
			instruction(run, byte, cursor);
			continue;
		}
		if (location > address) return;
		run.location = location;
	}
}

/** Where an instruction says that the next row begins; undefined for one that says something else. */
function advanced({ cie, location }: Run, byte: number, cursor: Cursor): bigint | undefined {
	const by = (delta: bigint) => location + delta * cie.code_alignment_factor;
	if ((byte & 0xc0) === DW_CFA.advance_loc) return by(BigInt(byte & 0x3f));
	switch (byte) {
		case DW_CFA.set_loc:
			return pointer(cursor, cie.addressEncoding);
		case DW_CFA.advance_loc1:
			return by(cursor.unsigned(1));
		case DW_CFA.advance_loc2:
			return by(cursor.unsigned(2));
		case DW_CFA.advance_loc4:
			return by(cursor.unsigned(4));
		case DW_CFA.MIPS_advance_loc8:
			return by(cursor.unsigned(8));
	}
	return undefined;
}

/** All others change the rules. */
function instruction(run: Run, byte: number, cursor: Cursor): void {
	const { state, cie, machine } = run;
	const at = cursor.address - 1n;
	const given = registerRule(byte, cursor, cie.data_alignment_factor);
	if (given) {
		state.registers.set(...given);
		return;
	}
	const cfa = cfaRule(byte, cursor, cie.data_alignment_factor, state.cfa);
	if (cfa) {
		state.cfa = cfa;
		return;
	}
	if ((byte & 0xc0) === DW_CFA.restore) {
		restore(run, byte & 0x3f);
		return;
	}
	switch (byte) {
		case DW_CFA.nop:
			return;
		case DW_CFA.restore_extended:
			restore(run, cursor.count('a register', mostRegisters - 1));
			return;
		case DW_CFA.remember_state:
			if (run.remembered.length === mostRemembered) throw new UnwindError(`remembers more than ${mostRemembered} states`, at);
			run.remembered.push({ ...state, registers: new Map(state.registers) });
			return;
		case DW_CFA.restore_state: {
			const remembered = run.remembered.pop();
			if (!remembered) throw new UnwindError('goes back to a state that was not remembered', at);
			run.state = remembered;
			return;
		}
		case DW_CFA.GNU_args_size:
			cursor.uleb(); // only whoever throws an exception has to know
			return;
		case DW_CFA.AARCH64_negate_ra_state:
		case DW_CFA.AARCH64_negate_ra_state_with_pc:
			if (machine.signedAddressBits === undefined) break;
			state.isReturnAddressSigned = !state.isReturnAddressSigned;
			return;
	}
	throw new UnwindError(`the instruction ${hex(byte)} is not understood`, at);
}

/** A register that the CIE says nothing of is as if nothing had been said. */
function restore({ state, initial }: Run, register: number): void {
	const rule = initial.get(register);
	if (rule) state.registers.set(register, rule);
	else state.registers.delete(register);
}
