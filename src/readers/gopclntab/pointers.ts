import { PF_W, PT_LOAD } from '../elf/elf.ts';
import type { Image } from './image.ts';
import { occurrences } from './scan.ts';

/** Pointers as the program has them in memory, less the address at which it is loaded. */
export type Pointers = {
	/** What the pointer at an address points to; undefined where the file does not say. */
	at(address: bigint): Promise<bigint | undefined>;
	/** Addresses in writable segments of pointers to a target. */
	to(target: bigint): AsyncGenerator<bigint>;
};

const PT_DYNAMIC = 2;
const pointerSize = 8;
/** Of each segment, and of the relocations: more than the largest programs have. */
const mostBytes = 256 << 20;

/**
 * Go's own linker writes pointers into the file. Others leave zeros in a position-independent file, for the relocations to fill
 * (`R_X86_64_RELATIVE` and the like), which such linkers sort by address.
 *
 * @see https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.reloc.html
 */
export async function openPointers(image: Image): Promise<Pointers> {
	const relocations = await relativeRelocations(image);
	return {
		async at(address) {
			const place = image.locate(address);
			if (!place || place.size < pointerSize) return undefined;
			const value = (await image.bytes(place.offset, pointerSize)).readBigUInt64LE(0);
			return value === 0n && relocations ? await addendAt(image, relocations, address) : value;
		},
		async *to(target) {
			const pattern = Buffer.alloc(pointerSize);
			pattern.writeBigUInt64LE(target);
			for (const { p_type, p_flags, p_offset, p_filesz } of image.segments) {
				if (p_type !== PT_LOAD || (p_flags & PF_W) === 0) continue;
				const start = Number(p_offset);
				for await (const hit of occurrences(image, start, start + Math.min(Number(p_filesz), mostBytes), [pattern])) {
					const address = image.addressOf(hit);
					if (address !== undefined && address % BigInt(pointerSize) === 0n) yield address;
				}
			}
			if (!relocations) return;
			const { offset, count } = relocations;
			for await (const hit of occurrences(image, offset, offset + count * Elf64_Rela.size, [pattern])) {
				const within = (hit - offset) % Elf64_Rela.size;
				if (within === Elf64_Rela.r_addend) yield (await image.bytes(hit - within, pointerSize)).readBigUInt64LE(0);
			}
		},
	};
}

type Relocations = { readonly offset: number; readonly count: number };

const Elf64_Rela = { size: 24, r_offset: 0, r_addend: 16 };
const dynamicEntrySize = 16;
const DT_RELA = 7n;
const DT_RELACOUNT = 0x6ffffff9n;

/** Those that only add the load address stand first, as many as `DT_RELACOUNT` says. */
async function relativeRelocations(image: Image): Promise<Relocations | undefined> {
	const dynamic = image.segments.find(({ p_type }) => p_type === PT_DYNAMIC);
	if (!dynamic) return undefined;
	// It has some 30 entries.
	const size = Math.min(Number(dynamic.p_filesz), 64 * 1024);
	const table = await image.source.read(Number(dynamic.p_offset), size);
	const values = new Map<bigint, bigint>();
	for (let at = 0; at + dynamicEntrySize <= table.length; at += dynamicEntrySize)
		values.set(table.readBigUInt64LE(at), table.readBigUInt64LE(at + 8));
	const [address, count] = [values.get(DT_RELA), values.get(DT_RELACOUNT)];
	const place = address === undefined ? undefined : image.locate(address);
	if (!place || count === undefined) return undefined;
	const fitting = Math.floor(Math.min(place.size, mostBytes) / Elf64_Rela.size);
	return { offset: place.offset, count: count < BigInt(fitting) ? Number(count) : fitting };
}

async function addendAt(image: Image, { offset, count }: Relocations, address: bigint): Promise<bigint | undefined> {
	let [low, high] = [0, count];
	while (low < high) {
		const middle = (low + high) >>> 1;
		const entry = await image.bytes(offset + middle * Elf64_Rela.size, Elf64_Rela.size);
		const r_offset = entry.readBigUInt64LE(Elf64_Rela.r_offset);
		if (r_offset === address) return entry.readBigUInt64LE(Elf64_Rela.r_addend);
		if (r_offset < address) low = middle + 1;
		else high = middle;
	}
	return undefined;
}
