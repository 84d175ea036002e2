import type { EpochMs } from '../../domain/stage.ts';
import type { Decision, Next, Sight } from './decide.ts';

/** How far a removal has come, as its object says. */
export type RemovalSoFar = {
	readonly beganAt: EpochMs;
	readonly attempts: number;
	/** When the instance was touched. */
	readonly actedAt?: EpochMs;
	readonly words?: string;
	readonly nextTryAt?: EpochMs;
	readonly goneAt?: EpochMs;
};

/** What is there of what was to be removed. */
export type Left =
	/** Nobody has touched it. */
	| { readonly is: 'all' }
	/** Helm has begun, and does not go on by itself. */
	| { readonly is: 'half'; readonly what: string }
	/** It goes by itself. */
	| { readonly is: 'ending'; readonly what: string }
	| { readonly is: 'nothing' }
	/** Not it, but something else of its name. */
	| { readonly is: 'another'; readonly what: string };

export type RemovalOptions = {
	/** `cleaner.uninstallTimeout` */
	readonly timeoutMs: number;
	/** So long whoever has won a removal, or works on it, is left alone. */
	readonly graceMs: number;
	/** So long it is watched whether it stays away. */
	readonly watchMs: number;
	/** So long what was removed, or could not be, is told of. */
	readonly keepRemovedMs: number;
};

/** After so many attempts a person has to look. */
const mostAttempts = 5;
const [firstDelayMs, longestDelayMs] = [60_000, 30 * 60_000];

/** When a removal that failed is tried again; undefined: not by itself. */
export const nextTryAfter = (attempts: number, now: EpochMs): EpochMs | undefined =>
	attempts < mostAttempts ? now + Math.min(longestDelayMs, firstDelayMs * 2 ** (attempts - 1)) : undefined;

type Begun = Decision & { readonly phase: 'Running' | 'Failed' | 'Done' };

/**
 * What is to become of a removal that was begun, by whomever: what has been done of it is not remembered but seen, so that any controller can go on where
 * another died.
 */
export function decideRemoval(decision: Begun, sight: Sight, options: RemovalOptions, now: EpochMs): Next {
	const { phase, since } = decision;
	if (phase === 'Done') return now - since >= options.keepRemovedMs ? { is: 'forgotten' } : { is: 'nothing' };
	return phase === 'Running' ? running(decision, sight, options, now) : failed(decision, sight, options, now);
}

function running(
	{ removal, since }: Begun,
	{ left = { is: 'all' }, vetoes, isEnforced }: Sight,
	options: RemovalOptions,
	now: EpochMs,
): Next {
	const lastSign = removal ? Math.max(removal.beganAt, removal.actedAt ?? 0) : since;
	switch (left.is) {
		case 'nothing': {
			const { goneAt } = removal ?? {};
			if (goneAt === undefined) return { is: 'gone', why: isAway };
			if (now - goneAt >= options.watchMs) return { is: 'phase', phase: 'Done', why: isAway };
			return { is: 'kept', why: `${isAway}, and is watched until ${timeOf(goneAt + options.watchMs)}: the operator may bring it back` };
		}
		case 'another':
			if (removal?.actedAt === undefined) return { is: 'phase', phase: 'Recovered', why: 'it is not there any more' };
			return { is: 'phase', phase: 'Failed', why: `it was removed, and came back: ${left.what}` };
		case 'ending':
			if (now - lastSign >= options.timeoutMs) return { is: 'phase', phase: 'Failed', why: hangs(left.what) };
			return { is: 'kept', why: `it is on its way out: ${left.what}` };
		case 'half': {
			if (now - lastSign < options.graceMs) return { is: 'nothing' };
			const against = objection(vetoes, isEnforced);
			if (against !== undefined) return { is: 'phase', phase: 'Failed', why: halfway(against), nextTryAt: now };
			if ((removal?.attempts ?? 0) < mostAttempts) return { is: 'remove', why: goesOn };
			return { is: 'phase', phase: 'Failed', why: `${left.what}, which it stays` };
		}
		case 'all':
			// Whoever is about to act must not find that somebody has written meanwhile.
			if (now - lastSign < options.graceMs) return { is: 'nothing' };
			return { is: 'phase', phase: 'Pending', why: 'its removal was begun, and nothing came of it' };
		default:
			return left satisfies never;
	}
}

function failed(
	{ removal, since }: Begun,
	{ left = { is: 'all' }, vetoes, isEnforced, waits }: Sight,
	options: RemovalOptions,
	now: EpochMs,
): Next {
	switch (left.is) {
		case 'nothing':
			return { is: 'gone', why: isAway };
		case 'another':
			return now - since >= options.keepRemovedMs ? { is: 'forgotten' } : { is: 'nothing' };
		case 'ending':
			return { is: 'kept', why: hangs(left.what) };
		case 'half':
		case 'all': {
			const why = removal?.words ?? 'it could not be removed';
			const against = objection(vetoes, isEnforced);
			if (against !== undefined) return { is: 'kept', why: halfway(against) };
			const { nextTryAt } = removal ?? {};
			if (nextTryAt === undefined) return { is: 'kept', why: `${why}; it is not tried again after ${removal?.attempts ?? 0} attempts` };
			if (now < nextTryAt) return { is: 'kept', why: `${why}; it is tried again at ${timeOf(nextTryAt)}` };
			if (waits.length > 0) return { is: 'kept', why: `${why}; it is tried again, and waits: ${waits.join('; ')}` };
			return { is: 'remove', why: goesOn };
		}
		default:
			return left satisfies never;
	}
}

const isAway = 'it is gone';
const goesOn = 'what was begun is gone on with';
const hangs = (what: string) => `it hangs: ${what}`;
const halfway = (against: string) => `it is removed half-way, and now something speaks against it: ${against}`;
const timeOf = (at: EpochMs) => new Date(at).toISOString();

const objection = (vetoes: readonly string[], isEnforced: boolean): string | undefined =>
	vetoes.length > 0 ? vetoes.join('; ') : isEnforced ? undefined : 'it is not enforced here any more';
