import type { Func } from './func.ts';
import { type Tables, within } from './functab.ts';
import { text } from './names.ts';
import { pcValue } from './pcvalue.ts';

/** Where in the source. */
export type SourceLine = {
	/** As the compiler was given it, or by import path with `-trimpath`. */
	readonly file: string;
	readonly line: number;
};

/** `cutab` has no file there. */
const noFile = 0xffffffff;

/** The line of a program counter: that of the innermost call where calls are inlined. */
export async function lineOf(tables: Tables, func: Func, pc: bigint): Promise<SourceLine | undefined> {
	const file = await pcValue(tables, func, func.pcfile, pc);
	const line = await pcValue(tables, func, func.pcln, pc);
	if (file === undefined || file < 0 || line === undefined || line < 0) return undefined;
	const { cutab, filetab } = tables.header;
	const at = within(cutab, (func.cuOffset + file) * 4, 4, func.offset);
	const start = (await tables.image.bytes(at, 4)).readUInt32LE(0);
	return start === noFile ? undefined : { file: await text(tables, filetab, start, at), line };
}
