import type { KeptCore } from '../../domain/history.ts';
import type { Excess } from '../../domain/report.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** What a store is held to. */
export type Limits = {
	/** Older cores go, whatever they are worth. */
	readonly keepMs: number;
	/** So much they may take together. */
	readonly maxBytes: number;
	/** So much is to become free besides. */
	readonly missingBytes: number;
};

/**
 * What goes, in the order in which it does. First what is too old. Then, until the limits hold, what is worth least, of the same worth the oldest; the
 * best core of each bug only when of every bug just this is left. What is pinned never goes, and is the one of its bug that stays.
 *
 * Pure, and of any store: cores of which nothing tells the bug are as those of one.
 */
export function dispensable<C extends KeptCore>(
	cores: readonly C[],
	{ keepMs, maxBytes, missingBytes }: Limits,
	now: EpochMs,
	isPinned: (id: string) => boolean = () => false,
): { readonly core: C; readonly why: Excess }[] {
	const isOld = ({ foundAt }: C) => now - foundAt > keepMs;
	const gone = cores.filter((core) => isOld(core) && !isPinned(core.id)).map((core) => ({ core, why: 'age' as Excess }));
	const left = cores.filter((core) => !isOld(core) || isPinned(core.id));
	let tooMuch = sizeOf(left) - maxBytes;
	let missing = missingBytes - sizeOf(gone.map(({ core }) => core));
	for (const core of inOrder(left, isPinned)) {
		if (tooMuch <= 0 && missing <= 0) break;
		gone.push({ core, why: tooMuch > 0 ? 'size' : 'space' });
		tooMuch -= core.sizeBytes;
		missing -= core.sizeBytes;
	}
	return gone;
}

/** Those that may go, the first first. */
function inOrder<C extends KeptCore>(cores: readonly C[], isPinned: (id: string) => boolean): readonly C[] {
	const rising = cores.toSorted((one, other) => one.worth - other.worth || one.foundAt - other.foundAt || (one.id < other.id ? -1 : 1));
	const bugOf = ({ fingerprint }: C) => fingerprint ?? '';
	const best = new Map(rising.map((core) => [bugOf(core), core]));
	const pinned = new Set(cores.filter(({ id }) => isPinned(id)).map(bugOf));
	const free = rising.filter(({ id }) => !isPinned(id));
	const isLast = (core: C) => best.get(bugOf(core)) === core && !pinned.has(bugOf(core));
	return [...free.filter((core) => !isLast(core)), ...free.filter(isLast)];
}

const sizeOf = (cores: readonly KeptCore[]) => cores.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
