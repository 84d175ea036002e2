/** Core files made by hand, after the definitions in include/linux/elfcore.h and include/uapi/linux/elf.h. */

export type Note = { readonly type: number; readonly description: Buffer };
export type Load = { readonly address: bigint; readonly flags: number; readonly bytes: Buffer };

/** ELF header, program headers, one PT_NOTE, the PT_LOADs, each at its page: the order in which the kernel writes. */
export function coreFile(machine: number, notes: readonly Note[], loads: readonly Load[]): Buffer {
	const noteBytes = Buffer.concat(notes.map((note) => noteEntry(note)));
	const notesAt = 64 + 56 * (loads.length + 1);
	let end = aligned(notesAt + noteBytes.length, 4096);
	const table = [programHeader({ type: 4, offset: notesAt, size: noteBytes.length })];
	const contents: Buffer[] = [noteBytes, Buffer.alloc(end - notesAt - noteBytes.length)];
	for (const { address, flags, bytes } of loads) {
		const size = aligned(bytes.length, 4096);
		table.push(programHeader({ type: 1, offset: end, size, address, flags }));
		contents.push(bytes, Buffer.alloc(size - bytes.length));
		end += size;
	}
	return Buffer.concat([elfHeader({ type: 4, machine, headers: table.length }), ...table, ...contents]);
}

/** The start of an executable or library with a build-id, as it lies in memory. */
export function moduleStart(machine: number, buildId: string): Buffer {
	const note = noteEntry({ type: 3, description: Buffer.from(buildId, 'hex') }, 'GNU');
	const at = 64 + 2 * 56;
	const headers = [
		programHeader({ type: 1, offset: 0, size: at + note.length, flags: 5 }),
		programHeader({ type: 4, offset: at, size: note.length, address: BigInt(at), flags: 4 }),
	];
	return Buffer.concat([elfHeader({ type: 3, machine, headers: headers.length }), ...headers, note]);
}

export type ThreadOptions = { readonly id: number; readonly signal: number; readonly registers: readonly bigint[] };

/** NT_PRSTATUS: struct elf_prstatus. What follows the registers is pr_fpvalid, filled up to 8 bytes. */
export function prstatus({ id, signal, registers }: ThreadOptions): Note {
	const description = Buffer.alloc(112 + registers.length * 8 + 8);
	description.writeInt32LE(signal, 0); // pr_info.si_signo
	description.writeInt16LE(signal, 12); // pr_cursig
	description.writeInt32LE(id, 32); // pr_pid
	for (const [index, value] of registers.entries()) description.writeBigUInt64LE(value, 112 + index * 8);
	return { type: 1, description };
}

/** NT_PRPSINFO: struct elf_prpsinfo. */
export function prpsinfo(pid: number, name: string, commandLine: string): Note {
	const description = Buffer.alloc(136);
	description.writeInt32LE(pid, 24);
	description.write(name, 40, 15);
	description.write(commandLine, 56, 79);
	return { type: 3, description };
}

/** NT_SIGINFO of a fault. */
export function siginfo(signal: number, code: number, address: bigint): Note {
	const description = Buffer.alloc(128);
	description.writeInt32LE(signal, 0);
	description.writeInt32LE(code, 8);
	description.writeBigUInt64LE(address, 16);
	return { type: 0x53494749, description };
}

/** A core of x86-64 with little in it, another for each number. */
export const smallCore = (number: number): Buffer =>
	coreFile(
		62,
		[
			prstatus({ id: number, signal: 11, registers: Array(27).fill(0n) }),
			prpsinfo(number, 'milvus', 'milvus run querynode'),
			siginfo(11, 1, 0x10n),
		],
		[{ address: 0x400000n, flags: 4, bytes: Buffer.alloc(5000, number) }],
	);

/** NT_AUXV. */
export const auxv = (entries: Readonly<Record<number, bigint>>): Note => ({
	type: 6,
	description: words([...Object.entries(entries).flatMap(([type, value]) => [BigInt(type), value]), 0n, 0n]),
});

export type MappedPart = { readonly start: bigint; readonly end: bigint; readonly page?: bigint; readonly path: string };

/** NT_FILE: the parts of files that were mapped; `page` is where in the file each begins, by default at its first byte. */
export const mappedFiles = (files: readonly MappedPart[]): Note => ({
	type: 0x46494c45,
	description: Buffer.concat([
		words([BigInt(files.length), 4096n, ...files.flatMap(({ start, end, page = 0n }) => [start, end, page])]),
		Buffer.from(files.map(({ path }) => `${path}\0`).join('')),
	]),
});

function elfHeader({ type, machine, headers }: { readonly type: number; readonly machine: number; readonly headers: number }): Buffer {
	const bytes = Buffer.alloc(64);
	bytes.write('\x7fELF\x02\x01\x01', 'latin1');
	bytes.writeUInt16LE(type, 16);
	bytes.writeUInt16LE(machine, 18);
	bytes.writeUInt32LE(1, 20);
	bytes.writeBigUInt64LE(64n, 32);
	bytes.writeUInt16LE(64, 52);
	bytes.writeUInt16LE(56, 54);
	bytes.writeUInt16LE(headers, 56);
	return bytes;
}

type Segment = {
	readonly type: number;
	readonly offset: number;
	readonly size: number;
	readonly address?: bigint;
	readonly flags?: number;
};

function programHeader({ type, offset, size, address = 0n, flags = 0 }: Segment): Buffer {
	const bytes = Buffer.alloc(56);
	bytes.writeUInt32LE(type, 0);
	bytes.writeUInt32LE(flags, 4);
	bytes.writeBigUInt64LE(BigInt(offset), 8);
	bytes.writeBigUInt64LE(address, 16);
	bytes.writeBigUInt64LE(BigInt(size), 32);
	bytes.writeBigUInt64LE(BigInt(size), 40);
	bytes.writeBigUInt64LE(type === 1 ? 4096n : 4n, 48);
	return bytes;
}

function noteEntry({ type, description }: Note, owner = 'CORE'): Buffer {
	const head = Buffer.alloc(12);
	head.writeUInt32LE(owner.length + 1, 0);
	head.writeUInt32LE(description.length, 4);
	head.writeUInt32LE(type, 8);
	const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length, 4) - bytes.length)]);
	return Buffer.concat([head, padded(Buffer.from(`${owner}\0`)), padded(description)]);
}

function words(values: readonly bigint[]): Buffer {
	const bytes = Buffer.alloc(values.length * 8);
	for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, index * 8);
	return bytes;
}

const aligned = (size: number, to: number) => Math.ceil(size / to) * to;
