import { basename, join } from 'node:path';
import { hex } from '../../base/hex.ts';
import { several } from '../../base/several.ts';
import type { Module } from '../../domain/report.ts';
import type { ContainerRoot } from '../../drivers/containerfiles/containerfiles.ts';
import type { LoadedModule } from '../../drivers/gdb/gdb.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import { type ElfFile, elfFile, readElf } from '../../readers/elf/elf.ts';

/** Where the files of the crashed process may be. */
export type SymbolPlaces = {
	/** The executable, given by hand. */
	readonly executable?: string | undefined;
	/** The root of its file system: `/` for a process of this machine; absent where its files are not below any folder. */
	readonly sysroot?: string | undefined;
	/** The root of the container in which it ran. */
	readonly container?: ContainerRoot | undefined;
	/** More folders, searched by whole path and by base name. */
	readonly paths: readonly string[];
};

/** A module of the report, and its file if it may be used. */
export type FoundModule = { readonly module: Module; readonly loaded?: LoadedModule; readonly hasDebugInfo: boolean };

type Crashed = { /** `e_machine`. */ readonly machine: number; readonly atMs: number };

const mostOpenFiles = 16;
/** A file that is looked for in a container takes an open directory of each layer. */
const mostLookedFor = 4;
/** Names of cores tell the time in whole seconds. */
const clockMs = 1000;

/** Looks for the file of each module. A file of another build is never used. */
export async function findModules(core: Corefile, places: SymbolPlaces, crashedAtMs: number): Promise<FoundModule[]> {
	const crashed = { machine: core.architecture.machine, atMs: crashedAtMs };
	return several(core.modules, places.container ? mostLookedFor : mostOpenFiles, (mapped) =>
		findModule(mapped, crashed, mapped.path === core.executable ? places : { ...places, executable: undefined }),
	);
}

/** Why the executable that was given by hand is not among the files that are used; undefined when it is, or none was given. */
export function unusedExecutable(core: Corefile, modules: readonly FoundModule[], { executable }: SymbolPlaces): string | undefined {
	if (executable === undefined || modules.some(({ loaded }) => loaded?.file === executable)) return undefined;
	const why = core.executable === undefined ? 'the core does not say which file it ran' : 'it is another build than the one that crashed';
	return `${executable} was not used: ${why}`;
}

async function findModule(mapped: Corefile['modules'][number], crashed: Crashed, places: SymbolPlaces): Promise<FoundModule> {
	const { path, buildId } = mapped;
	const known = { path, ...(buildId === undefined ? {} : { buildId }) };
	let isReplaced = false;
	for await (const { file, elf, reject } of candidates(path, places)) {
		const match = matches(mapped, elf, crashed, file === places.executable);
		if (match === 'replaced') {
			isReplaced ||= file !== places.executable;
			await reject?.();
			continue;
		}
		const symbols = elf.hasDebugInfo ? 'full' : elf.hasSymbols ? 'names' : 'none';
		const bias = hex(BigInt.asUintN(64, BigInt(mapped.base) - elf.linkedAt));
		const debugFile = elf.hasDebugInfo ? undefined : await debugFileOf(elf, places);
		const loaded = { path, file, bias, ...(debugFile && { debugFile }) };
		return { module: { ...known, symbols, file: match }, loaded, hasDebugInfo: elf.hasDebugInfo };
	}
	return { module: { ...known, symbols: 'none', file: isReplaced ? 'replaced' : 'missing' }, hasDebugInfo: false };
}

type Candidate = {
	/** Its path for this process and the debugger. */
	readonly file: string;
	readonly elf: ElfFile;
	/** Of a file that would stay open otherwise. */
	readonly reject?: () => PromiseLike<void>;
};

async function* candidates(path: string, { executable, sysroot, container, paths }: SymbolPlaces): AsyncGenerator<Candidate> {
	if (executable !== undefined) yield* fileAt(executable);
	if (container) yield* fileIn(container, path);
	if (sysroot !== undefined) yield* fileAt(join(sysroot, join('/', path)));
	for (const folder of paths) {
		yield* fileAt(join(folder, path));
		yield* fileAt(join(folder, basename(path)));
	}
}

async function* fileAt(file: string): AsyncGenerator<Candidate> {
	const elf = await elfFile(file);
	if (elf) yield { file, elf };
}

async function* fileIn(container: ContainerRoot, path: string): AsyncGenerator<Candidate> {
	const file = await container.open(path);
	if (!file) return;
	const reject = () => file[Symbol.asyncDispose]();
	const elf = await readElf(file.handle);
	if (elf) yield { file: file.path, elf, reject };
	else await reject();
}

/** Where packages of debug information put it: gdb looks there by itself, but not in a container. */
async function debugFileOf({ buildId }: ElfFile, { container }: SymbolPlaces): Promise<LoadedModule['debugFile']> {
	if (!container || buildId === undefined) return undefined;
	const name = `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug` as const;
	const found = await container.open(`/usr/lib/debug/${name}`);
	return found && { name, file: found.path };
}

/** Without a build-id on either side the path must do, unless the file was deleted under the running process, or changed since it crashed. */
function matches({ buildId, isDeleted }: Corefile['modules'][number], elf: ElfFile, crashed: Crashed, isGiven: boolean): Module['file'] {
	if (elf.machine !== crashed.machine) return 'replaced';
	if (buildId !== undefined && elf.buildId !== undefined) return buildId === elf.buildId ? 'same' : 'replaced';
	const isChanged = isDeleted || elf.modifiedMs > crashed.atMs + clockMs;
	return isChanged && !isGiven ? 'replaced' : 'unverified';
}
