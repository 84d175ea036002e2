/** A symbol of a made-up file; a global function in `.text` but for what is said. */
export type MadeUp = {
	readonly name: string;
	readonly start: number;
	readonly size?: number;
	readonly type?: keyof typeof types;
	readonly binding?: keyof typeof bindings;
	/** `st_shndx` */
	readonly section?: number;
};

const types = { notype: 0, object: 1, func: 2, section: 3, file: 4, tls: 6, ifunc: 10 } as const;
const bindings = { local: 0, global: 1, weak: 2, unique: 10 } as const;

/** The sections of a made-up file: two of code, one after the other, and one of data. */
export const places = {
	text: { section: 1, start: 0x1000, end: 0x2000 },
	more: { section: 2, start: 0x2000, end: 0x3000 },
	data: { section: 3, start: 0x4000, end: 0x5000 },
} as const;

const [SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB] = [1, 2, 3];

type Section = readonly [type: number, flags: number, address: number, size: number, content: Buffer, link: number, entrySize: number];

/** An ELF64 library for x86-64, or another processor, with a `.symtab` and nothing else; its code is not in the file. */
export function fileWithSymbols(symbols: Iterable<MadeUp>, { machine = 62 }: { readonly machine?: number } = {}): Buffer {
	const { table, strings } = tablesOf(symbols);
	const none = Buffer.alloc(0);
	const sections: readonly Section[] = [
		[0, 0, 0, 0, none, 0, 0],
		[SHT_PROGBITS, 6, places.text.start, 0x1000, none, 0, 0],
		[SHT_PROGBITS, 6, places.more.start, 0x1000, none, 0, 0],
		[SHT_PROGBITS, 3, places.data.start, 0x1000, none, 0, 0],
		[SHT_SYMTAB, 0, 0, table.length, table, 5, 24],
		[SHT_STRTAB, 0, 0, strings.length, strings, 0, 0],
	];
	const header = Buffer.alloc(64);
	header.write('\x7fELF\x02\x01\x01', 'latin1');
	header.writeUInt16LE(3, 16);
	header.writeUInt16LE(machine, 18);
	header.writeBigUInt64LE(64n, 40);
	header.writeUInt16LE(64, 58);
	header.writeUInt16LE(sections.length, 60);
	const headers = Buffer.alloc(64 * sections.length);
	let offset = header.length + headers.length;
	for (const [index, [type, flags, address, size, content, link, entrySize]] of sections.entries()) {
		const at = 64 * index;
		headers.writeUInt32LE(type, at + 4);
		for (const [field, value] of [flags, address, offset, size].entries()) headers.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field);
		headers.writeUInt32LE(link, at + 40);
		headers.writeBigUInt64LE(BigInt(entrySize), at + 56);
		offset += content.length;
	}
	return Buffer.concat([header, headers, table, strings]);
}

/** Where the header of the symbol table is in such a file, and that of its strings. */
export const headersAt = { symbols: 64 + 64 * 4, strings: 64 + 64 * 5 };

function tablesOf(symbols: Iterable<MadeUp>) {
	const [table, strings]: [Buffer[], Buffer[]] = [[Buffer.alloc(24)], [Buffer.from('\0')]];
	let named = 1;
	for (const { name, start, size = 0, type = 'func', binding = 'global', section = places.text.section } of symbols) {
		const entry = Buffer.alloc(24);
		entry.writeUInt32LE(name === '' ? 0 : named, 0);
		entry.writeUInt8((bindings[binding] << 4) | types[type], 4);
		entry.writeUInt16LE(section, 6);
		entry.writeBigUInt64LE(BigInt(start), 8);
		entry.writeBigUInt64LE(BigInt(size), 16);
		table.push(entry);
		strings.push(Buffer.from(`${name}\0`));
		named += Buffer.byteLength(name) + 1;
	}
	return { table: Buffer.concat(table), strings: Buffer.concat(strings) };
}
