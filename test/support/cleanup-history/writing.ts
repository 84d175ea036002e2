import type { Decision, Next } from '../../../src/components/cleaner/decide.ts';
import type { RemovalSoFar } from '../../../src/components/cleaner/decide-removal.ts';
import type { Agenda } from './agenda.ts';
import type { Kept, Objects } from './objects.ts';
import type { Step } from './step.ts';

export type Writing = ReturnType<typeof writing>;

/** Writes what is to become of a decision, in steps, as `turn.ts` and `carry-out.ts` do. */
export function writing(by: string, agenda: Agenda, objects: Objects, step: () => Step) {
	/** @returns what is there now; undefined where somebody else has changed it */
	function turn(stored: Kept, phase: Decision['phase'], why: string, removal: RemovalSoFar | undefined = stored.removal): Kept | undefined {
		const { removal: before, ...rest } = stored;
		const isBegun = phase === 'Running' || phase === 'Failed' || phase === 'Done';
		const isSame = stored.phase === phase && stored.why === why && (!isBegun || removal === before);
		if (isSame) return stored;
		const since = stored.phase === phase ? stored.since : agenda.now;
		return objects.write(by, stored, { ...rest, phase, since, ...(isBegun && removal && { removal }) }, why);
	}

	function* carryOut(next: Exclude<Next, { is: 'nothing' | 'remove' }>, stored: Kept | undefined, uid: string): Generator<Step> {
		const now = agenda.now;
		switch (next.is) {
			case 'decided': {
				if (!stored) return void objects.create(by, uid, { phase: 'Pending', dueAt: next.dueAt, since: now }, next.why);
				const timed = objects.write(by, stored, { ...stored, dueAt: next.dueAt }, stored.why);
				yield step();
				if (timed) turn(timed, 'Pending', next.why);
				return;
			}
			case 'phase':
				if (stored) turn(stored, next.phase, next.why, failure(stored, next));
				return;
			case 'kept':
				if (stored) turn(stored, stored.phase, next.why);
				return;
			case 'gone':
				if (stored) turn(stored, 'Running', next.why, { ...(stored.removal ?? { beganAt: now, attempts: 1 }), goneAt: now });
				return;
			case 'forgotten':
				if (stored) objects.forget(by, stored);
				return;
			default:
				next satisfies never;
		}
	}

	return { turn, carryOut };
}

function failure({ removal }: Kept, { phase, why, nextTryAt }: Extract<Next, { is: 'phase' }>): RemovalSoFar | undefined {
	if (phase !== 'Failed' || !removal) return removal;
	const { nextTryAt: _, ...rest } = removal;
	return { ...rest, words: why, ...(nextTryAt !== undefined && { nextTryAt }) };
}
