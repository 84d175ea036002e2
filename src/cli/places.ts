import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { printable } from '../base/printable.ts';
import type { SymbolPlaces } from '../components/analyzer/analyzer.ts';
import { elfFile } from '../readers/elf/elf.ts';
import { fileProblem, UserError } from './errors.ts';

/** Where the user says that the files of the crashed process are. @throws {UserError} what is there can't be that */
export async function symbolPlaces({
	exe,
	sysroot,
}: {
	readonly exe?: string;
	readonly sysroot: string;
}): Promise<SymbolPlaces & { readonly sysroot: string }> {
	if (exe !== undefined) await expectThat('--exe', exe, notExecutable);
	await expectThat('--sysroot', sysroot, async (path) => ((await stat(path)).isDirectory() ? undefined : 'is not a directory'));
	return { executable: exe && resolve(exe), sysroot: resolve(sysroot), paths: [] };
}

async function expectThat(option: string, path: string, problemOf: (path: string) => Promise<string | undefined>): Promise<void> {
	const shown = `${option} ${printable(path)}`;
	const problem = await problemOf(path).catch((error) => {
		throw fileProblem(path, error, shown) ?? error;
	});
	if (problem !== undefined) throw new UserError(`${shown}: ${problem}`);
}

async function notExecutable(path: string): Promise<string | undefined> {
	const file = await stat(path);
	if (file.isDirectory()) return 'is a directory; expected the executable';
	if (file.isFile()) await (await open(path)).close(); // says why it may not be read
	return (await elfFile(path)) ? undefined : 'is not a 64-bit ELF executable';
}
