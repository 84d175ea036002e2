import { several } from '../../base/several.ts';
import type { BuiltFile, FileKind } from '../../drivers/debuginfod/debuginfod.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import { type FoundModule, foundAs, type Mapped, type Match, withDebugFile } from './found-module.ts';
import { askDebuginfod } from './from-debuginfod.ts';
import { type Candidate, candidatesByBuildId, candidatesByPath, type SymbolPlaces } from './symbol-places.ts';

export type { FoundModule } from './found-module.ts';
export type { SymbolPlaces } from './symbol-places.ts';

type Options = {
	/** Ends the questions to a debuginfod server. */
	readonly signal?: AbortSignal | undefined;
	/** Told which files were not used that should have been of use. */
	readonly onNote?: (note: string) => void;
	/** Told when a server is about to be asked, which may take minutes. */
	readonly onAsking?: () => void;
};

type Crashed = { /** `e_machine`. */ readonly machine: number; readonly atMs: number };

const mostOpenFiles = 16;
/** A file that is looked for in a container takes an open directory of each layer. */
const mostLookedFor = 4;
/** Names of cores tell the time in whole seconds. */
const clockMs = 1000;

/** Looks for the file of each module. A file of another build is never used. */
export async function findModules(
	core: Corefile,
	places: SymbolPlaces,
	crashedAtMs: number,
	{ signal, onNote = () => {}, onAsking }: Options = {},
): Promise<FoundModule[]> {
	const crashed = { machine: core.architecture.machine, atMs: crashedAtMs };
	const looked = await several(core.modules, places.container ? mostLookedFor : mostOpenFiles, async (mapped) => {
		const notes: string[] = [];
		const own = mapped.path === core.executable ? places : { ...places, executable: undefined };
		return { found: await findModule(mapped, crashed, own, notes), notes };
	});
	for (const note of looked.flatMap(({ notes }) => notes)) onNote(note);
	const found = looked.map(({ found }) => found);
	return places.debuginfod ? askDebuginfod(places.debuginfod, core, found, { signal, onNote, onAsking }) : found;
}

/** Why the executable that was given by hand is not among the files that are used; undefined when it is, or none was given. */
export function unusedExecutable(core: Corefile, modules: readonly FoundModule[], { executable }: SymbolPlaces): string | undefined {
	if (executable === undefined || modules.some(({ loaded }) => loaded?.file === executable)) return undefined;
	const why = core.executable === undefined ? 'the core does not say which file it ran' : 'it is another build than the one that crashed';
	return `${executable} was not used: ${why}`;
}

async function findModule(mapped: Mapped, crashed: Crashed, places: SymbolPlaces, notes: string[]): Promise<FoundModule> {
	const { path, buildId } = mapped;
	let isReplaced = false;
	for await (const candidate of candidatesByPath(path, places)) {
		const match = matches(mapped, candidate.elf, crashed, candidate.file === places.executable);
		if (match !== 'replaced') return foundWithDebugInfo(mapped, candidate, match, places, notes);
		isReplaced ||= candidate.file !== places.executable;
		await candidate.reject?.();
	}
	const named = buildId === undefined ? undefined : await fileOfBuild(buildId, 'executable', crashed.machine, places, notes);
	if (named) return foundWithDebugInfo(mapped, named, 'same', places, notes);
	const file = isReplaced ? 'replaced' : 'missing';
	return { module: { path, ...(buildId === undefined ? {} : { buildId }), symbols: 'none', file }, hasDebugInfo: false };
}

async function foundWithDebugInfo(
	mapped: Mapped,
	{ file, elf }: Candidate,
	match: Match,
	places: SymbolPlaces,
	notes: string[],
): Promise<FoundModule> {
	const found = foundAs(mapped, file, elf, match);
	const { hasDebugInfo, machine, buildId } = elf;
	const debug = hasDebugInfo || buildId === undefined ? undefined : await fileOfBuild(buildId, 'debuginfo', machine, places, notes);
	return debug && buildId !== undefined ? withDebugFile(found, buildId, debug.file) : found;
}

/** A file that has the name of a build, and is of it. */
async function fileOfBuild(
	buildId: string,
	kind: FileKind,
	machine: number,
	places: SymbolPlaces,
	notes: string[],
): Promise<Candidate | undefined> {
	for await (const candidate of candidatesByBuildId(buildId, kind, places)) {
		if (candidate.elf.buildId === buildId && candidate.elf.machine === machine) return candidate;
		notes.push(`${candidate.shown} is of another build than its name says, and was not used`);
		await candidate.reject?.();
	}
	return undefined;
}

/** Without a build-id on either side the path must do, unless the file was deleted under the running process, or changed since it crashed. */
function matches({ buildId, isDeleted }: Mapped, elf: BuiltFile, crashed: Crashed, isGiven: boolean): Match | 'replaced' {
	if (elf.machine !== crashed.machine) return 'replaced';
	if (buildId !== undefined && elf.buildId !== undefined) return buildId === elf.buildId ? 'same' : 'replaced';
	const isChanged = isDeleted || elf.modifiedMs > crashed.atMs + clockMs;
	return isChanged && !isGiven ? 'replaced' : 'unverified';
}
