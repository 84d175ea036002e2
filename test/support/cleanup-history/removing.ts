import type { Decision, Next, Sight } from '../../../src/components/cleaner/decide.ts';
import { nextTryAfter } from '../../../src/components/cleaner/decide-removal.ts';
import type { Place } from './leader.ts';
import type { Kept } from './objects.ts';
import type { Step } from './step.ts';
import type { Writing } from './writing.ts';

export type Removing = Pick<Place, 'agenda' | 'ends' | 'random' | 'care'> &
	Writing & {
		readonly by: string;
		readonly step: (isActing: boolean) => Step;
		readonly see: (stored: Kept, uid: string, isSecond: boolean) => Sight;
		readonly decideOn: (decision: Decision, sight: Sight) => Next;
	};

/** How whoever leads removes an instance, in steps, as `removal.ts` has them. */
export function removing({ by, agenda, ends, random, care, step, see, decideOn, turn, carryOut }: Removing) {
	return function* remove(why: string, stored: Kept): Generator<Step> {
		const { uid } = stored.spec.target;
		const won = turn(stored, 'Running', why, { beganAt: agenda.now, attempts: (stored.removal?.attempts ?? 0) + 1 });
		if (!won?.removal) return;
		yield step(true);
		if (care.looksTwice) {
			const sight = see(won, uid, true);
			const next = decideOn(stored, sight);
			if (next.is === 'nothing') return;
			if (next.is === 'kept') return void turn(won, stored.phase, next.why, stored.removal);
			if (next.is !== 'remove') return yield* carryOut(next, won, uid);
			if (sight.left?.is !== 'half') {
				yield step(true);
				if (random() < 0.03) return fail(won, 'it could not be saved');
			}
		}
		const removal = { ...won.removal, actedAt: agenda.now };
		const acting = turn(won, 'Running', why, removal);
		if (!acting) return;
		yield step(true);
		const { is, words } = yield* ends.act(by, uid);
		yield step(true);
		if (is === 'failed') fail(acting, words);
		else turn(acting, 'Running', why, { ...removal, words });
	};

	function fail(stored: Kept, words: string): void {
		const { nextTryAt: _, ...removal } = stored.removal ?? { beganAt: agenda.now, attempts: 1 };
		const next = nextTryAfter(removal.attempts, agenda.now);
		turn(stored, 'Failed', words, { ...removal, words, ...(next !== undefined && { nextTryAt: next }) });
	}
}
