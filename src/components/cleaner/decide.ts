import type { Phase } from '../../domain/cleanup-object/cleanup-object.ts';
import type { EpochMs } from '../../domain/stage.ts';

/** How far a decision has come, as its object says. */
export type Decision = { readonly phase: Phase; readonly dueAt: EpochMs /** In this phase. */; readonly since: EpochMs };

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
};

export type DecideOptions = {
	/** `cleaner.cleanupDelay` */
	readonly delayMs: number;
	/** So long a decision that is settled is kept. */
	readonly keepMs: number;
};

export type Next =
	| { readonly is: 'nothing' }
	/** A decision is taken: the instance has from now until the due time to recover. */
	| { readonly is: 'decided'; readonly dueAt: EpochMs; readonly why: string }
	| { readonly is: 'phase'; readonly phase: Exclude<Phase, 'Pending'>; readonly why: string }
	/** It stays what it is. */
	| { readonly is: 'kept'; readonly why: string }
	/** Settled long ago. */
	| { readonly is: 'forgotten' };

/**
 * What is to become of a decision: a removal is due only when at this moment all conditions hold, and have from the decision on had `cleanupDelay` to end.
 * One that was vetoed begins anew when nothing speaks against it any more: somebody may rely on the time to come.
 */
export function decide(decision: Decision | undefined, sight: Sight, { delayMs, keepMs }: DecideOptions, now: EpochMs): Next {
	const isBad = sight.isOver && sight.isCrashing;
	const veto = sight.vetoes.join('; ');
	const decided = { is: 'decided', dueAt: now + delayMs, why: hasTime } as const;
	if (decision === undefined || decision.phase === 'Recovered') {
		if (isBad && !sight.isGone) return decided;
		return decision && now - decision.since >= keepMs ? { is: 'forgotten' } : { is: 'nothing' };
	}
	const isDue = now >= decision.dueAt;
	switch (decision.phase) {
		case 'Pending':
			if (!isBad && (isDue || sight.isGone)) return { is: 'phase', phase: 'Recovered', why: recovered(sight) };
			if (veto !== '') return { is: 'phase', phase: 'Vetoed', why: veto };
			return isDue ? { is: 'phase', phase: 'DryRun', why: wouldGo } : { is: 'kept', why: hasTime };
		case 'Vetoed':
			if (!isBad) return { is: 'phase', phase: 'Recovered', why: recovered(sight) };
			return veto === '' ? decided : { is: 'kept', why: veto };
		case 'DryRun':
			if (!isBad) return { is: 'phase', phase: 'Recovered', why: recovered(sight) };
			return veto === '' ? { is: 'kept', why: wouldGo } : { is: 'phase', phase: 'Vetoed', why: veto };
		default:
			return decision.phase satisfies never;
	}
}

const hasTime = 'it has until the due time to recover';
const wouldGo = 'it still does nothing but crash, and would be removed now';

function recovered({ isGone, isCrashing }: Sight): string {
	if (isGone) return 'it is not there any more';
	return isCrashing ? 'it crashes no oftener than is allowed' : 'it has not crashed any more';
}
