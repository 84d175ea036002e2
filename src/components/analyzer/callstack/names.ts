import { defined } from '../../../base/defined.ts';
import { hex } from '../../../base/hex.ts';
import { openRegular } from '../../../base/regular-file.ts';
import { unpackXz } from '../../../drivers/compression/compression.ts';
import { fileBytes, recentBytes } from '../../../readers/bytes/bytes.ts';
import { type GoCall, PclntabError } from '../../../readers/gopclntab/gopclntab.ts';
import { openSymbols, SymbolsError } from '../../../readers/symbols/symbols.ts';
import type { StackFrame } from '../stacks.ts';
import type { CodeModule } from './module.ts';
import type { WalkedFrame } from './walk.ts';

/** Which function each place is in. */
export type Names = {
	/** The frame, and before it those of calls that were inlined into it. */
	framesOf(frame: WalkedFrame): readonly StackFrame[];
	readonly problems: readonly string[];
};

/** @param demangle what the compiler made of a name, by that */
export async function namesOf(
	frames: Iterable<WalkedFrame>,
	demangle: (names: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<Names> {
	const problems: string[] = [];
	const places = new Map<CodeModule, Set<bigint>>();
	for (const { module, codeAddress, isSignalFrame } of frames) {
		if (!module || isSignalFrame) continue;
		const known = places.get(module);
		const linked = BigInt.asUintN(64, codeAddress - module.bias);
		if (known) known.add(linked);
		else places.set(module, new Set([linked]));
	}
	const calls = new Map<CodeModule, ReadonlyMap<bigint, readonly GoCall[]>>();
	for (const [module, addresses] of places) {
		problems.push(...module.problems);
		calls.set(module, await callsIn(module, [...addresses], problems));
	}
	const mangled = [...calls.values()].flatMap((byAddress) => [...byAddress.values()].flatMap((found) => found.map(({ name }) => name)));
	const demangled = await demangle([...new Set(mangled)]);

	return {
		problems,
		framesOf({ pc, codeAddress, module, isSignalFrame }) {
			if (isSignalFrame) return [{ pc: hex(pc), function: signalFrameName }];
			const found = module && calls.get(module)?.get(BigInt.asUintN(64, codeAddress - module.bias));
			if (!found?.length) return [{ pc: hex(pc) }];
			return found.map(({ name, source }, index) => ({
				pc: hex(pc),
				function: withoutHashes(demangled.get(name) ?? name),
				...defined({ file: source?.file, line: source?.line, inlined: index < found.length - 1 ? (true as const) : undefined }),
			}));
		},
	};
}

/** Rust tells crates of one name, and functions of one path, apart by a hash. */
const withoutHashes = (name: string) => name.replace(/(?<=\w)\[[0-9a-f]{14,16}\]/g, '').replace(/::h[0-9a-f]{16}$/, '');

/** As gdb calls it, and so whoever reads stacks. */
const signalFrameName = '<signal handler called>';

/** By Go's own table, else by the symbols of the file, and of that of its debug information. */
async function callsIn(
	module: CodeModule,
	addresses: readonly bigint[],
	problems: string[],
): Promise<ReadonlyMap<bigint, readonly GoCall[]>> {
	const found = new Map<bigint, readonly GoCall[]>();
	try {
		for (const address of addresses) {
			const calls = (await module.go?.callsAt(address)) ?? [];
			if (calls.length > 0) found.set(address, calls);
		}
		await bySymbols(module, addresses, found, problems);
	} catch (error) {
		if (!(error instanceof SymbolsError || error instanceof PclntabError)) throw error;
		problems.push(`names of ${module.path} can't be read: ${error.message}`);
	}
	return found;
}

async function bySymbols(
	{ path, source, debugFile }: CodeModule,
	addresses: readonly bigint[],
	found: Map<bigint, readonly GoCall[]>,
	problems: string[],
): Promise<void> {
	await using file = debugFile === undefined ? undefined : await openRegular(debugFile);
	for (const tables of [file && recentBytes(fileBytes(file)), source]) {
		const wanted = addresses.filter((address) => !found.has(address));
		if (!tables || wanted.length === 0) continue;
		const symbols = await openSymbols(tables, { unpackXz });
		if (symbols?.leftOut !== undefined) problems.push(`names of ${path} may be missing: ${symbols.leftOut}`);
		const functions = (await symbols?.functionsAt(wanted)) ?? [];
		for (const [index, symbol] of functions.entries()) if (symbol) found.set(wanted[index] as bigint, [{ name: symbol.name }]);
	}
}
