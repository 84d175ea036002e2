import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import type { SymbolPlaces } from '../components/analyzer/analyzer.ts';
import type { Config } from '../config/config.ts';
import { debuginfod } from '../drivers/debuginfod/debuginfod.ts';
import { elfFile } from '../readers/elf/elf.ts';
import { fileProblem, UserError } from './errors.ts';
import { cacheHome } from './settings.ts';

export type PlacesOptions = {
	readonly exe?: string;
	readonly sysroot?: string;
	readonly symbols?: readonly string[];
	readonly debuginfod?: string;
};

/** The options by which a user says where the files of the crashed process are. @param sysrootDefault in words */
export const withPlaces = (command: Command, sysrootDefault: string): Command =>
	command
		.option('--exe <file>', 'the executable that crashed, if it is not where the core says')
		.option(
			'--sysroot <dir>',
			`the root of the file system in which it ran, such as an unpacked container image (default: ${sysrootDefault})`,
		)
		.option(
			'--symbols <dir>',
			'a folder with executables, libraries or their debug information, by name or by build-id; may be given several times',
			(folder: string, before: readonly string[] = []) => [...before, folder],
		)
		.option(
			'--debuginfod <url>',
			'a debuginfod server, which is asked by build-id for what is not here; what it gives is kept for the next time',
		);

/** What the agent's configuration says, for a crash of its own. */
type Configured = Pick<Config['analyzer'], 'symbols' | 'scratchPath'>;

/** Where the user says that the files of the crashed process are. @throws {UserError} what is there can't be that */
export async function symbolPlaces(
	{ exe, sysroot = '/', symbols = [], debuginfod: address }: PlacesOptions,
	configured?: Configured,
): Promise<SymbolPlaces & { readonly sysroot: string }> {
	if (exe !== undefined) await expectThat('--exe', exe, notExecutable);
	await expectThat('--sysroot', sysroot, notFolder);
	for (const folder of symbols) await expectThat('--symbols', folder, notFolder);
	if (address !== undefined) expectAddress(address);
	const server = address ?? configured?.symbols.debuginfod ?? 'off';
	const folder = join(configured?.scratchPath ?? cacheHome(), 'debuginfod');
	return {
		executable: exe && resolve(exe),
		sysroot: resolve(sysroot),
		paths: [...symbols.map((folder) => resolve(folder)), ...(configured?.symbols.paths ?? [])],
		debuginfod: server === 'off' ? undefined : debuginfod({ address: server, folder }),
	};
}

/** It is not repeated: a password may be in it. */
function expectAddress(text: string): void {
	const isAddress = URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
	if (!isAddress) throw new UserError('--debuginfod: expected an address such as https://debuginfod.example.com');
}

async function expectThat(option: string, path: string, problemOf: (path: string) => Promise<string | undefined>): Promise<void> {
	const shown = `${option} ${printable(path)}`;
	const problem = await problemOf(path).catch((error) => {
		throw fileProblem(path, error, shown) ?? error;
	});
	if (problem !== undefined) throw new UserError(`${shown}: ${problem}`);
}

const notFolder = async (path: string) => ((await stat(path)).isDirectory() ? undefined : 'is not a directory');

async function notExecutable(path: string): Promise<string | undefined> {
	const file = await stat(path);
	if (file.isDirectory()) return 'is a directory; expected the executable';
	if (file.isFile()) await (await open(path)).close(); // says why it may not be read
	return (await elfFile(path)) ? undefined : 'is not a 64-bit ELF executable';
}
