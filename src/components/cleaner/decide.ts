import type { Phase } from '../../domain/cleanup-object/cleanup-object.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { decideRemoval, type Left, type RemovalOptions, type RemovalSoFar } from './decide-removal.ts';

/** How far a decision has come, as its object says. */
export type Decision = {
	readonly phase: Phase;
	readonly dueAt: EpochMs;
	/** In this phase. */
	readonly since: EpochMs;
	readonly removal?: RemovalSoFar;
};

/** How an instance is at this moment. */
export type Sight = {
	/** More crashes that count than are allowed, within the window, and the pods support it. */
	readonly isOver: boolean;
	/** A crash that counts within the last `cleanupDelay`, or CrashLoopBackOff. */
	readonly isCrashing: boolean;
	/** What is to be decided about, or was, is not there any more. */
	readonly isGone: boolean;
	/** What speaks against removing it. */
	readonly vetoes: readonly string[];
	/** It is removed, not only named. */
	readonly isEnforced: boolean;
	/** What a removal that is due has to wait for all the same. */
	readonly waits: readonly string[];
	/** Of one whose removal was begun. */
	readonly left?: Left;
};

export type DecideOptions = RemovalOptions & {
	/** `cleaner.cleanupDelay` */
	readonly delayMs: number;
	/** So long a decision that came to nothing is kept. */
	readonly keepMs: number;
};

export type Next =
	| { readonly is: 'nothing' }
	/** A decision is taken: the instance has from now until the due time to recover. */
	| { readonly is: 'decided'; readonly dueAt: EpochMs; readonly why: string }
	| { readonly is: 'phase'; readonly phase: Phase; readonly why: string /** Of a removal that failed. */; readonly nextTryAt?: EpochMs }
	/** It stays what it is. */
	| { readonly is: 'kept'; readonly why: string }
	/** It is to be removed now. */
	| { readonly is: 'remove'; readonly why: string }
	/** It is seen for the first time that it has gone. */
	| { readonly is: 'gone'; readonly why: string }
	/** Settled long ago. */
	| { readonly is: 'forgotten' };

/**
 * What is to become of a decision: a removal is due only when at this moment all conditions hold, and have from the decision on had `cleanupDelay` to end.
 * One that was vetoed begins anew when nothing speaks against it any more: somebody may rely on the time to come.
 */
export function decide(decision: Decision | undefined, sight: Sight, options: DecideOptions, now: EpochMs): Next {
	const isBad = sight.isOver && sight.isCrashing;
	const veto = sight.vetoes.join('; ');
	const decided = { is: 'decided', dueAt: now + options.delayMs, why: hasTime } as const;
	const isOver = { is: 'phase', phase: 'Recovered', why: recovered(sight) } as const;
	const isVetoed = { is: 'phase', phase: 'Vetoed', why: veto } as const;
	if (decision === undefined || decision.phase === 'Recovered') {
		if (isBad && !sight.isGone) return decided;
		return decision && now - decision.since >= options.keepMs ? { is: 'forgotten' } : { is: 'nothing' };
	}
	const isDue = now >= decision.dueAt;
	switch (decision.phase) {
		case 'Pending':
			if (!isBad && (isDue || sight.isGone)) return isOver;
			// Seen by whoever has just won it: what to do about that, the next look tells.
			if (sight.left && sight.left.is !== 'all') return { is: 'kept', why: quicker };
			if (veto !== '') return isVetoed;
			if (!isDue) return { is: 'kept', why: hasTime };
			if (!sight.isEnforced) return { is: 'phase', phase: 'DryRun', why: wouldGo };
			if (sight.waits.length > 0) return { is: 'kept', why: `it is due, and waits: ${sight.waits.join('; ')}` };
			return { is: 'remove', why: goes };
		case 'Vetoed':
			if (!isBad) return isOver;
			return veto === '' ? decided : { is: 'kept', why: veto };
		case 'DryRun':
			if (!isBad) return isOver;
			if (veto !== '') return isVetoed;
			return sight.isEnforced ? decided : { is: 'kept', why: wouldGo };
		case 'Running':
		case 'Failed':
		case 'Done':
			// What can still be as it was before is decided about as if it were new.
			if (decision.phase === 'Failed' && (sight.left?.is ?? 'all') === 'all') {
				if (!isBad) return isOver;
				if (veto !== '') return isVetoed;
				if (!sight.isEnforced) return decided;
			}
			return decideRemoval({ ...decision, phase: decision.phase }, sight, options, now);
		default:
			return decision.phase satisfies never;
	}
}

const hasTime = 'it has until the due time to recover';
const wouldGo = 'it still does nothing but crash, and would be removed now';
const quicker = 'somebody else has begun to remove it';
const goes = 'it still does nothing but crash, and is being removed';

function recovered({ isGone, isCrashing }: Sight): string {
	if (isGone) return 'it is not there any more';
	return isCrashing ? 'it crashes no oftener than is allowed' : 'it has not crashed any more';
}
