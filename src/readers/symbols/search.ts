import type { NamePlace } from './names.ts';
import { type ElfSymbol, type SymbolTable, strength } from './table.ts';

/** A function, with the names that are equally good. */
export type Candidate = {
	readonly start: number;
	readonly size: number;
	readonly isFunction: boolean;
	readonly strength: number;
	readonly names: NamePlace[];
};

/** What is known so far of the functions at some addresses. */
export type Search = {
	offer(table: SymbolTable, symbol: ElfSymbol): void;
	/** Nothing that is offered from now on would be better. */
	isDone(): boolean;
	/** By address. */
	found(): ReadonlyMap<number, Candidate>;
};

const [STT_NOTYPE, STT_FUNC, STT_GNU_IFUNC] = [0, 2, 10];
const STB_LOCAL = 0;
const EM_AARCH64 = 183;
/** Names of one function that are compared with each other. */
const mostNames = 8;

/**
 * Looks for the best symbol at each of some addresses while symbols pass by in any order. What it holds is proportional to the number of
 * addresses, and a symbol costs the logarithm of it, however many addresses and symbols are in each other's range.
 *
 * The best is a function whose range holds the address; of those the one that starts nearest, then the strongest binding, then the
 * shortest. Then what has no type but a range. Then, since assembly seldom says how long it is, the nearest function of size 0, as far
 * as no other symbol's range ends in between, and not beyond its section; and at last the nearest label among code, of size 0 and without type.
 */
export function searchFor(addresses: readonly number[], machine: number): Search {
	const sorted = Float64Array.from(new Set(addresses)).sort();
	const count = sorted.length;
	/** A tree over the addresses: at a node is the best of the symbols whose range holds all addresses below it, and of its parent not all. */
	const holding: (Candidate | undefined)[] = new Array(2 * count);
	/** By the first address that they are at or before: the nearest functions and labels without size, and how far ranges reach. */
	const functions: (Sizeless | undefined)[] = new Array(count);
	const labels: (Sizeless | undefined)[] = new Array(count);
	const rangeEnds = new Float64Array(count);

	function hold(from: number, to: number, symbol: Candidate) {
		for (let [low, high] = [from + count, to + count]; low < high; low >>= 1, high >>= 1) {
			if (low & 1) {
				holding[low] = better(holding[low], symbol);
				low++;
			}
			if (high & 1) {
				high--;
				holding[high] = better(holding[high], symbol);
			}
		}
	}

	function holderOf(index: number): Candidate | undefined {
		let best: Candidate | undefined;
		for (let node = index + count; node > 0; node >>= 1) {
			const here = holding[node];
			if (here) best = better(best, here);
		}
		return best;
	}

	return {
		offer(table, symbol) {
			const { st_name, type, start, size } = symbol;
			const isFunction = type === STT_FUNC || type === STT_GNU_IFUNC;
			if (!isFunction && type !== STT_NOTYPE) return;
			const first = firstFrom(sorted, start);
			if (first === count) return;
			const endOfCode = isFunction && size > 0 ? undefined : table.areas.endOfCode(symbol.st_shndx, start);
			if (!isFunction && endOfCode === undefined) return;
			const end = firstFrom(sorted, start + size);
			const candidate = () => ({ start, size, isFunction, strength: strength(symbol.binding), names: [{ table, st_name }] });
			if (size > 0) {
				if (end < count) rangeEnds[end] = Math.max(rangeEnds[end] ?? 0, start + size);
				if (first < end) hold(first, end, candidate());
			} else if (endOfCode !== undefined && !isMapping(symbol, machine)) {
				const nearest = isFunction ? functions : labels;
				nearest[first] = nearer(nearest[first], { endOfCode, candidate: candidate() });
			}
		},
		isDone: () => sorted.every((_, index) => holderOf(index)?.isFunction),
		found() {
			const all = new Map<number, Candidate>();
			let [reached, fn, label]: [number, Sizeless | undefined, Sizeless | undefined] = [0, undefined, undefined];
			for (const [index, address] of sorted.entries()) {
				reached = Math.max(reached, rangeEnds[index] ?? 0);
				fn = nearer(fn, functions[index]);
				label = nearer(label, labels[index]);
				const reaches = ({ candidate, endOfCode }: Sizeless) => reached <= candidate.start && address < endOfCode;
				const best = holderOf(index) ?? [fn, label].find((one) => one && reaches(one))?.candidate;
				if (best) all.set(address, best);
			}
			return all;
		},
	};
}

type Sizeless = { readonly candidate: Candidate; readonly endOfCode: number };

/** AArch64 has a mapping symbol (`$x`, `$d`) wherever code or data begins; other local labels are rare there. */
const isMapping = ({ type, binding }: ElfSymbol, machine: number) => machine === EM_AARCH64 && type === STT_NOTYPE && binding === STB_LOCAL;

/** The first index whose address is at `start` or behind it. */
function firstFrom(sorted: Float64Array, start: number): number {
	let [low, high] = [0, sorted.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((sorted[middle] as number) < start) low = middle + 1;
		else high = middle;
	}
	return low;
}

/** Of equally good ones the first, with the names of both. */
function better(known: Candidate | undefined, other: Candidate): Candidate {
	if (!known) return other;
	const difference =
		Number(other.isFunction) - Number(known.isFunction) ||
		other.start - known.start ||
		other.strength - known.strength ||
		known.size - other.size;
	if (difference !== 0) return difference > 0 ? other : known;
	// It may stand at several nodes, and meet the other at each.
	for (const name of other.names) if (known.names.length < mostNames && !known.names.includes(name)) known.names.push(name);
	return known;
}

function nearer(known: Sizeless | undefined, other: Sizeless | undefined): Sizeless | undefined {
	if (!known || !other) return known ?? other;
	const best = better(known.candidate, other.candidate);
	return best === known.candidate ? known : other;
}
