import type { FileHandle } from 'node:fs/promises';
import { defined } from '../../base/defined.ts';
import { type Hex, hex } from '../../base/hex.ts';
import { NotRegularError, openRegular } from '../../base/regular-file.ts';
import {
	type ByteSource,
	type Encoding,
	type ForwardSource,
	fileBytes,
	packingOf,
	type Tap,
	tapped,
	type UnpackForeign,
	unpacked,
} from '../bytes/bytes.ts';
import { type ElfHeader, ET_CORE, ET_DYN, ET_EXEC, elfHeader, elfHeaderSize, isElf, isElf64LittleEndian } from '../elf/elf.ts';
import { type Architecture, architectures } from './architecture.ts';
import { encodingOf } from './encoding.ts';
import { CorefileError } from './error.ts';
import { type InitialStack, initialStack } from './initial-stack.ts';
import { type Location, locate } from './mappings.ts';
import { type Extent, extentAt, type Memory, memoryOf, noMemory, readLikelyRegions, readRegions, stackTop, startOf } from './memory.ts';
import { type Candidate, type MappedModule, moduleCandidates, modulesAmong } from './modules.ts';
import { type CoreNotes, emptyNotes, type ProcessInfo, readNotes, type Siginfo, type ThreadState } from './notes.ts';
import { readSegments, type Segments } from './segments.ts';
import type { Slim } from './slim-note.ts';

export { NoUnpackerError } from '../bytes/bytes.ts';
export { CorefileError } from './error.ts';
export { initialStackBytes } from './initial-stack.ts';
export type { Location } from './mappings.ts';
export type { Extent } from './memory.ts';
export { moduleHeadBytes } from './memory.ts';
export type { ProcessInfo, Siginfo, ThreadState } from './notes.ts';
export type { Segments } from './segments.ts';
export { type Range, type SlimPlan, slimPlan } from './slim.ts';
export type { Slim } from './slim-note.ts';

/** What a core file says by itself, without any other file. What is absent was not in it, or not in the part that was read. */
export type Corefile = {
	readonly encoding: Encoding;
	/** On disk. */
	readonly sizeBytes: number;
	/** Of a compressed core that was read to its end. */
	readonly uncompressedBytes?: number;
	/** The size that the headers announce. */
	readonly expectedBytes: number;
	readonly complete: 'yes' | 'truncated' | 'unknown';
	/** That most of the memory was left out on purpose, and what of. */
	readonly slim?: Slim;
	readonly architecture: Architecture;
	readonly siginfo?: Siginfo;
	readonly process?: ProcessInfo;
	/** The crashed thread first. */
	readonly threads: readonly ThreadState[];
	/** The program itself: the file that holds the entry point. */
	readonly executable?: string;
	/** Executables and libraries in order of address. */
	readonly modules: readonly Module[];
	readonly initialStack?: InitialStack;
	/** A mapped file's path that no kernel writes: relative, or with `..` in it. */
	readonly forgedPath?: string;
	/** AT_… numbers with their values: getauxval(3). */
	readonly auxv: ReadonlyMap<number, bigint>;
	/** Where notes and memory are. */
	readonly segments: Segments;
	/** The file and offset that an address of the process belongs to. */
	locate(address: Hex): Location | undefined;
	/** Where the core, unpacked, has the process's memory from an address on, and how much of it in one piece; undefined for what it does not have. */
	extentAt(address: bigint, wanted?: number): Extent | undefined;
	/** What could not be read, in words. */
	readonly problems: readonly string[];
};

export type Module = Omit<MappedModule, 'base'> & { readonly base: Hex };

export type ReadOptions = {
	/** Which variables of the environment may be taken; none if absent. */
	readonly environmentNames?: readonly string[];
	readonly signal?: AbortSignal | undefined;
	/** Unpacks the packings that need a program; absent: cores packed so are refused. */
	readonly unpackForeign?: UnpackForeign | undefined;
	/** zstd too: where much is to be unpacked. */
	readonly isByProgram?: boolean | undefined;
	/** After so long a compressed core is taken for what was read of it. */
	readonly timeLimitMs?: number | undefined;
	/** Told the share of the file that has been read, from 0 to 1. */
	readonly onProgress?: ((share: number) => void) | undefined;
	/** What is taken from a compressed core on the way. */
	readonly tap?: Tap | undefined;
};

const AT_ENTRY = 9;
const AT_SYSINFO_EHDR = 33;
/** How far into a compressed core its head may reach, unpacked: the notes of some 10,000 threads. */
const mostHeadBytes = 48 << 20;
/** What may follow the last segment: section headers (PN_XNUM, gdb). */
export const trailerBytes = 1 << 20;

/**
 * Reads what stands near the start of a core: time, memory and reading do not grow with the core.
 *
 * @throws {CorefileError} not a core, or one that is not understood
 * @throws {NoUnpackerError} the program that unpacks it is not here
 */
export const readHead = (path: string, options: ReadOptions = {}) => read(path, 'head', options);

/**
 * Reads all that the core says: a raw one by seeking, a compressed one from start to end in constant memory.
 *
 * @throws {CorefileError} not a core, or one that is not understood
 * @throws {NoUnpackerError} the program that unpacks it is not here
 */
export const readPass = (path: string, options: ReadOptions = {}) => read(path, 'pass', options);

async function read(path: string, depth: 'head' | 'pass', options: ReadOptions): Promise<Corefile> {
	await using file = await openFile(path);
	const { size } = await file.stat();
	const { buffer: magic, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
	if (bytesRead === 0) throw new CorefileError('is empty');
	const encoding = encodingOf(magic);
	if (encoding === 'raw') return await parse(fileBytes(file), { ...options, encoding, size, depth });
	await using stream = streamOf(file, encoding, size, options);
	const passing = options.tap ? tapped(stream, options.tap) : stream;
	return await parse(passing, { ...options, encoding, size, depth, deadline: stream.deadline }, passing);
}

/**
 * Takes stretches of a compressed core, and reads no further than the last of them.
 *
 * @returns what was wrong where it ended before that, in words
 * @throws {NoUnpackerError} the program that unpacks it is not here
 */
export async function passOver(path: string, tap: Tap, options: ReadOptions = {}): Promise<string | undefined> {
	await using file = await openFile(path);
	const { size } = await file.stat();
	const { buffer: magic } = await file.read(Buffer.alloc(16), 0, 16, 0);
	const encoding = encodingOf(magic);
	if (encoding === 'raw') throw new CorefileError('is not compressed');
	await using stream = streamOf(file, encoding, size, options);
	await tapped(stream, tap).skipTo(tap.ranges.at(-1)?.end ?? 0);
	return stream.ending?.words;
}

function streamOf(file: FileHandle, packing: Exclude<Encoding, 'raw'>, size: number, options: ReadOptions) {
	const { signal, timeLimitMs, unpackForeign, isByProgram, onProgress } = options;
	const deadline = timeLimitMs === undefined ? undefined : AbortSignal.timeout(timeLimitMs);
	const onRead = (bytes: number) => onProgress?.(bytes / size);
	return Object.assign(unpacked(file, packing, { signal, deadline, onRead, unpackForeign, isByProgram }), { deadline });
}

async function openFile(path: string): Promise<FileHandle> {
	try {
		return await openRegular(path);
	} catch (error) {
		throw error instanceof NotRegularError ? new CorefileError(error.message, undefined, { cause: error }) : error;
	}
}

type Parsing = ReadOptions & {
	readonly encoding: Encoding;
	readonly size: number;
	readonly depth: 'head' | 'pass';
	readonly deadline?: AbortSignal | undefined;
};

async function parse(source: ByteSource, options: Parsing, stream?: ForwardSource): Promise<Corefile> {
	const header = await coreHeader(source, options.encoding, stream);
	const architecture = architectureOf(header);
	const segments = await readSegments(source, header, stream ? undefined : options.size);
	const notes = emptyNotes();
	if (segments.problem !== undefined) notes.problems.push(`left out: ${segments.problem}`);
	if (!segments.isWhole) notes.problems.push(`the file ends within its program headers, after ${segments.count}`);
	if (segments.isWhole && segments.noteSegments.length === 0) notes.problems.push('the core has no notes: no threads, signal or mappings');
	const contents = await readContents(source, segments, architecture, notes, options);
	if (stream && options.depth === 'pass') await stream.skipTo(segments.expectedBytes + trailerBytes);
	if (stream?.ending) notes.problems.push(stream.ending.words);
	return assemble(options, architecture, segments, notes, contents, stream);
}

async function coreHeader(source: ByteSource, encoding: Encoding, stream: ForwardSource | undefined): Promise<ElfHeader> {
	const bytes = await source.read(0, elfHeaderSize);
	if (stream?.ending?.isDamaged && bytes.length < elfHeaderSize)
		throw new CorefileError(`is not a core dump that can be unpacked: ${stream.ending.words}`, 0);
	const inner = stream && packingOf(bytes);
	if (inner !== undefined) throw new CorefileError(`is packed with ${inner} and then with ${encoding}: unpack it first`);
	if (!isElf(bytes)) throw new CorefileError('is not a core dump: expected an ELF file (7f 45 4c 46) when unpacked', 0);
	if (bytes.length < elfHeaderSize) throw new CorefileError(`ends within its ELF header of ${elfHeaderSize} bytes`, bytes.length);
	if (!isElf64LittleEndian(bytes)) throw new CorefileError('is not of a 64-bit little-endian machine', 4);
	const header = elfHeader(bytes);
	if (header.e_type === ET_EXEC || header.e_type === ET_DYN) throw new CorefileError('is an executable or a library, not a core dump', 16);
	if (header.e_type !== ET_CORE) throw new CorefileError(`is an ELF file of type ${header.e_type}, not a core dump (${ET_CORE})`, 16);
	return header;
}

function architectureOf({ e_machine }: ElfHeader): Architecture {
	const architecture = architectures.get(e_machine);
	if (architecture) return architecture;
	const known = [...architectures.values()].map(({ name }) => name).join(', ');
	throw new CorefileError(`is a core of machine type ${e_machine}; this version reads ${known}`, 18);
}

type Contents = { readonly memory: Memory; readonly candidates: readonly Candidate[] };

/** Reads notes and memory in the order in which a stream gives them: the notes stand first, unless gdb wrote the core. */
async function readContents(
	source: ByteSource,
	segments: Segments,
	architecture: Architecture,
	notes: CoreNotes,
	options: Parsing,
): Promise<Contents> {
	const firstLoad = segments.loads().find(({ p_filesz }) => p_filesz > 0n)?.p_offset;
	const first = segments.noteSegments.filter(({ p_offset }) => firstLoad === undefined || p_offset <= firstLoad);
	const areNotesFirst = first.length > 0 || segments.noteSegments.length === 0;
	// A stream can't come back to memory from notes that a damaged core has among it.
	const noteSegments = source.isForwardOnly && areNotesFirst ? first : segments.noteSegments;
	if (noteSegments.length < segments.noteSegments.length) notes.problems.push('notes that stand behind memory were not read');
	const areNotesNear = noteSegments.every(({ p_offset, p_filesz }) => p_offset + p_filesz <= mostHeadBytes);
	const isHeadOfStream = source.isForwardOnly && options.depth === 'head';

	if (isHeadOfStream && !areNotesNear) {
		notes.problems.push('the notes stand too far from the start to be read without unpacking the whole core');
		return { memory: noMemory, candidates: [] };
	}
	if (source.isForwardOnly && !areNotesFirst) {
		const memory = await memoryOf(readLikelyRegions(source, segments));
		await readNotes(source, noteSegments, architecture, notes);
		return { memory, candidates: moduleCandidates(notes.mappings, segments, notes.problems) };
	}
	await readNotes(source, noteSegments, architecture, notes);
	const candidates = moduleCandidates(notes.mappings, segments, notes.problems);
	const stack = stackTop(segments, notes.auxv);
	const regions = [...candidates.map(({ base }) => startOf(base)), ...(stack ? [stack] : [])];
	return { memory: await memoryOf(readRegions(source, segments, regions, isHeadOfStream ? mostHeadBytes : undefined)), candidates };
}

function assemble(
	{ encoding, size, depth, deadline, environmentNames = [] }: Parsing,
	architecture: Architecture,
	segments: Segments,
	notes: CoreNotes,
	{ memory: { heads, stack }, candidates }: Contents,
	stream: ForwardSource | undefined,
): Corefile {
	const { expectedBytes } = segments;
	const { mappings, auxv } = notes;
	const isReadToEnd = stream !== undefined && depth === 'pass' && !deadline?.aborted;
	const reached = stream ? stream.position : size;
	const isWhole = segments.isWhole && segments.problem === undefined && reached >= expectedBytes;
	const entry = auxv.get(AT_ENTRY);
	const vdso = segments.containing(auxv.get(AT_SYSINFO_EHDR) ?? 0n)?.p_vaddr;
	return {
		encoding,
		sizeBytes: size,
		expectedBytes,
		complete: (stream && !isReadToEnd) || (isWhole && stream?.ending?.isDamaged) ? 'unknown' : isWhole ? 'yes' : 'truncated',
		architecture,
		threads: notes.threads,
		modules: modulesAmong(candidates, heads).map((module) => ({ ...module, base: hex(module.base) })),
		...defined({
			uncompressedBytes: isReadToEnd ? reached : undefined,
			siginfo: notes.siginfo,
			process: notes.process,
			executable: entry === undefined ? undefined : locate(mappings, entry)?.module,
			initialStack: stack && initialStack(stack.bytes, stack.start, auxv, environmentNames),
			forgedPath: mappings.forgedPath,
			slim: notes.slim,
		}),
		auxv,
		segments,
		extentAt: (address) => extentAt(segments, address),
		locate: (address) => {
			const isInVdso = vdso !== undefined && segments.containing(BigInt(address))?.p_vaddr === vdso;
			return isInVdso ? { module: '[vdso]', offset: hex(BigInt(address) - vdso) } : locate(mappings, BigInt(address));
		},
		problems: notes.problems,
	};
}
