import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import {
	containerOf,
	findModules,
	forgedPaths,
	rawCopy,
	ScratchError,
	type SymbolPlaces,
	scratchFolder,
	unusedExecutable,
} from '../components/analyzer/analyzer.ts';
import type { Core } from '../domain/report.ts';
import { debug, GdbError } from '../drivers/gdb/gdb.ts';
import { type Corefile, readPass } from '../readers/corefile/corefile.ts';
import { type Chosen, chosenCore } from './chosen-core.ts';
import { type ReportsOptions, withReports } from './cluster-reports.ts';
import { UserError } from './errors.ts';
import { type Interruption, interruptible } from './interruption.ts';
import { type PlacesOptions, symbolPlaces, withPlaces } from './places.ts';
import { createProgress } from './progress.ts';
import { type SettingsOptions, withConfig } from './settings.ts';

type Options = SettingsOptions & ReportsOptions & PlacesOptions;

export function gdbCommand(program: Command): void {
	withPlaces(withReports(withConfig(program.command('gdb'))), 'that of its container, else /')
		.description(
			'open gdb on a crash, wherever its core is stored, or on a core file: unpacked, with the executable and the libraries that belong to it',
		)
		.argument('<id|core>', 'a crash as `list` gives it, or a core file')
		.argument('[gdb arguments...]', 'handed on to gdb, after `--`')
		.action(async (target: string, gdbArguments: readonly string[], options: Options) => {
			const chosen = await chosenCore(target, options);
			process.exitCode = await interruptible((interruption) => debugCore(chosen, gdbArguments, options, interruption));
		});
}

/** @returns gdb's exit code */
async function debugCore(chosen: Chosen, gdbArguments: readonly string[], options: Options, interruption: Interruption): Promise<number> {
	const { signal, leaveCtrlCTo } = interruption;
	const given = await symbolPlaces(options, chosen.configured);
	await using stack = new AsyncDisposableStack();
	const folder = stack.use(await workFolder(chosen.scratch));
	const core = await unpackedCore(await chosen.coreIn(folder.path, signal), folder.path, signal);
	const container = options.sysroot === undefined ? await ownFiles(chosen, folder.path) : undefined;
	if (container?.root) stack.use(container.root);
	const places = container ? { ...given, sysroot: undefined, container: container.root } : given;
	const corefile = await readPass(core, { signal });
	if (corefile.forgedPath !== undefined) throw new UserError(forgedPaths);
	if (corefile.slim)
		process.stderr.write(`the core is slim: memory that is far from the crash was left out of it, and can't be accessed\n`);
	const modules = await modulesOf(corefile, places, Date.parse(chosen.time), signal);
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
	const isNatural =
		!container &&
		executable !== undefined &&
		modules.every(({ module }) => module.file !== 'replaced') &&
		loaded.every(({ path, file }) => path === corefile.executable || file === join(given.sysroot, path));
	const request = { core, architecture: corefile.architecture.name, modules: loaded, directory: folder.path };
	const natural = isNatural ? { executable, sysroot: given.sysroot } : undefined;
	try {
		return await leaveCtrlCTo(() => debug(request, natural, gdbArguments, signal));
	} catch (error) {
		throw error instanceof GdbError ? new UserError(error.message) : error;
	}
}

async function modulesOf(core: Corefile, places: SymbolPlaces, crashedAtMs: number, signal: AbortSignal) {
	using progress = createProgress();
	return findModules(core, places, crashedAtMs, {
		signal,
		onNote: (note) => process.stderr.write(`${printable(note)}\n`),
		onAsking: () => progress.step('fetching files'),
	});
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

async function unpackedCore(core: Core, folder: string, signal: AbortSignal): Promise<string> {
	using progress = createProgress();
	const copy = await rawCopy(core, folder, signal, progress.step);
	if (copy.is === 'not unpacked') throw new UserError(copy.reason);
	// Of one that was fetched, the packed copy has served.
	if (copy.path !== core.path && dirname(core.path) === folder) await rm(core.path);
	return copy.path;
}
