import type { Cursor } from './cursor.ts';
import { mostRegisters } from './entries.ts';
import { UnwindError } from './error.ts';
import { DW_CFA } from './opcodes.ts';
import type { CfaRule, RegisterRule } from './row.ts';

const mostExpressionBytes = 1 << 16;

/** The operands of instructions: DWARF 5, section 6.4.2. */
const operands = (cursor: Cursor, dataAlignment: bigint) => ({
	register: () => cursor.count('a register', mostRegisters - 1),
	offset: () => cursor.uleb(),
	factored: () => BigInt.asIntN(64, cursor.uleb() * dataAlignment),
	factoredSigned: () => BigInt.asIntN(64, cursor.sleb() * dataAlignment),
	expression: () => cursor.bytes(cursor.count('the length of an expression', mostExpressionBytes)),
});

/** The rule that an instruction gives a register; undefined for an instruction that gives none. */
export function registerRule(
	byte: number,
	cursor: Cursor,
	dataAlignment: bigint,
): readonly [register: number, rule: RegisterRule] | undefined {
	const { register, factored, factoredSigned, expression } = operands(cursor, dataAlignment);
	if ((byte & 0xc0) === DW_CFA.offset) return [byte & 0x3f, { is: 'offset', offset: factored() }];
	switch (byte) {
		case DW_CFA.offset_extended:
			return [register(), { is: 'offset', offset: factored() }];
		case DW_CFA.offset_extended_sf:
			return [register(), { is: 'offset', offset: factoredSigned() }];
		case DW_CFA.GNU_negative_offset_extended:
			return [register(), { is: 'offset', offset: -factored() }];
		case DW_CFA.val_offset:
			return [register(), { is: 'val_offset', offset: factored() }];
		case DW_CFA.val_offset_sf:
			return [register(), { is: 'val_offset', offset: factoredSigned() }];
		case DW_CFA.undefined:
			return [register(), { is: 'undefined' }];
		case DW_CFA.same_value:
			return [register(), { is: 'same value' }];
		case DW_CFA.register:
			return [register(), { is: 'register', register: register() }];
		case DW_CFA.expression:
			return [register(), { is: 'expression', expression: expression() }];
		case DW_CFA.val_expression:
			return [register(), { is: 'val_expression', expression: expression() }];
	}
	return undefined;
}

/** The rule that an instruction gives the CFA, of which it may change a half; undefined for an instruction that gives none. */
export function cfaRule(byte: number, cursor: Cursor, dataAlignment: bigint, present: CfaRule | undefined): CfaRule | undefined {
	const { address } = cursor;
	const { register, offset, factoredSigned, expression } = operands(cursor, dataAlignment);
	const half = () => {
		if (present?.is !== 'register') throw new UnwindError('changes half of a CFA that is not a register and an offset', address);
		return present;
	};
	switch (byte) {
		case DW_CFA.def_cfa:
			return { is: 'register', register: register(), offset: offset() };
		case DW_CFA.def_cfa_sf:
			return { is: 'register', register: register(), offset: factoredSigned() };
		case DW_CFA.def_cfa_register:
			return { ...half(), register: register() };
		case DW_CFA.def_cfa_offset:
			return { ...half(), offset: offset() };
		case DW_CFA.def_cfa_offset_sf:
			return { ...half(), offset: factoredSigned() };
		case DW_CFA.def_cfa_expression:
			return { is: 'expression', expression: expression() };
	}
	return undefined;
}
