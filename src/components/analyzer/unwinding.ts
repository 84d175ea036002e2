import { demangle } from '../../drivers/demangle/demangle.ts';
import { GdbError, gdbStacks } from '../../drivers/gdb/gdb.ts';
import type { Corefile } from '../../readers/corefile/corefile.ts';
import { callstacks } from './callstack/callstack.ts';
import type { FoundModule } from './modules.ts';
import { overlaid, type Second } from './overlay.ts';
import type { Stacks } from './stacks.ts';

export type Unwinding = {
	/** Unpacked. */
	readonly core: string;
	readonly corefile: Corefile;
	readonly modules: readonly FoundModule[];
	/** An empty folder for gdb, or why it is not asked; absent where nobody wants it. */
	readonly gdb?:
		| { readonly folder: string; readonly program?: string | undefined; readonly timeoutMs: number }
		| { readonly refusal: string }
		| undefined;
	readonly signal?: AbortSignal | undefined;
};

export type Unwound = { readonly stacks: Stacks | undefined; readonly notes: readonly string[] };

/** gdb opens the files that a core names, and goes along with `..` in their paths out of its folder. */
export const forgedPaths = 'the core names mapped files by forged paths';

/** The stacks of a core: our own, and what gdb adds to them. */
export async function unwind({ core, corefile, modules, gdb, signal }: Unwinding): Promise<Unwound> {
	if (!modules.some(({ loaded }) => loaded))
		return {
			stacks: undefined,
			notes: ['no stack: none of the files that the process had mapped is here; give them by --exe, --sysroot or --symbols'],
		};
	const own = await callstacks(core, corefile, modules, { demangle: (names) => demangle(names, signal), signal });
	if (!gdb) return { stacks: await readable(own, signal), notes: [] };
	try {
		const both = overlaid(own, await byGdb({ core, corefile, modules, gdb, signal }));
		return { stacks: await readable(both, signal), notes: [] };
	} catch (error) {
		if (!(error instanceof GdbError)) throw error;
		return { stacks: await readable(own, signal), notes: [`gdb added nothing to the stacks: ${error.message}`] };
	}
}

async function byGdb({
	core,
	corefile,
	modules,
	gdb,
	signal,
}: Unwinding & { readonly gdb: NonNullable<Unwinding['gdb']> }): Promise<Second> {
	if ('refusal' in gdb) throw new GdbError(gdb.refusal);
	if (corefile.forgedPath !== undefined) throw new GdbError(forgedPaths);
	const { folder, program, timeoutMs } = gdb;
	const loaded = modules.map(({ loaded }) => loaded).filter((one) => one !== undefined);
	const request = { core, architecture: corefile.architecture.name, modules: loaded, directory: folder };
	return gdbStacks(request, { program, timeoutMs, signal });
}

/** With the type of its exception as the source has it. */
async function readable(stacks: Stacks, signal: AbortSignal | undefined): Promise<Stacks> {
	if (!stacks.exception) return stacks;
	const { type } = stacks.exception;
	const symbol = `_ZTI${type}`;
	const name = (await demangle([symbol], signal)).get(symbol)?.replace(/^typeinfo for /, '');
	return { ...stacks, exception: { ...stacks.exception, type: name ?? type } };
}
