import { basename } from 'node:path';
import { openSymbols, SymbolsError } from '../../../readers/symbols/symbols.ts';
import { cString } from './exception.ts';
import { word } from './goroutine.ts';
import type { CrashedProcess } from './process.ts';

/** What glibc noted when it ended the process itself: a failed assertion, a damaged heap (`struct abort_msg_s`, stdlib/abort.c). */
export async function abortMessageOf(process: CrashedProcess): Promise<string | null> {
	const libraries = process.paths.filter((path) => /^libc[-.]/.test(basename(path)));
	// A program that is one file has it in itself.
	for (const path of libraries.length === 0 && process.paths.length === 1 ? process.paths : libraries) {
		const module = await process.moduleOf(path);
		const variable = module && (await addressIn(module.source));
		const message = variable === undefined ? undefined : await word(variable + (module?.bias ?? 0n), process.memory);
		if (message) return (await cString(message + 4n, 1000, process.memory))?.trim() || null;
	}
	return null;
}

/** Another C library, or one without names, has none. */
async function addressIn(source: Parameters<typeof openSymbols>[0]): Promise<bigint | undefined> {
	try {
		return (await (await openSymbols(source))?.addressesOf(['__abort_msg']))?.get('__abort_msg');
	} catch (error) {
		if (error instanceof SymbolsError) return undefined;
		throw error;
	}
}
