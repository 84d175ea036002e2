import { hex } from '../../base/hex.ts';
import type { Module } from '../../domain/report.ts';
import { type BuiltFile, buildFileName } from '../../drivers/debuginfod/debuginfod.ts';
import type { LoadedModule } from '../../drivers/gdb/gdb.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';

/** A module of the report, and its file if it may be used. */
export type FoundModule = { readonly module: Module; readonly loaded?: LoadedModule; readonly hasDebugInfo: boolean };

/** A module as the core has it. */
export type Mapped = Corefile['modules'][number];

/** A file that may be used for a module. */
export type Match = 'same' | 'unverified';

export function foundAs(
	{ path, base, buildId }: Mapped,
	file: string,
	elf: BuiltFile,
	match: Match,
): FoundModule & { readonly loaded: LoadedModule } {
	const bias = hex(BigInt.asUintN(64, BigInt(base) - elf.linkedAt));
	const symbols = elf.hasDebugInfo ? 'full' : elf.hasSymbols ? 'names' : 'none';
	return {
		module: { path, ...(buildId === undefined ? {} : { buildId }), symbols, file: match },
		loaded: { path, file, bias },
		hasDebugInfo: elf.hasDebugInfo,
	};
}

/** Whether it has its source lines is seen when they are read. @param file of that build */
export function withDebugFile(
	{ module, loaded, ...rest }: FoundModule & { readonly loaded: LoadedModule },
	buildId: string,
	file: string,
): FoundModule {
	const symbols = module.symbols === 'none' ? 'names' : module.symbols;
	return { ...rest, module: { ...module, symbols }, loaded: { ...loaded, debugFile: { name: buildFileName(buildId, 'debuginfo'), file } } };
}
