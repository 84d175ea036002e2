import { type Func, funcdata, pcdata } from './func.ts';
import type { Tables } from './functab.ts';
import { isStart, text } from './names.ts';
import { pcValue } from './pcvalue.ts';

/** A function that the compiler put into another, and where in that one. */
export type Inlined = {
	readonly name: string;
	/** An instruction with the line of the call. */
	readonly parentPc: bigint;
};

const PCDATA_InlTreeIndex = 2;
const FUNCDATA_InlTree = 3;
/** The compiler stops at some 40. */
const mostDepth = 256;

/**
 * The functions that are inlined at a program counter, the innermost first. What makes no sense ends them: they are told beside what is
 * certain, and the layout of what leads to them changes most between releases.
 *
 * @param gofunc from which funcdata counts
 * @see https://github.com/golang/go/blob/master/src/runtime/symtabinl.go inlineUnwinder
 */
export async function inlinedAt(tables: Tables, func: Func, pc: bigint, gofunc: bigint | undefined): Promise<readonly Inlined[]> {
	const indexes = await pcdata(tables, func, PCDATA_InlTreeIndex);
	const tree = indexes === 0 ? undefined : await funcdata(tables, func, FUNCDATA_InlTree, gofunc);
	if (tree === undefined) return [];
	const { image, header } = tables;
	const layout = header.layout.inlinedCall;
	const inlined: Inlined[] = [];
	for (let at = pc; inlined.length < mostDepth; ) {
		const index = await pcValue(tables, func, indexes, at);
		if (index === undefined || index < 0) break;
		const place = image.locate(tree + BigInt(index * layout.size));
		if (!place || place.size < layout.size) break;
		const call = await image.bytes(place.offset, layout.size);
		const [name, parent] = [call.readInt32LE(layout.nameOff), call.readInt32LE(layout.parentPc)];
		at = func.entry + BigInt(parent);
		if (at < func.entry || at >= func.end || !(await isStart(tables, header.funcnametab, name))) break;
		inlined.push({ name: await text(tables, header.funcnametab, name, place.offset), parentPc: at });
	}
	return inlined;
}
