import { basename, join } from 'node:path';
import type { ContainerRoot } from '../../drivers/containerfiles/containerfiles.ts';
import {
	type BuiltFile,
	buildFileName,
	builtFile,
	type Debuginfod,
	type FileKind,
	readBuilt,
} from '../../drivers/debuginfod/debuginfod.ts';

/** Where the files of the crashed process may be. */
export type SymbolPlaces = {
	/** The executable, given by hand. */
	readonly executable?: string | undefined;
	/** The root of its file system: `/` for a process of this machine; absent where its files are not below any folder. */
	readonly sysroot?: string | undefined;
	/** The root of the container in which it ran. */
	readonly container?: ContainerRoot | undefined;
	/** More folders, searched by whole path, by base name and by build-id. */
	readonly paths: readonly string[];
	/** Asked for what is in none of them. */
	readonly debuginfod?: Debuginfod | undefined;
};

export type Candidate = {
	/** Its path for this process and the debugger. */
	readonly file: string;
	/** Its path for people. */
	readonly shown: string;
	readonly elf: BuiltFile;
	/** Of a file that would stay open otherwise. */
	readonly reject?: () => PromiseLike<void>;
};

/** The files that may be the one that was mapped, by its path or name; the likeliest first. */
export async function* candidatesByPath(path: string, places: SymbolPlaces): AsyncGenerator<Candidate> {
	const { executable, sysroot, container, paths } = places;
	if (executable !== undefined) yield* fileAt(executable);
	if (container) yield* fileIn(container, path);
	if (sysroot !== undefined) yield* fileAt(join(sysroot, join('/', path)));
	for (const folder of paths) {
		yield* fileAt(join(folder, path));
		yield* fileAt(join(folder, basename(path)));
	}
}

/** Where packages put debug information, and links to executables and libraries, below a root. */
const foldersOf = { debuginfo: ['/usr/lib/debug'], executable: ['/usr/lib/debug', '/usr/lib'] } as const;

/** The files that have the name of a build. */
export async function* candidatesByBuildId(buildId: string, kind: FileKind, places: SymbolPlaces): AsyncGenerator<Candidate> {
	if (buildId.length < shortestBuildId) return;
	const { sysroot, container, paths } = places;
	const name = buildFileName(buildId, kind);
	const folders = foldersOf[kind];
	if (container) for (const folder of folders) yield* fileIn(container, join(folder, name));
	if (sysroot !== undefined) for (const folder of folders) yield* fileAt(join(sysroot, folder, name));
	for (const path of paths) for (const folder of ['', ...folders]) yield* fileAt(join(path, folder, name));
}

/** In hex. No linker makes a shorter one, and there would be little left for a name. */
export const shortestBuildId = 8;

async function* fileAt(file: string): AsyncGenerator<Candidate> {
	const elf = await builtFile(file);
	if (elf) yield { file, shown: file, elf };
}

async function* fileIn(container: ContainerRoot, path: string): AsyncGenerator<Candidate> {
	const file = await container.open(path);
	if (!file) return;
	const reject = () => file[Symbol.asyncDispose]();
	const elf = await readBuilt(file.handle);
	if (elf) yield { file: file.path, shown: `${path} of its container`, elf, reject };
	else await reject();
}
