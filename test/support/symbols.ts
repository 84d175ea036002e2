import { open } from 'node:fs/promises';
import { fileBytes } from '../../src/readers/bytes/bytes.ts';
import { type FunctionSymbol, openSymbols, type Symbols, type SymbolsOptions } from '../../src/readers/symbols/symbols.ts';
import { exec } from './crash.ts';
import { seeded } from './gopclntab.ts';

/** Hands the symbols of a file to the work, and closes it. */
export async function withSymbols<T>(path: string, work: (symbols: Symbols) => Promise<T>, options?: SymbolsOptions): Promise<T> {
	await using file = await open(path);
	const symbols = await openSymbols(fileBytes(file), options);
	if (!symbols) throw new Error(`${path} has no symbols`);
	return await work(symbols);
}

export type Section = { readonly name: string; readonly start: bigint; readonly size: number; readonly isCode: boolean };

export async function sectionsOf(path: string): Promise<readonly Section[]> {
	const stdout = await readelf('-SW', path);
	return [...stdout.matchAll(/^ +\[ *\d+\] (\S+) +[A-Z_]+ +(\w{16}) \w+ (\w+) \w+ +(\w*) /gm)].map(
		([, name = '', start, size, flags = '']) => ({
			name,
			start: BigInt(`0x${start}`),
			size: Number.parseInt(size ?? '', 16),
			isCode: flags.includes('X'),
		}),
	);
}

/** Addresses all over the code of a file, the same ones each time; all of them, where it has no more. */
export async function codeOf(path: string, count: number): Promise<bigint[]> {
	const code = (await sectionsOf(path)).filter(({ isCode }) => isCode);
	const total = code.reduce((sum, { size }) => sum + size, 0);
	const random = seeded(count);
	const at = (offset: number) => {
		let rest = offset;
		for (const { start, size } of code) {
			if (rest < size) return start + BigInt(rest);
			rest -= size;
		}
		throw new Error(`${path} has ${total} bytes of code`);
	};
	return total <= count ? Array.from({ length: total }, (_, offset) => at(offset)) : Array.from({ length: count }, () => at(random(total)));
}

/** What stands where no function is. */
export const nothing = '??';

/**
 * The functions that elfutils finds at addresses, by the file alone, as `name+0x1f`. It may have another of several names of one function:
 * then it is the one that is given. And it takes mapping symbols (`$x`) for labels, behind functions without a size: ours is given there.
 */
export async function agreeing(path: string, addresses: readonly bigint[], ours: readonly (FunctionSymbol | undefined)[]) {
	const starts = await startsOf(path);
	const said = await byElfutils(path, addresses);
	const mine = asText(addresses, ours);
	return said.map((text, index) => {
		if (text.startsWith('$')) return mine[index];
		const [name = '', distance] = text.replace(/@[^+]*/, '').split('+');
		const function_ = ours[index];
		if (name === '()' || name === '??') return nothing;
		const isSame = function_ && starts.get(name)?.has(function_.start);
		return `${isSame ? function_.name : name}${distance === undefined ? '' : `+${distance}`}`;
	});
}

async function byElfutils(path: string, addresses: readonly bigint[]): Promise<readonly string[]> {
	const asked = addresses.map((address) => `0x${address.toString(16)}`);
	const { stdout } = await exec('eu-addr2line', ['--debuginfo-path=/nowhere', '-S', '-e', path, ...asked], { maxBuffer: 1 << 28 });
	return stdout.split('\n').filter((_, line) => line % 2 === 0 && line < 2 * addresses.length);
}

/** Where the function at each address starts, as gdb says. It also has names for the entries of `.plt`, which no table does: these are left out. */
export async function startsByGdb(path: string, addresses: readonly bigint[]): Promise<readonly (bigint | undefined)[]> {
	const commands = [
		'set language c',
		'set debug-file-directory /nowhere',
		`file ${path}`,
		...addresses.map((address) => `info symbol ${address}`),
	];
	const { stdout } = await exec('gdb', ['-nx', '-batch', ...commands.flatMap((command) => ['-ex', command])], { maxBuffer: 1 << 28 });
	const said = stdout.split('\n').filter((line) => / in section |^No symbol matches/.test(line));
	return addresses.map((address, index) => {
		const [, distance = '0'] = / \+ (\d+) in section/.exec(said[index] ?? '') ?? [];
		return /^No symbol matches|@plt\b.* in section \.plt/.test(said[index] ?? '') ? undefined : address - BigInt(distance);
	});
}

export function asText(addresses: readonly bigint[], functions: readonly (FunctionSymbol | undefined)[]): string[] {
	return functions.map((found, index) => {
		const distance = (addresses[index] ?? 0n) - (found?.start ?? 0n);
		return found ? `${found.name}${distance === 0n ? '' : `+0x${distance.toString(16)}`}` : nothing;
	});
}

/** Where the functions and objects of a file start, by the names without versions; `all` of its tables. */
export async function startsOf(path: string): Promise<ReadonlyMap<string, ReadonlySet<bigint>>> {
	const starts = new Map<string, Set<bigint>>();
	const table = await readelf('-sW', path);
	for (const [, start, type = '', section = '', name = ''] of table.matchAll(symbolLine)) {
		if (['TLS', 'SECTION', 'FILE'].includes(type) || ['UND', 'ABS'].includes(section)) continue;
		starts.set(name, (starts.get(name) ?? new Set()).add(BigInt(`0x${start}`)));
	}
	return starts;
}

const symbolLine = /^ *\d+: (\w+) +\w+ (\w+) +\w+ +\w+ +(?:\[.*?\] +)?(\w+) ([^\s@]+)/gm;

/** It fails of files of debug information, whose program's interpreter is elsewhere. */
async function readelf(what: string, path: string): Promise<string> {
	return (await exec('readelf', [what, path], { maxBuffer: 1 << 30 }).catch((error: { stdout: string }) => error)).stdout;
}
