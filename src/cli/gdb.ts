import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { layersOf, podTable } from '../agent/agent.ts';
import { printable } from '../base/printable.ts';
import {
	containerOf,
	findModules,
	forgedPaths,
	rawCopy,
	ScratchError,
	scratchFolder,
	unusedExecutable,
} from '../components/analyzer/analyzer.ts';
import { type Examined, examine } from '../components/collector/collector.ts';
import { ContentLost } from '../domain/backend.ts';
import type { Layers } from '../domain/layers.ts';
import type { Association, Core } from '../domain/report.ts';
import { debug, GdbError } from '../drivers/gdb/gdb.ts';
import { expectOriginal } from '../drivers/original/original.ts';
import { readJournal } from '../journal/journal.ts';
import { readPass } from '../readers/corefile/corefile.ts';
import { fileProblem, UserError } from './errors.ts';
import { isThere } from './files.ts';
import { type Interruption, interruptible } from './interruption.ts';
import { symbolPlaces } from './places.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { findReport } from './show.ts';

type Options = SettingsOptions & { readonly exe?: string; readonly sysroot?: string };

/** A core, and where it is looked into. */
type Chosen = Pick<Examined['event']['body'], 'core' | 'time'> & {
	readonly scratch: string;
	/** Of which container it is, and of what the root of that was made, if that is known. */
	readonly container?: { readonly association: Partial<Association>; readonly layers: Layers | undefined };
};

export function gdbCommand(program: Command): void {
	withConfig(program.command('gdb'))
		.description('open gdb on a crash or a core file, unpacked and with the files that belong to it')
		.argument('<id|core>', 'a crash as `list` gives it, or a core file')
		.argument('[gdb arguments...]', 'handed on to gdb, after `--`')
		.option('--exe <file>', 'the executable that crashed, if it is not where the core says')
		.option('--sysroot <dir>', 'the root of the file system in which it ran (default: that of its container, else /)')
		.action(async (target: string, gdbArguments: readonly string[], options: Options) => {
			const core = await chosenCore(target, options);
			process.exitCode = await interruptible((interruption) => debugCore(core, gdbArguments, options, interruption));
		});
}

/** @returns gdb's exit code */
async function debugCore(chosen: Chosen, gdbArguments: readonly string[], options: Options, interruption: Interruption): Promise<number> {
	const { signal, leaveCtrlCTo } = interruption;
	const given = await symbolPlaces({ sysroot: '/', ...options });
	await using stack = new AsyncDisposableStack();
	const folder = stack.use(await workFolder(chosen.scratch));
	const core = await unpackedCore(chosen.core, folder.path, signal);
	const container = options.sysroot === undefined ? await ownFiles(chosen, folder.path) : undefined;
	if (container?.root) stack.use(container.root);
	const places = container ? { ...given, sysroot: undefined, container: container.root } : given;
	const corefile = await readPass(core, { signal });
	if (corefile.forgedPath !== undefined) throw new UserError(forgedPaths);
	const modules = await findModules(corefile, places, Date.parse(chosen.time));
	const unused = unusedExecutable(corefile, modules, places);
	if (unused !== undefined) process.stderr.write(`${printable(unused)}\n`);
	for (const { module } of modules) {
		if (module.file === 'replaced')
			process.stderr.write(`${printable(module.path)} is another build than the one that crashed, and is left out\n`);
	}
	const loaded = modules.map(({ loaded }) => loaded).filter((one) => one !== undefined);
	const executable = loaded.find(({ path }) => path === corefile.executable)?.file;
	if (!executable) process.stderr.write('the executable is not here: give it by --exe, or its root file system by --sysroot\n');
	if (container?.problem !== undefined && modules.some(({ module }) => module.file === 'missing'))
		process.stderr.write(`${printable(container.problem)}\n`);
	const isNatural = !container && executable !== undefined && modules.every(({ module }) => module.file !== 'replaced');
	const request = { core, architecture: corefile.architecture.name, modules: loaded, directory: folder.path };
	const natural = isNatural ? { executable, sysroot: given.sysroot } : undefined;
	try {
		return await leaveCtrlCTo(() => debug(request, natural, gdbArguments, signal));
	} catch (error) {
		throw error instanceof GdbError ? new UserError(error.message) : error;
	}
}

/** The files of the container that it ran in. */
const ownFiles = async ({ container }: Chosen, scratch: string) =>
	container && containerOf(container.association, async () => container.layers, scratch);

async function workFolder(parent: string): ReturnType<typeof scratchFolder> {
	try {
		return await scratchFolder(parent);
	} catch (error) {
		throw error instanceof ScratchError ? new UserError(error.message) : error;
	}
}

/** A file, or the stored core of a crash, or the original where none was stored. */
async function chosenCore(target: string, options: Options): Promise<Chosen> {
	const here = { scratch: tmpdir() };
	if (await isThere(resolve(target))) return { ...(await examined(resolve(target))), ...here };
	if (target.includes('/')) throw new UserError(`${printable(target)}: there is no such file`);
	const { config } = await loadSettings(options);
	using journal = readJournal(config.journal.path);
	const { storage, core, id, time, association } = findReport(journal, target);
	const { containerId } = association;
	const ran =
		containerId === undefined
			? here
			: {
					scratch: config.analyzer.scratchPath,
					container: { association, layers: await layersOf(config.discovery, podTable(), journal)({ ...association, containerId }) },
				};
	const stored = storage?.form === 'full' ? storage.location : storage?.was?.location;
	if (stored !== undefined && (await isThere(stored))) return { ...(await examined(stored)), time, ...ran };
	if (core && (await isOriginal(core))) return { ...(await examined(core.path)), time, ...ran };
	const places = [stored, core?.path].filter((path) => path !== undefined).map(printable);
	const isReplaced = core && (await isThere(core.path));
	throw new UserError(`the core of crash ${id} is gone: it was ${places.join(' and ')}${isReplaced ? ', where another file is now' : ''}`);
}

async function isOriginal(core: Core): Promise<boolean> {
	try {
		await expectOriginal(core);
		return true;
	} catch (error) {
		if (error instanceof ContentLost) return false;
		throw fileProblem(core.path, error) ?? error;
	}
}

async function unpackedCore(core: Core, folder: string, signal: AbortSignal): Promise<string> {
	using progress = createProgress();
	const copy = await rawCopy(core, folder, signal, progress.step);
	if (copy.is === 'not unpacked') throw new UserError(copy.reason);
	return copy.path;
}

async function examined(path: string): Promise<Examined['event']['body']> {
	try {
		return (await examine(path, { now: Date.now() })).event.body;
	} catch (error) {
		throw fileProblem(path, error) ?? error;
	}
}
