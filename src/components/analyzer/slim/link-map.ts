import { PT_DYNAMIC, PT_PHDR, programHeader, programHeaderSize } from '../../../readers/elf/elf.ts';
import type { Keeping } from './keeping.ts';

const [AT_PHDR, AT_PHNUM] = [3, 5];
const DT_DEBUG = 21n;
const [mostHeaders, mostDynamicBytes, mostMaps, mostNamespaces] = [128, 16 * 1024, 4096, 16];
/** Of `struct r_debug_extended` and `struct link_map`; glibc's own map goes on, and says where the library's tables are. */
const [debugBytes, mapBytes, ownMapBytes] = [48, 40, 1200];
const [nameBytes, dynamicBytes] = [512, 1024];

/** Keeps what a debugger knows the loaded libraries by: from the program's headers by its dynamic section to the list of link maps (elf/link.h of glibc). */
export async function keepLinkMap(keeping: Keeping): Promise<void> {
	let debug = await debugOf(keeping);
	for (let namespaces = 0; debug !== undefined && debug !== 0n && namespaces < mostNamespaces; namespaces++) {
		const bytes: Buffer | undefined = await keeping.read(debug, debugBytes);
		if (!bytes) return;
		await keepMaps(bytes.readBigUInt64LE(8), keeping);
		debug = bytes.readInt32LE(0) >= 2 ? bytes.readBigUInt64LE(40) : undefined;
	}
}

/** Where `r_debug` is. */
async function debugOf(keeping: Keeping): Promise<bigint | undefined> {
	const { auxv } = keeping.corefile;
	const [at, count] = [auxv.get(AT_PHDR) ?? 0n, Math.min(mostHeaders, Number(auxv.get(AT_PHNUM) ?? 0n))];
	const table = await keeping.read(at, count * programHeaderSize);
	if (!table) return undefined;
	const headers = Array.from({ length: count }, (_, index) => programHeader(table, index * programHeaderSize));
	const linkedAt = headers.find(({ p_type }) => p_type === PT_PHDR)?.p_vaddr ?? at;
	const dynamic = headers.find(({ p_type }) => p_type === PT_DYNAMIC);
	if (!dynamic) return undefined;
	const length = Math.min(Number(dynamic.p_memsz), mostDynamicBytes);
	const entries = await keeping.read(BigInt.asUintN(64, dynamic.p_vaddr + at - linkedAt), length);
	for (let offset = 0; entries && offset + 16 <= length; offset += 16)
		if (entries.readBigUInt64LE(offset) === DT_DEBUG) return entries.readBigUInt64LE(offset + 8);
	return undefined;
}

async function keepMaps(first: bigint, keeping: Keeping): Promise<void> {
	let map = first;
	for (let maps = 0; map !== 0n && maps < mostMaps; maps++) {
		const bytes = await keeping.read(map, mapBytes);
		if (!bytes) return;
		const [, name, dynamic, next] = [0, 8, 16, 24].map((offset) => bytes.readBigUInt64LE(offset)) as [bigint, bigint, bigint, bigint];
		keeping.keep(map, ownMapBytes);
		keeping.keep(name, nameBytes);
		keeping.keep(dynamic, dynamicBytes);
		map = next;
	}
}
