import { memoryBytes } from '../bytes/bytes.ts';
import {
	buildIdIn,
	elfHeader,
	elfHeaderSize,
	isElf,
	isElf64LittleEndian,
	PF_X,
	PT_LOAD,
	PT_NOTE,
	programHeader,
	programHeaderSize,
} from '../elf/elf.ts';
import type { MappedName, Mappings } from './mappings.ts';
import type { Segments } from './segments.ts';

/** An executable or library that was mapped. */
export type MappedModule = MappedName & {
	readonly base: bigint;
	/** From the process's memory; absent where the core does not hold the module's first page. */
	readonly buildId?: string;
};

/** A mapped file that may be a module. */
export type Candidate = Omit<MappedModule, 'buildId'> & { readonly isExecutable: boolean };

/** What the first bytes of a module say. */
export type ModuleHead = { readonly buildId?: string };

/** Milvus has some hundred; a process that maps its data may have tens of thousands of files. */
const mostCandidates = 4096;
const mostNoteSegments = 8;

/** How likely a mapped file is a module. It may be mapped in pieces elsewhere, as data: where it is executed counts most. */
const [isData, isMappedFromStart, isExecuted, isExecutedFromStart] = [0, 1, 2, 3] as const;

/**
 * The mapped files that may be modules, each with where it begins, in order of address. Those that are mapped to be executed are modules for certain.
 *
 * @param problems told when there are too many: the less likely ones are left out
 */
export function moduleCandidates(mappings: Mappings, segments: Segments, problems: string[]): Candidate[] {
	const ranks = new Uint8Array(mappings.fileCount);
	const places = new Uint32Array(mappings.fileCount);
	for (let index = 0; index < mappings.count; index++) {
		const { start, fileOffset, file, hasFirstByte } = mappings.at(index);
		const isExecutable = ((segments.containing(start)?.p_flags ?? 0) & PF_X) !== 0;
		const rank = isExecutable ? (hasFirstByte ? isExecutedFromStart : isExecuted) : fileOffset === 0n ? isMappedFromStart : isData;
		if (rank <= (ranks[file] as number)) continue;
		ranks[file] = rank;
		places[file] = index;
	}
	const chosen = likeliest(ranks);
	const likely = ranks.reduce((count, rank) => count + (rank === isData ? 0 : 1), 0);
	if (likely > chosen.length)
		problems.push(`of ${likely} mapped files that may be executables or libraries ${chosen.length} were looked at`);
	return chosen
		.map((file) => ({ place: places[file] as number, isExecutable: (ranks[file] as number) >= isExecuted }))
		.sort((a, b) => a.place - b.place)
		.map(({ place, isExecutable }) => ({ ...mappings.nameOf(place), base: mappings.at(place).base, isExecutable }));
}

function likeliest(ranks: Uint8Array): number[] {
	const chosen: number[] = [];
	for (const wanted of [isExecutedFromStart, isExecuted, isMappedFromStart])
		for (let file = 0; file < ranks.length && chosen.length < mostCandidates; file++) if (ranks[file] === wanted) chosen.push(file);
	return chosen;
}

/**
 * The modules among them: gdb leaves code out of the cores that it writes, so that an ELF header in memory counts too. What has the
 * build-id of a module that is executed is that module's debug information, which the process read to print a stack of its own.
 */
export function modulesAmong(candidates: readonly Candidate[], heads: ReadonlyMap<bigint, ModuleHead>): MappedModule[] {
	const found = candidates
		.filter(({ isExecutable, base }) => isExecutable || heads.has(base))
		.map(({ isExecutable, ...module }) => ({ isExecutable, module: { ...module, ...heads.get(module.base) } }));
	const executed = new Set(found.filter(({ isExecutable }) => isExecutable).map(({ module }) => module.buildId));
	return found
		.filter(({ isExecutable, module: { buildId } }) => isExecutable || buildId === undefined || !executed.has(buildId))
		.map(({ module }) => module);
}

/** What the first bytes of a module say, as they lay in memory: only what these bytes hold is looked at. Undefined where they are not those of a module. */
export async function moduleHead(bytes: Buffer): Promise<ModuleHead | undefined> {
	if (!isElf(bytes)) return undefined;
	const buildId = bytes.length >= elfHeaderSize && isElf64LittleEndian(bytes) ? await buildIdOf(bytes) : undefined;
	return buildId === undefined ? {} : { buildId };
}

async function buildIdOf(head: Buffer): Promise<string | undefined> {
	const { e_phoff, e_phnum } = elfHeader(head);
	const present = Math.max(0, Math.floor((head.length - Number(e_phoff)) / programHeaderSize));
	const headers = Array.from({ length: Math.min(e_phnum, present) }, (_, index) =>
		programHeader(head, Number(e_phoff) + index * programHeaderSize),
	);
	const firstLoad = headers.find(({ p_type }) => p_type === PT_LOAD);
	for (const { p_vaddr, p_memsz } of headers.filter(({ p_type }) => p_type === PT_NOTE).slice(0, mostNoteSegments)) {
		const at = p_vaddr - (firstLoad?.p_vaddr ?? 0n);
		if (at < 0n || at + p_memsz > BigInt(head.length)) continue;
		const buildId = await buildIdIn(memoryBytes(head), Number(at), Number(at + p_memsz));
		if (buildId !== undefined) return buildId;
	}
	return undefined;
}
