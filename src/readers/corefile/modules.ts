import { defined } from '../../base/defined.ts';
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
import { type Mapping, moduleBase } from './mappings.ts';
import type { Memory } from './memory.ts';
import type { Segments } from './segments.ts';

/** An executable or library that was mapped. */
export type MappedModule = {
	readonly path: string;
	readonly base: bigint;
	readonly isDeleted: boolean;
	/** From the process's memory; absent where the core does not hold the module's first page. */
	readonly buildId?: string;
};

/** A mapped file that may be a module. */
export type Candidate = MappedModule & { readonly isExecutable: boolean };

/**
 * All mapped files, each with where it begins. Those that are mapped to be executed are modules for certain. A file may be mapped in pieces
 * elsewhere, as data: where it is executed counts most, then where its first byte is.
 */
export function mappedFiles(mappings: readonly Mapping[], segments: Segments): Candidate[] {
	const files = new Map<string, { readonly rank: number; readonly mapping: Mapping }>();
	for (const mapping of mappings) {
		const segment = segments.containing(mapping.start);
		const isExecutable = segment !== undefined && (segment.p_flags & PF_X) !== 0;
		const rank = isExecutable ? 2 : mapping.fileOffset === 0n ? 1 : 0;
		if (rank > (files.get(mapping.path)?.rank ?? -1)) files.set(mapping.path, { rank, mapping });
	}
	return [...files.values()].map(({ rank, mapping }) => ({
		path: mapping.path,
		base: moduleBase(mappings, mapping),
		isDeleted: mapping.isDeleted,
		isExecutable: rank === 2,
	}));
}

/**
 * The modules among mapped files: gdb leaves code out of the cores that it writes, so that an ELF header in memory counts too. What has the
 * build-id of a module that is executed is that module's debug information, which the process read to print a stack of its own.
 */
export async function modulesAmong(files: readonly Candidate[], memory: Memory): Promise<MappedModule[]> {
	const heads = files
		.map((file) => ({ file, head: memory.get(file.base) }))
		.filter(({ file, head }) => file.isExecutable || (head && isElf(head)));
	const found = await Promise.all(
		heads.map(async ({ file, head }) => ({ file, ...defined({ buildId: head && (await buildIdOf(head)) }) })),
	);
	const executed = new Set(found.filter(({ file }) => file.isExecutable).map(({ buildId }) => buildId));
	return found
		.filter(({ file, buildId }) => file.isExecutable || buildId === undefined || !executed.has(buildId))
		.map(({ file: { path, base, isDeleted }, buildId }) => ({ path, base, isDeleted, ...defined({ buildId }) }));
}

/** The build-id in the first bytes of a module as they lay in memory: only what these bytes hold is looked at. */
async function buildIdOf(head: Buffer): Promise<string | undefined> {
	if (head.length < elfHeaderSize || !isElf(head) || !isElf64LittleEndian(head)) return undefined;
	const { e_phoff, e_phnum } = elfHeader(head);
	const headers = Array.from({ length: e_phnum }, (_, index) => Number(e_phoff) + index * programHeaderSize)
		.filter((at) => at + programHeaderSize <= head.length)
		.map((at) => programHeader(head, at));
	const firstLoad = headers.find(({ p_type }) => p_type === PT_LOAD);
	for (const { p_type, p_vaddr, p_memsz } of headers) {
		const at = p_vaddr - (firstLoad?.p_vaddr ?? 0n);
		if (p_type !== PT_NOTE || at < 0n || at + p_memsz > BigInt(head.length)) continue;
		const buildId = await buildIdIn(memoryBytes(head), Number(at), Number(at + p_memsz));
		if (buildId !== undefined) return buildId;
	}
	return undefined;
}
