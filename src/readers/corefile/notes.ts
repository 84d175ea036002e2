import { fileNameText } from '../../base/filename.ts';
import { type Hex, hex } from '../../base/hex.ts';
import type { ByteSource } from '../bytes/bytes.ts';
import { notes, type ProgramHeader } from '../elf/elf.ts';
import type { Architecture } from './architecture.ts';
import { type Mappings, noMappings, readMappings } from './mappings.ts';
import { readSlimNote, type Slim, slimNoteName, slimNoteType } from './slim-note.ts';

export type ThreadState = {
	readonly id: number;
	/** `pr_cursig`; 0 for a thread that got none. */
	readonly signal: number;
	readonly registers: Readonly<Record<string, Hex>>;
	/** Where its thread-local storage is, on processors where that is no general register. */
	readonly threadPointer?: Hex;
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
	readonly threads: (ThreadState & { threadPointer?: Hex })[];
	process?: ProcessInfo;
	siginfo?: Siginfo;
	/** AT_… numbers with their values: getauxval(3). */
	auxv: ReadonlyMap<number, bigint>;
	mappings: Mappings;
	slim?: Slim;
	/** What could not be read. */
	readonly problems: string[];
};

/** include/uapi/linux/elf.h */
const [NT_PRSTATUS, NT_PRPSINFO, NT_AUXV, NT_FILE, NT_SIGINFO, NT_ARM_TLS] = [1, 3, 6, 0x46494c45, 0x53494749, 0x401];
/** The kernel's own limit of NT_FILE is 16 MiB (core_file_note_size_limit), all others are small. */
const mostDescriptionBytes = 16 << 20;
/** A thread has about four; a hundred thousand threads are more than any process has. */
const mostNotes = 500_000;
const mostThreads = 20_000;
/** AT_… numbers: some twenty are in use. */
const mostAuxiliaries = 100;
/** A report is for people. */
const mostProblems = 20;

export const emptyNotes = (): CoreNotes => ({ threads: [], auxv: new Map(), mappings: noMappings, problems: [] });

/** Reads what is in PT_NOTE segments. */
export async function readNotes(
	source: ByteSource,
	segments: readonly ProgramHeader[],
	architecture: Architecture,
	into: CoreNotes,
): Promise<void> {
	const reading: Reading = { source, architecture, into, notes: 0, omittedThreads: 0, unreadable: 0 };
	for (const segment of segments) {
		await readSegment(reading, segment);
		if (reading.notes > mostNotes) break;
	}
	if (reading.notes > mostNotes) into.problems.push(`more than ${mostNotes} notes: the rest was not read`);
	if (reading.omittedThreads > 0)
		into.problems.push(`of ${mostThreads + reading.omittedThreads} threads the first ${mostThreads} were read`);
	if (reading.unreadable > mostProblems) into.problems.push(`${reading.unreadable - mostProblems} more notes can't be read`);
}

type Reading = {
	readonly source: ByteSource;
	readonly architecture: Architecture;
	readonly into: CoreNotes;
	/** How many there were so far. */
	notes: number;
	omittedThreads: number;
	unreadable: number;
};

async function readSegment(reading: Reading, segment: ProgramHeader): Promise<void> {
	const { architecture, into } = reading;
	let isCut = false;
	const source: ByteSource = {
		...reading.source,
		read: async (offset, length) => {
			const bytes = await reading.source.read(offset, length);
			isCut ||= bytes.length < length;
			return bytes;
		},
	};
	const start = Number(segment.p_offset);
	const end = start + Number(segment.p_filesz);
	let reached = start;
	for await (const { name, type, offset, size } of notes(source, start, end)) {
		if (++reading.notes > mostNotes) return;
		reached = offset + size;
		const read = readers.get(`${name} ${type}`);
		if (!read) continue;
		if (read === readStatus && into.threads.length === mostThreads) {
			reading.omittedThreads++;
			continue;
		}
		const problem = size > mostDescriptionBytes ? `${size} bytes are too many` : await problemOf(offset, size, read);
		if (problem === undefined || ++reading.unreadable > mostProblems) continue;
		into.problems.push(`the note ${noteNames.get(type) ?? name} at byte ${offset} can't be read: ${problem}`);
	}
	// Of a file that was cut off it is known where it ends.
	if (end - reached >= 4 && !isCut) into.problems.push(`the notes end at byte ${reached}; their segment ends at byte ${end}`);

	async function problemOf(offset: number, size: number, read: Reader): Promise<string | undefined> {
		const description = await source.read(offset, size);
		return description.length < size ? 'the file ends in it' : read(description, architecture, into);
	}
}

const noteNames: ReadonlyMap<number, string> = new Map([
	[NT_PRSTATUS, 'NT_PRSTATUS'],
	[NT_PRPSINFO, 'NT_PRPSINFO'],
	[NT_AUXV, 'NT_AUXV'],
	[NT_FILE, 'NT_FILE'],
	[NT_SIGINFO, 'NT_SIGINFO'],
	[NT_ARM_TLS, 'NT_ARM_TLS'],
]);

/** Reads one description, which is valid until the next read, or says what is wrong with it. */
type Reader = (description: Buffer, architecture: Architecture, into: CoreNotes) => string | undefined;

/** By the name of whoever defined them, and type. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
	[`CORE ${NT_PRSTATUS}`, readStatus],
	[`CORE ${NT_PRPSINFO}`, readProcess],
	[`CORE ${NT_SIGINFO}`, readSiginfo],
	[`CORE ${NT_AUXV}`, readAuxiliaries],
	[`CORE ${NT_FILE}`, readFiles],
	[`LINUX ${NT_ARM_TLS}`, readThreadPointer],
	[`${slimNoteName} ${slimNoteType}`, readSlim],
]);

function readStatus(description: Buffer, { prstatus, registers }: Architecture, { threads }: CoreNotes): string | undefined {
	if (description.length < prstatus.size) return `${description.length} bytes; expected ${prstatus.size}`;
	// Kept as bytes: there may be thousands, and of most threads only one register is asked for.
	const general = Buffer.from(description.subarray(prstatus.pr_reg, prstatus.pr_reg + 8 * registers.length));
	threads.push({
		id: description.readInt32LE(prstatus.pr_pid),
		signal: description.readInt16LE(prstatus.pr_cursig),
		get registers() {
			return Object.fromEntries(registers.map((name, index) => [name, hex(general.readBigUInt64LE(8 * index))]));
		},
	});
	return undefined;
}

/** Stands behind the NT_PRSTATUS of its thread: tpidr_el0, and more with newer kernels. */
function readThreadPointer(description: Buffer, _architecture: Architecture, { threads }: CoreNotes): string | undefined {
	if (description.length < 8) return `${description.length} bytes; expected 8`;
	const thread = threads.at(-1);
	if (thread) thread.threadPointer = hex(description.readBigUInt64LE(0));
	return undefined;
}

function readSlim(description: Buffer, _architecture: Architecture, into: CoreNotes): string | undefined {
	const slim = readSlimNote(description);
	if (typeof slim === 'string') return slim;
	into.slim ??= slim;
	return undefined;
}

function readProcess(description: Buffer, { prpsinfo }: Architecture, into: CoreNotes): string | undefined {
	if (description.length < prpsinfo.size) return `${description.length} bytes; expected ${prpsinfo.size}`;
	into.process ??= {
		pid: description.readInt32LE(prpsinfo.pr_pid),
		uid: description.readUInt32LE(prpsinfo.pr_uid),
		gid: description.readUInt32LE(prpsinfo.pr_uid + 4),
		name: text(description.subarray(prpsinfo.pr_fname, prpsinfo.pr_fname + 16)),
		arguments: text(description.subarray(prpsinfo.pr_psargs, prpsinfo.pr_psargs + 80)).trimEnd(),
	};
	return undefined;
}

function readSiginfo(description: Buffer, _architecture: Architecture, into: CoreNotes): string | undefined {
	if (description.length < 24) return `${description.length} bytes; expected 128`;
	into.siginfo ??= {
		signal: description.readInt32LE(0),
		code: description.readInt32LE(8),
		address: hex(description.readBigUInt64LE(16)),
		senderPid: description.readInt32LE(16),
		senderUid: description.readUInt32LE(20),
	};
	return undefined;
}

function readAuxiliaries(description: Buffer, _architecture: Architecture, into: CoreNotes): string | undefined {
	const entries = new Map<number, bigint>();
	for (let at = 0; at + 16 <= description.length && entries.size < mostAuxiliaries; at += 16) {
		const type = description.readBigUInt64LE(at);
		if (type === 0n) break;
		entries.set(Number(type), description.readBigUInt64LE(at + 8));
	}
	into.auxv = entries;
	return undefined;
}

function readFiles(description: Buffer, _architecture: Architecture, into: CoreNotes): string | undefined {
	if (into.mappings !== noMappings) return 'there was one before';
	const mappings = readMappings(Buffer.from(description));
	if (typeof mappings === 'string') return mappings;
	into.mappings = mappings;
	if (mappings.problem !== undefined) into.problems.push(mappings.problem);
	return undefined;
}

function text(bytes: Buffer): string {
	const end = bytes.indexOf(0);
	return fileNameText(end < 0 ? bytes : bytes.subarray(0, end));
}
