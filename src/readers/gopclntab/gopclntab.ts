import { defined } from '../../base/defined.ts';
import { type ByteSource, recentBytes } from '../bytes/bytes.ts';
import { PclntabError } from './error.ts';
import { findPcHeader } from './find.ts';
import { type Func, readFunc } from './func.ts';
import { findFunction, type Tables } from './functab.ts';
import { type PcHeader, pcHeaderStart } from './header.ts';
import { type Image, openImage } from './image.ts';
import { inlinedAt } from './inlining.ts';
import type { Layout } from './layout.ts';
import { lineOf, type SourceLine } from './lines.ts';
import { findModuledata, type Moduledata } from './moduledata.ts';
import { text } from './names.ts';
import { pcValue } from './pcvalue.ts';
import { openPointers, type Pointers } from './pointers.ts';
import { type Role, roleOf } from './role.ts';

export { PclntabError } from './error.ts';
export type { SourceLine } from './lines.ts';
export type { Role } from './role.ts';

/**
 * Go's table of functions, which its programs need themselves and so have when they are stripped, too. Program counters are those for
 * which the file was linked: less the address at which it is loaded, where it is position-independent. That of a caller is its return
 * address less one, since the call may be the last instruction of its line, or of its function.
 *
 * Each answer is looked for where it lies in the file, and undefined for what is not Go's code or not in the tables.
 *
 * All throw {@link PclntabError} where the tables say what can't be.
 */
export type Pclntab = {
	/** The release that began this layout. */
	readonly since: Layout['since'];
	functionAt(pc: bigint): Promise<GoFunction | undefined>;
	/** Of the innermost call, where calls are inlined. */
	lineAt(pc: bigint): Promise<SourceLine | undefined>;
	/**
	 * By how many bytes the stack pointer is below where it was on entry, just before the instruction at the program counter runs: exact in
	 * prologues and epilogues too. On x86-64 the return address lies there, at SP + this; on AArch64 it is on the stack only where this is
	 * not 0, at SP, and in the link register (x30) else. Below 0 where a function took its return address off the stack. Not to be used of
	 * functions that write the stack pointer.
	 */
	frameSizeAt(pc: bigint): Promise<number | undefined>;
	/**
	 * The calls that are at work there, the innermost first: those that were inlined, and last the function itself. The function alone,
	 * where the file does not tell what was inlined.
	 */
	callsAt(pc: bigint): Promise<readonly GoCall[]>;
};

export type GoFunction = {
	/** As Go writes it in stacks; type arguments are `[...]` in files of some releases. */
	readonly name: string;
	readonly entry: bigint;
	/** The entry of the next one. */
	readonly end: bigint;
	/** Of its `func`; known since 1.20. */
	readonly startLine?: number;
	readonly role?: Role;
	/** Go's own stacks end here. The signal handler is among them, beyond whose frame the interrupted stack goes on. */
	readonly isTopFrame: boolean;
	/** Sets the stack pointer to something else, so that its frame's size says nothing. Known since 1.17. */
	readonly writesStackPointer: boolean;
};

export type GoCall = { readonly name: string; readonly source?: SourceLine };

/** A lookup visits five tables here and there, and its search all of the largest. 4 MiB: what the lookups for the stacks of a large program come back to. */
const kept = { blockBytes: 4 * 1024, mostBlocks: 1024 };

/**
 * Finds Go's tables in an ELF file (64-bit, little-endian), of Go 1.16 to 1.27 and what has the same layout.
 *
 * @returns undefined where there are none, or it is no such file
 * @throws {PclntabError} they are there, and can't be read
 */
export async function openPclntab(source: ByteSource): Promise<Pclntab | undefined> {
	const image = await openImage(recentBytes(source, kept));
	const header = image && (await findPcHeader(image));
	if (!header) return undefined;
	const pointers = await openPointers(image);
	let found: Promise<Moduledata | undefined> | undefined;
	const moduledata = () => (found ??= findModuledata(image, pointers, header));
	return pclntab({ image, pointers, header, textStart: await textStart(image, pointers, header, moduledata) }, moduledata);
}

/**
 * The header says it from 1.18 to 1.25. Since 1.26 the linker writes 0 there, since it had to be relocated, and `moduledata.text` says it.
 *
 * @see https://github.com/golang/go/blob/master/src/runtime/symtab.go pcHeader
 */
async function textStart(
	image: Image,
	pointers: Pointers,
	{ layout, offset }: PcHeader,
	moduledata: () => Promise<Moduledata | undefined>,
) {
	if (layout.since === '1.16') return 0n;
	const field = image.addressOf(offset + pcHeaderStart + 2 * 8);
	const inHeader = field === undefined ? undefined : await pointers.at(field);
	const start = inHeader || (await moduledata())?.text;
	if (start === undefined) throw new PclntabError('it does not say where the code starts, nor does anything else in the file', offset);
	return start;
}

/** Of assembly there may be a second function of the same name, which the compiler makes for those who pass arguments in registers. */
async function role(tables: Tables, func: Func, name: string): Promise<Role | undefined> {
	const role = roleOf(name);
	return role && (await lineOf(tables, func, func.entry))?.file !== '<autogenerated>' ? role : undefined;
}

const FuncFlagTopFrame = 1;
const FuncFlagSPWrite = 2;

function pclntab(tables: Tables, moduledata: () => Promise<Moduledata | undefined>): Pclntab {
	const { header } = tables;
	/** Of one program counter one asks for several things, one after the other. */
	let last: Func | undefined;
	async function at<T>(pc: bigint, answer: (func: Func) => Promise<T>): Promise<T | undefined> {
		if (last && last.entry <= pc && pc < last.end) return await answer(last);
		const found = await findFunction(tables, pc);
		if (!found) return undefined;
		const func = await readFunc(tables, found);
		last = func;
		return await answer(func);
	}
	const nameOf = ({ nameOff, offset }: Func) => text(tables, header.funcnametab, nameOff, offset);
	return {
		since: header.layout.since,
		functionAt: (pc) =>
			at(pc, async (func) => {
				const name = await nameOf(func);
				return {
					name,
					entry: func.entry,
					end: func.end,
					...defined({ startLine: func.startLine, role: await role(tables, func, name) }),
					isTopFrame: (func.flag & FuncFlagTopFrame) !== 0,
					writesStackPointer: (func.flag & FuncFlagSPWrite) !== 0,
				};
			}),
		lineAt: (pc) => at(pc, (func) => lineOf(tables, func, pc)),
		frameSizeAt: (pc) => at(pc, (func) => pcValue(tables, func, func.pcsp, pc)),
		async callsAt(pc) {
			const calls = await at(pc, async (func) => {
				const isCounted = header.layout.funcdataSize === 4;
				const inlined = await inlinedAt(tables, func, pc, isCounted ? (await moduledata())?.gofunc : undefined);
				const names = [...inlined.map(({ name }) => name), await nameOf(func)];
				const places = [pc, ...inlined.map(({ parentPc }) => parentPc)];
				const calls: GoCall[] = [];
				for (const [index, name] of names.entries())
					calls.push({ name, ...defined({ source: await lineOf(tables, func, places[index] ?? pc) }) });
				return calls;
			});
			return calls ?? [];
		},
	};
}
