import type { PcHeader } from './header.ts';
import type { Image } from './image.ts';
import type { Pointers } from './pointers.ts';

/** What `moduledata` says that stands nowhere else. */
export type Moduledata = {
	/** `text`: the address of the first byte of Go's code, from which distances count. */
	readonly text: bigint;
	/** `gofunc`: the address from which distances to funcdata count (since 1.18); undefined in a layout that is not known. */
	readonly gofunc: bigint | undefined;
};

/**
 * Offsets that are the same from 1.16 to 1.27. Then come pairs of start and end, whose number grows with the releases.
 *
 * @see https://github.com/golang/go/blob/master/src/runtime/symtab.go moduledata
 */
const fields = { funcnametab: 8n, ftab: 128n, text: 176n };
/** `gofunc` by layout, the offset of the newest release first: what an older one has there is a small number. */
const gofuncs = { '1.20': [344n, 320n], '1.18': [304n], '1.16': [] } as const;

/**
 * Finds the module's description among the data, where nothing names it: it begins with a pointer to the tables' header, behind which
 * comes the slice of the function names.
 */
export async function findModuledata(image: Image, pointers: Pointers, header: PcHeader): Promise<Moduledata | undefined> {
	const pcHeader = image.addressOf(header.offset);
	if (pcHeader === undefined) return undefined;
	const names = pcHeader + BigInt(header.funcnametab.offset - header.offset);
	const functab = pcHeader + BigInt(header.pclntable.offset - header.offset);
	for await (const address of pointers.to(pcHeader)) {
		const isModuledata =
			(await pointers.at(address + fields.funcnametab)) === names && (await pointers.at(address + fields.ftab)) === functab;
		if (!isModuledata) continue;
		const text = await pointers.at(address + fields.text);
		if (text === undefined) continue;
		return { text, gofunc: await gofunc(image, pointers, header, address) };
	}
	return undefined;
}

async function gofunc(image: Image, pointers: Pointers, { layout }: PcHeader, moduledata: bigint): Promise<bigint | undefined> {
	for (const offset of gofuncs[layout.since]) {
		const value = await pointers.at(moduledata + offset);
		// The small numbers are sizes of slices.
		if (value !== undefined && value >= 4096n && image.locate(value)) return value;
	}
	return undefined;
}
