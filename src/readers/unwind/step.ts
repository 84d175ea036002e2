import { UnwindError } from './error.ts';
import { evaluate, type Surroundings } from './expression.ts';
import type { Machine } from './machine.ts';
import type { RegisterRule, Row } from './row.ts';
import { type Stop, Stopped } from './stop.ts';

/** The process's memory. Undefined where not all of it is there. What is returned may be valid only until the next read. */
export type Memory = (address: bigint, length: number) => Promise<Buffer | undefined>;

/** Values by DWARF number; those that can't be known are not there. */
export type Registers = ReadonlyMap<number, bigint>;

export type Frame = {
	readonly pc: bigint;
	readonly registers: Registers;
	/** The pc is that of the instruction that was to be done: in a thread's innermost frame, and where a signal came. Else it is behind a call, and may belong to another function. */
	readonly isExact: boolean;
};

export type Step =
	| { readonly is: 'caller'; readonly frame: Frame; readonly cfa: bigint }
	/** The frame has no caller. */
	| { readonly is: 'outermost' }
	| { readonly is: 'stopped'; readonly stop: Stop };

/** A thread's innermost frame, by its registers under the kernel's names: {@link Machine.registers}; others are left out. Undefined where the pc is not among them. */
export function innermostFrame(values: Readonly<Record<string, bigint>>, { registers: names, programCounter }: Machine): Frame | undefined {
	const registers = new Map(
		names.flatMap((name, number) => {
			const value = values[name];
			return value === undefined ? [] : [[number, value] as const];
		}),
	);
	const pc = registers.get(programCounter);
	return pc === undefined ? undefined : { pc, registers, isExact: true };
}

/** The address that says which function a frame is in. */
export const codeAddress = ({ pc, isExact }: Frame): bigint => (isExact ? pc : BigInt.asUintN(64, pc - 1n));

/**
 * From a frame to its caller by the rules for its code: DWARF 5, section 6.4.4. Whoever goes on so bounds the number of frames: a signal
 * handler's stack may be any, so that a forged one can lead in circles.
 */
export async function step(frame: Frame, row: Row, machine: Machine, memory: Memory): Promise<Step> {
	try {
		return await caller(frame, row, machine, surroundingsOf(frame, memory));
	} catch (error) {
		if (error instanceof Stopped) return { is: 'stopped', stop: error.stop };
		if (error instanceof UnwindError) return { is: 'stopped', stop: { is: 'not understood', words: error.message } };
		throw error;
	}
}

async function caller(frame: Frame, row: Row, machine: Machine, surroundings: Surroundings): Promise<Step> {
	const returnAddressRule = row.registers.get(row.returnAddressRegister) ?? { is: 'same value' };
	if (returnAddressRule.is === 'undefined') return { is: 'outermost' };
	const cfa = await cfaOf(row, surroundings);
	const registers = new Map<number, bigint>();
	for (const number of machine.registers.keys()) {
		const rule = row.registers.get(number) ?? unspecified(number, row, machine);
		const value = number === machine.programCounter ? undefined : await recoveredIfKnown(number, rule, cfa, surroundings);
		if (value !== undefined) registers.set(number, value);
	}
	const stackPointer = registers.get(machine.stackPointer) ?? cfa;
	if (!isProgress(frame, row, machine, stackPointer, returnAddressRule)) throw new Stopped({ is: 'no progress', stackPointer });
	const kept = await recovered(row.returnAddressRegister, returnAddressRule, cfa, surroundings);
	const pc = row.isReturnAddressSigned && machine.signedAddressBits ? BigInt.asUintN(machine.signedAddressBits, kept) : kept;
	registers.set(machine.programCounter, pc);
	return { is: 'caller', cfa, frame: { pc, registers, isExact: row.isSignalFrame } };
}

async function cfaOf({ cfa }: Row, surroundings: Surroundings): Promise<bigint> {
	if (cfa.is === 'expression') return evaluate(cfa.expression, [], surroundings);
	return BigInt.asUintN(64, surroundings.register(cfa.register) + cfa.offset);
}

/**
 * A call leaves the return address in a register, or pushes it: its frame is larger than nothing, and has it kept. Only a function that
 * makes no call may do without either. A signal handler may have a stack of its own.
 */
function isProgress(
	{ registers, isExact }: Frame,
	{ isSignalFrame, returnAddressRegister }: Row,
	machine: Machine,
	callersStackPointer: bigint,
	returnAddressRule: RegisterRule,
): boolean {
	if (isSignalFrame) return true;
	if (returnAddressRule.is === 'same value' && (!isExact || returnAddressRegister === machine.programCounter)) return false;
	const stackPointer = registers.get(machine.stackPointer);
	return stackPointer === undefined || (isExact ? callersStackPointer >= stackPointer : callersStackPointer > stackPointer);
}

/** What the processor's ABI says of a register that has no rule. In a signal frame nothing is lost. */
function unspecified(number: number, { isSignalFrame }: Row, { stackPointer, preserved }: Machine): RegisterRule {
	if (number === stackPointer) return { is: 'val_offset', offset: 0n };
	return isSignalFrame || preserved.has(number) ? { is: 'same value' } : { is: 'undefined' };
}

/** A register that the caller may not even use does not end a stack. */
async function recoveredIfKnown(number: number, rule: RegisterRule, cfa: bigint, surroundings: Surroundings): Promise<bigint | undefined> {
	if (rule.is === 'undefined') return undefined;
	try {
		return await recovered(number, rule, cfa, surroundings);
	} catch (error) {
		if (error instanceof Stopped || error instanceof UnwindError) return undefined;
		throw error;
	}
}

async function recovered(
	number: number,
	rule: Exclude<RegisterRule, { is: 'undefined' }>,
	cfa: bigint,
	surroundings: Surroundings,
): Promise<bigint> {
	switch (rule.is) {
		case 'same value':
			return surroundings.register(number);
		case 'register':
			return surroundings.register(rule.register);
		case 'offset':
			return surroundings.load(BigInt.asUintN(64, cfa + rule.offset), 8);
		case 'val_offset':
			return BigInt.asUintN(64, cfa + rule.offset);
		case 'expression':
			return surroundings.load(await evaluate(rule.expression, [cfa], surroundings), 8);
		case 'val_expression':
			return evaluate(rule.expression, [cfa], surroundings);
		default:
			return rule satisfies never;
	}
}

function surroundingsOf({ registers }: Frame, memory: Memory): Surroundings {
	return {
		register(number) {
			const value = registers.get(number);
			if (value === undefined) throw new Stopped({ is: 'register not known', register: number });
			return value;
		},
		async load(address, size) {
			const bytes = await memory(address, size);
			if (bytes === undefined || bytes.length < size) throw new Stopped({ is: 'memory not readable', address, length: size });
			return bytes.subarray(0, size).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
		},
	};
}
