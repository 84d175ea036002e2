import { fileNameText } from '../../base/filename.ts';
import { type Hex, hex } from '../../base/hex.ts';
import type { ByteSource } from '../bytes/bytes.ts';
import { notes, type ProgramHeader } from '../elf/elf.ts';
import type { Architecture } from './architecture.ts';
import { type Mapping, readMappings } from './mappings.ts';

export type ThreadState = {
	readonly id: number;
	/** `pr_cursig`; 0 for a thread that got none. */
	readonly signal: number;
	readonly registers: Readonly<Record<string, Hex>>;
};

export type ProcessInfo = {
	readonly pid: number;
	readonly uid: number;
	readonly gid: number;
	/** At most 15 bytes. */
	readonly name: string;
	/** The command line's first 80 bytes. */
	readonly arguments: string;
};

/** siginfo_t as far as it means something for its signal. */
export type Siginfo = {
	readonly signal: number;
	readonly code: number;
	readonly address: Hex;
	readonly senderPid: number;
	readonly senderUid: number;
};

/** What the notes of a core say. */
export type CoreNotes = {
	/** The crashed thread first: the kernel and gdb both write it first. */
	readonly threads: ThreadState[];
	process?: ProcessInfo;
	siginfo?: Siginfo;
	/** AT_… numbers with their values: getauxval(3). */
	auxv: ReadonlyMap<number, bigint>;
	mappings: readonly Mapping[];
	/** What could not be read. */
	readonly problems: string[];
};

/** include/uapi/linux/elf.h */
const [NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE, NT_SIGINFO] = [1, 3, 6, 0x46494c45, 0x53494749];
/** The kernel's own limit of NT_FILE is 16 MiB (core_file_note_size_limit), all others are small. */
const mostDescriptionBytes = 16 << 20;
/** A thread has about four; a hundred thousand threads are more than any process has. */
const mostNotes = 500_000;

export const emptyNotes = (): CoreNotes => ({ threads: [], auxv: new Map(), mappings: [], problems: [] });

/** Reads one PT_NOTE segment into what the ones before it said. */
export async function readNotes(source: ByteSource, segment: ProgramHeader, architecture: Architecture, into: CoreNotes): Promise<void> {
	const start = Number(segment.p_offset);
	const end = start + Number(segment.p_filesz);
	let count = 0;
	let reached = start;
	for await (const note of notes(source, start, end)) {
		if (++count > mostNotes) {
			into.problems.push(`more than ${mostNotes} notes: the rest was not read`);
			return;
		}
		reached = note.offset + note.size;
		const read = note.name === 'CORE' ? readers[note.type] : undefined;
		if (!read) continue;
		if (note.size > mostDescriptionBytes) {
			into.problems.push(`a note of ${note.size} bytes at byte ${note.offset} was not read`);
			continue;
		}
		const description = Buffer.from(await source.read(note.offset, note.size));
		const problem = description.length < note.size ? 'the file ends in it' : read(description, architecture, into);
		if (problem) into.problems.push(`the note of type ${note.type} at byte ${note.offset} can't be read: ${problem}`);
	}
	if (end - reached >= 4) into.problems.push(`the notes end at byte ${reached}; their segment ends at byte ${end}`);
}

/** Each reads one description, or says what is wrong with it. */
const readers: Readonly<Record<number, (description: Buffer, architecture: Architecture, into: CoreNotes) => string | undefined>> = {
	[NT_PRSTATUS](description, { prstatus, registers }, { threads }) {
		if (description.length < prstatus.size) return `${description.length} bytes; expected ${prstatus.size}`;
		threads.push({
			id: description.readInt32LE(prstatus.pr_pid),
			signal: description.readInt16LE(prstatus.pr_cursig),
			registers: Object.fromEntries(registers.map((name, index) => [name, hex(description.readBigUInt64LE(prstatus.pr_reg + 8 * index))])),
		});
		return undefined;
	},
	[NT_PRPSINFO](description, { prpsinfo }, into) {
		if (description.length < prpsinfo.size) return `${description.length} bytes; expected ${prpsinfo.size}`;
		into.process ??= {
			pid: description.readInt32LE(prpsinfo.pr_pid),
			uid: description.readUInt32LE(prpsinfo.pr_uid),
			gid: description.readUInt32LE(prpsinfo.pr_uid + 4),
			name: text(description.subarray(prpsinfo.pr_fname, prpsinfo.pr_fname + 16)),
			arguments: text(description.subarray(prpsinfo.pr_psargs, prpsinfo.pr_psargs + 80)).trimEnd(),
		};
		return undefined;
	},
	[NT_SIGINFO](description, _architecture, into) {
		if (description.length < 24) return `${description.length} bytes; expected 128`;
		into.siginfo ??= {
			signal: description.readInt32LE(0),
			code: description.readInt32LE(8),
			address: hex(description.readBigUInt64LE(16)),
			senderPid: description.readInt32LE(16),
			senderUid: description.readUInt32LE(20),
		};
		return undefined;
	},
	[NT_AUXV](description, _architecture, into) {
		const entries = new Map<number, bigint>();
		for (let at = 0; at + 16 <= description.length; at += 16) {
			const type = description.readBigUInt64LE(at);
			if (type === 0n) break;
			entries.set(Number(type), description.readBigUInt64LE(at + 8));
		}
		into.auxv = entries;
		return undefined;
	},
	[NT_FILE](description, _architecture, into) {
		const mappings = readMappings(description);
		if (typeof mappings === 'string') return mappings;
		into.mappings = mappings;
		return undefined;
	},
};

function text(bytes: Buffer): string {
	const end = bytes.indexOf(0);
	return fileNameText(end < 0 ? bytes : bytes.subarray(0, end));
}
