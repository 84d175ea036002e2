import { hex } from '../../base/hex.ts';
import { type Cursor, cursorOver } from './cursor.ts';
import { UnwindError } from './error.ts';
import { DW_OP } from './opcodes.ts';

/** Where an expression gets its values from: each answers, or throws what ends the evaluation. */
export type Surroundings = {
	register(number: number): bigint;
	/** An unsigned number of 1 to 8 bytes. */
	load(address: bigint, size: number): Promise<bigint>;
};

/** The longest known have some ten operations; loops are possible. */
const mostOperations = 1000;
const deepestStack = 64;

/**
 * The value of an expression: DWARF 5, sections 2.5.1 and 6.4.2.
 *
 * @param initial what is on the stack at first
 * @throws {UnwindError} it has an operation that is not understood, has too little or too much on its stack, or takes too long. The address in it counts from the expression's start
 */
export async function evaluate(expression: Buffer, initial: readonly bigint[], surroundings: Surroundings): Promise<bigint> {
	const stack = [...initial];
	const cursor = cursorOver(expression, 0n);
	for (let operations = 0; !cursor.isAtEnd; operations++) {
		if (operations === mostOperations) throw new UnwindError(`an expression takes more than ${mostOperations} operations`);
		await operation(stack, cursor, surroundings);
		if (stack.length > deepestStack) throw new UnwindError(`an expression has more than ${deepestStack} values on its stack`);
	}
	return pop(stack);
}

async function operation(stack: bigint[], cursor: Cursor, { register, load }: Surroundings): Promise<void> {
	const { address } = cursor;
	const code = Number(cursor.unsigned(1));
	const push = (value: bigint) => stack.push(BigInt.asUintN(64, value));
	const compute = binary[code];
	if (compute) {
		const second = pop(stack);
		push(compute(pop(stack), second));
		return;
	}
	if (code >= DW_OP.lit0 && code <= DW_OP.lit31) return void push(BigInt(code - DW_OP.lit0));
	if (code >= DW_OP.breg0 && code <= DW_OP.breg31) return void push(register(code - DW_OP.breg0) + cursor.sleb());
	switch (code) {
		case DW_OP.bregx:
			return void push(register(cursor.count('a register', 255)) + cursor.sleb());
		case DW_OP.const1u:
			return void push(cursor.unsigned(1));
		case DW_OP.const1s:
			return void push(cursor.signed(1));
		case DW_OP.const2u:
			return void push(cursor.unsigned(2));
		case DW_OP.const2s:
			return void push(cursor.signed(2));
		case DW_OP.const4u:
			return void push(cursor.unsigned(4));
		case DW_OP.const4s:
			return void push(cursor.signed(4));
		case DW_OP.const8u:
		case DW_OP.const8s:
			return void push(cursor.unsigned(8));
		case DW_OP.constu:
			return void push(cursor.uleb());
		case DW_OP.consts:
			return void push(cursor.sleb());
		case DW_OP.deref:
			return void push(await load(pop(stack), 8));
		case DW_OP.deref_size: {
			const size = Number(cursor.unsigned(1));
			if (size < 1 || size > 8) throw new UnwindError(`an expression loads ${size} bytes; expected 1 to 8`, address);
			return void push(await load(pop(stack), size));
		}
		case DW_OP.dup:
			return void push(peek(stack, 0));
		case DW_OP.over:
			return void push(peek(stack, 1));
		case DW_OP.pick:
			return void push(peek(stack, Number(cursor.unsigned(1))));
		case DW_OP.drop:
			pop(stack);
			return;
		case DW_OP.swap: {
			const [first, second] = [pop(stack), pop(stack)];
			stack.push(first, second);
			return;
		}
		case DW_OP.rot: {
			const [first, second, third] = [pop(stack), pop(stack), pop(stack)];
			stack.push(first, third, second);
			return;
		}
		case DW_OP.abs: {
			const value = signed(pop(stack));
			return void push(value < 0n ? -value : value);
		}
		case DW_OP.neg:
			return void push(-pop(stack));
		case DW_OP.not:
			return void push(~pop(stack));
		case DW_OP.plus_uconst:
			return void push(pop(stack) + cursor.uleb());
		case DW_OP.skip:
			return jump(cursor, true);
		case DW_OP.bra:
			return jump(cursor, pop(stack) !== 0n);
		case DW_OP.nop:
			return;
	}
	throw new UnwindError(`an expression has the operation ${hex(code)}, which is not understood`, address);
}

function jump(cursor: Cursor, isTaken: boolean): void {
	const distance = Number(cursor.signed(2));
	if (isTaken) cursor.moveTo(cursor.offset + distance);
}

function pop(stack: bigint[]): bigint {
	const value = stack.pop();
	if (value === undefined) throw new UnwindError('an expression takes more from its stack than is on it');
	return value;
}

function peek(stack: readonly bigint[], depth: number): bigint {
	const value = stack.at(-1 - depth);
	if (value === undefined) throw new UnwindError('an expression takes more from its stack than is on it');
	return value;
}

const signed = (value: bigint) => BigInt.asIntN(64, value);
const truth = (value: boolean) => (value ? 1n : 0n);

/** Comparisons and divisions are signed; the remainder is not, as debuggers have it. */
const binary: Readonly<Record<number, (first: bigint, second: bigint) => bigint>> = {
	[DW_OP.and]: (a, b) => a & b,
	[DW_OP.or]: (a, b) => a | b,
	[DW_OP.xor]: (a, b) => a ^ b,
	[DW_OP.plus]: (a, b) => a + b,
	[DW_OP.minus]: (a, b) => a - b,
	[DW_OP.mul]: (a, b) => a * b,
	[DW_OP.div]: (a, b) => signed(a) / signed(divisor(b)),
	[DW_OP.mod]: (a, b) => a % divisor(b),
	// A BigInt would take as much memory as it is told to shift by.
	[DW_OP.shl]: (a, b) => (b < 64n ? a << b : 0n),
	[DW_OP.shr]: (a, b) => (b < 64n ? a >> b : 0n),
	[DW_OP.shra]: (a, b) => signed(a) >> (b < 64n ? b : 63n),
	[DW_OP.eq]: (a, b) => truth(a === b),
	[DW_OP.ne]: (a, b) => truth(a !== b),
	[DW_OP.lt]: (a, b) => truth(signed(a) < signed(b)),
	[DW_OP.le]: (a, b) => truth(signed(a) <= signed(b)),
	[DW_OP.gt]: (a, b) => truth(signed(a) > signed(b)),
	[DW_OP.ge]: (a, b) => truth(signed(a) >= signed(b)),
};

function divisor(value: bigint): bigint {
	if (value === 0n) throw new UnwindError('an expression divides by 0');
	return value;
}
