import { PclntabError } from './error.ts';
import { type Found, type Tables, within } from './functab.ts';

/** `_func`, what the tables have of one function. Of fields that name a place in `pctab`, 0 says that there is none. */
export type Func = Found & {
	/** In `funcnametab`. */
	readonly nameOff: number;
	readonly pcsp: number;
	readonly pcfile: number;
	readonly pcln: number;
	/** Index in `cutab` of the files of its compilation unit. */
	readonly cuOffset: number;
	/** Since 1.20. */
	readonly startLine: number | undefined;
	/** Since 1.17, 0 before. */
	readonly flag: number;
	readonly npcdata: number;
	readonly nfuncdata: number;
};

/**
 * @throws {PclntabError} it is another function's, or its arrays reach past the table
 * @see https://github.com/golang/go/blob/master/src/runtime/runtime2.go _func
 */
export async function readFunc({ image, header, textStart }: Tables, found: Found): Promise<Func> {
	const { _func, funcdataSize } = header.layout;
	const bytes = await image.bytes(found.offset, _func.size);
	// An address that is left to relocations is not compared.
	if (_func.entrySize === 4 && textStart + BigInt(bytes.readUInt32LE(0)) !== found.entry)
		throw new PclntabError(`it describes another function than that at 0x${found.entry.toString(16)}`, found.offset);
	const field = (index: number) => bytes.readUInt32LE(_func.entrySize + index * 4);
	const func = {
		...found,
		nameOff: field(0),
		pcsp: field(3),
		pcfile: field(4),
		pcln: field(5),
		npcdata: field(6),
		cuOffset: field(7),
		startLine: _func.startLine === undefined ? undefined : bytes.readUInt32LE(_func.startLine),
		flag: bytes.readUInt8(_func.funcID + 1),
		nfuncdata: bytes.readUInt8(_func.funcID + 3),
	};
	const size = _func.size + func.npcdata * 4 + func.nfuncdata * funcdataSize;
	within(header.pclntable, found.offset - header.pclntable.offset, size, found.offset);
	return func;
}

/** Where the table of such a number begins in `pctab`; 0 where there is none. */
export async function pcdata({ image, header }: Tables, func: Func, index: number): Promise<number> {
	if (index >= func.npcdata) return 0;
	return (await image.bytes(func.offset + header.layout._func.size + index * 4, 4)).readUInt32LE(0);
}

/**
 * The address of the data of such a number.
 *
 * @param gofunc from which it counts since 1.18
 */
export async function funcdata({ image, pointers, header }: Tables, func: Func, index: number, gofunc: bigint | undefined) {
	if (index >= func.nfuncdata) return undefined;
	const { _func, funcdataSize } = header.layout;
	const start = func.offset + _func.size + func.npcdata * 4;
	if (funcdataSize === 4) {
		const distance = (await image.bytes(start + index * 4, 4)).readUInt32LE(0);
		return distance === 0xffffffff || gofunc === undefined ? undefined : gofunc + BigInt(distance);
	}
	const address = image.addressOf(aligned(start) + index * 8);
	return (address === undefined ? undefined : await pointers.at(address)) || undefined;
}

/** Pointers stand at addresses, and so at offsets, that are multiples of their size. */
const aligned = (offset: number) => Math.ceil(offset / 8) * 8;
