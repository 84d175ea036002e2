import { run } from '../process/process.ts';

const program = 'c++filt';
/** Names of real functions are shorter; the program cuts longer ones into pieces. */
const longestName = 16_384;
/** What nobody reads; the stack's other names would be lost among it. */
const longestAnswer = 65_536;
/** A short name can stand for one that is larger than any memory: each of its parameters may repeat all those before it. */
const limits = { timeoutMs: 5000, maxOutputBytes: 32 << 20, limits: { dataBytes: 64 << 20, cpuSeconds: 2 } } as const;
/** How many names may each end a run of the program before the rest stays as it is. */
const mostRuns = 4;

/**
 * The names of functions in C++ and Rust as their sources have them, by the name that the compiler made of each. One process answers for all of them,
 * and one more for those behind each name on which it dies.
 *
 * @param names of any kind; those that are not mangled cost nothing
 * @returns without those that are not mangled, that are damaged or cut, or on which the program fails: they stay as they are.
 * So it is empty where the program is missing
 */
export async function demangle(names: readonly string[], signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
	const symbols = new Map(names.map((name) => [name, symbolOf(name)]));
	const answers = await answersTo([...new Set([...symbols.values()].filter((symbol) => symbol !== undefined))], signal);
	const demangled = new Map<string, string>();
	for (const [name, symbol] of symbols) {
		const answer = symbol === undefined ? undefined : answers.get(symbol);
		if (answer !== undefined) demangled.set(name, answer);
	}
	return demangled;
}

/** What the program knows of a name: not the version behind it, nor the underscores that macOS adds and those of a block. */
function symbolOf(name: string): string | undefined {
	if (name.length > longestName) return undefined;
	return /^_{0,3}(_(?:Z|R[A-Z])[\w.$]*?)(?:_block_invoke(?:[_.]\d+)?)?(?:@{1,2}[\w.]+)?$/.exec(name)?.[1];
}

/** Stands behind each name, and so behind each answer that is whole. */
const mark = ';';

/** A name on which the program dies is left out, and those behind it are asked for again. */
async function answersTo(symbols: readonly string[], signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
	const answers = new Map<string, string>();
	let rest = symbols;
	for (let runs = 0; rest.length > 0 && runs < mostRuns; runs++) {
		const input = rest.map((symbol) => `${symbol}${mark}\n`).join('');
		const { how, stdout } = await run(program, [], { ...limits, input, signal });
		if (how.is === 'not found') break;
		const lines = stdout.split('\n').filter((line) => line.endsWith(mark));
		for (const [index, line] of lines.slice(0, rest.length).entries()) {
			const symbol = rest[index] as string;
			const answer = line.slice(0, -mark.length);
			if (answer !== symbol && answer.length <= longestAnswer) answers.set(symbol, answer);
		}
		rest = rest.slice(lines.length + 1);
	}
	return answers;
}
