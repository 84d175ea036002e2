import type { Merit } from '../../domain/history.ts';
import type { Excess } from '../../domain/report.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** A core in a store. */
export type HeldCore = {
	/** No other core in the store has the same. */
	readonly id: string;
	readonly foundAt: EpochMs;
	readonly sizeBytes: number;
	/** Absent: of none that is known. */
	readonly instance?: string | undefined;
};

/** What a store is held to. */
export type Limits = {
	/** Older cores go, whatever they are worth. */
	readonly keepMs: number;
	/** So much they may take together. */
	readonly maxBytes: number;
	/** So much those of one instance may take. */
	readonly maxInstanceBytes: number;
	/** So much is to become free besides. */
	readonly missingBytes: number;
};

export type Going<C> = { readonly core: C; readonly why: Excess };

type IsPinned = (id: string) => boolean;
const nothing: IsPinned = () => false;

/** What is too old. */
export const tooOld = <C extends HeldCore>(cores: readonly C[], { keepMs }: Limits, now: EpochMs, isPinned = nothing): Going<C>[] =>
	cores.filter(({ id, foundAt }) => now - foundAt > keepMs && !isPinned(id)).map((core) => ({ core, why: 'age' }));

/** Whether there is too much besides what goes anyway, so that it has to be chosen. */
export function isTooMuch(cores: readonly HeldCore[], gone: readonly Going<HeldCore>[], limits: Limits): boolean {
	const left = without(cores, gone);
	if (sizeOf(left) > limits.maxBytes || sizeOf(gone.map(({ core }) => core)) < limits.missingBytes) return true;
	return [...sizesOfInstances(left).values()].some((size) => size > limits.maxInstanceBytes);
}

/**
 * What goes, in the order in which it does. First what is too old. Then, until the limits hold, what is worth least, of the same worth the oldest; the
 * best core of each bug only when of every bug just this is left. What is pinned never goes, and is the one of its bug that stays.
 *
 * Pure, and of any store: cores of which nothing tells the bug are as those of one.
 */
export function dispensable<C extends HeldCore & Merit>(
	cores: readonly C[],
	limits: Limits,
	now: EpochMs,
	isPinned: IsPinned = nothing,
): readonly Going<C>[] {
	const gone = tooOld(cores, limits, now, isPinned);
	const sizes = sizesOfInstances(without(cores, gone));
	for (const core of inOrder(without(cores, gone), isPinned)) {
		const size = core.instance === undefined ? 0 : (sizes.get(core.instance) ?? 0);
		if (core.instance === undefined || size <= limits.maxInstanceBytes) continue;
		gone.push({ core, why: 'quota' });
		sizes.set(core.instance, size - core.sizeBytes);
	}
	let tooMuch = sizeOf(without(cores, gone)) - limits.maxBytes;
	let missing = limits.missingBytes - sizeOf(gone.map(({ core }) => core));
	for (const core of inOrder(without(cores, gone), isPinned)) {
		if (tooMuch <= 0 && missing <= 0) break;
		gone.push({ core, why: tooMuch > 0 ? 'size' : 'space' });
		tooMuch -= core.sizeBytes;
		missing -= core.sizeBytes;
	}
	return gone;
}

/** Those that may go, the first first. */
function inOrder<C extends HeldCore & Merit>(cores: readonly C[], isPinned: IsPinned): readonly C[] {
	const rising = cores.toSorted((one, other) => one.worth - other.worth || one.foundAt - other.foundAt || (one.id < other.id ? -1 : 1));
	const bugOf = ({ fingerprint }: C) => fingerprint ?? '';
	const best = new Map(rising.map((core) => [bugOf(core), core]));
	const pinned = new Set(cores.filter(({ id }) => isPinned(id)).map(bugOf));
	const free = rising.filter(({ id }) => !isPinned(id));
	const isLast = (core: C) => best.get(bugOf(core)) === core && !pinned.has(bugOf(core));
	return [...free.filter((core) => !isLast(core)), ...free.filter(isLast)];
}

function without<C extends HeldCore>(cores: readonly C[], gone: readonly Going<HeldCore>[]): readonly C[] {
	const ids = new Set(gone.map(({ core }) => core.id));
	return cores.filter(({ id }) => !ids.has(id));
}

const sizeOf = (cores: readonly HeldCore[]) => cores.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

function sizesOfInstances(cores: readonly HeldCore[]): Map<string, number> {
	const sizes = new Map<string, number>();
	for (const { instance, sizeBytes } of cores) if (instance !== undefined) sizes.set(instance, (sizes.get(instance) ?? 0) + sizeBytes);
	return sizes;
}
