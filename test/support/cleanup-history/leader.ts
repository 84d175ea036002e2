import type { DecideOptions, Decision, decide, Next, Sight } from '../../../src/components/cleaner/decide.ts';
import { watching } from '../../../src/components/cleaner/watch.ts';
import type { Agenda } from './agenda.ts';
import type { Ends } from './ends.ts';
import type { Log } from './log.ts';
import type { Kept, Objects } from './objects.ts';
import { rules, second } from './plan.ts';
import { removing } from './removing.ts';
import type { Step } from './step.ts';
import type { World } from './world.ts';
import { writing } from './writing.ts';

/** What a leader may be careless about. */
export type Care = {
	readonly take: typeof decide;
	readonly checksVersion: boolean;
	readonly watches: boolean;
	readonly looksTwice: boolean;
};

export type Place = {
	readonly agenda: Agenda;
	readonly world: World;
	readonly objects: Objects;
	readonly ends: Ends;
	readonly log: Log;
	readonly random: () => number;
	readonly care: Care;
	readonly options: DecideOptions;
};

/** Whoever leads, in steps, as `cleaner.ts` has them, until it is killed: it remembers nothing but for how long it has seen a decision. */
export function* leader(by: string, { agenda, world, objects, ends, log, random, care, options }: Place): Generator<Step, never> {
	const watched = watching(rules.delayMs, () => agenda.now);
	const { turn, carryOut } = writing(by, agenda, objects, step);
	const remove = removing({ by, agenda, ends, random, care, step, see, decideOn, turn, carryOut });
	for (;;) {
		yield* pass();
		yield { takes: rules.lookEveryMs };
	}

	function* pass(): Generator<Step> {
		const decisions = objects.list();
		watched.saw(decisions);
		yield step();
		const life = world.here();
		const target = life?.hasPods ? life.uid : undefined;
		const isNew = target !== undefined && !decisions.some(({ spec }) => spec.target.uid === target);
		for (const stored of [...decisions, ...(isNew ? [undefined] : [])]) {
			const uid = stored?.spec.target.uid ?? target;
			if (uid === undefined) continue;
			const next = decideOn(stored, see(stored, uid));
			if (next.is === 'nothing' || (next.is === 'kept' && next.why === stored?.why)) continue;
			yield step();
			if (next.is !== 'remove') yield* carryOut(next, stored, uid);
			else if (stored) yield* remove(next.why, stored);
		}
	}

	function see(stored: Kept | undefined, uid: string, isSecond = false): Sight {
		log({ is: 'look', by, uid, object: stored, isSecond });
		const isBegun = stored?.phase === 'Running' || stored?.phase === 'Failed';
		const isOpen = stored !== undefined && stored.phase !== 'Recovered' && stored.phase !== 'Done';
		const sight = world.sight(uid, { isOpen, isBegun });
		const early = stored && care.watches ? watched.waitsFor(stored) : undefined;
		const isHeldUp = isOpen && sight.isEnforced && (sight.left?.is ?? 'all') === 'all' && early !== undefined;
		return isHeldUp ? { ...sight, waits: [early, ...sight.waits] } : sight;
	}

	function decideOn(decision: Decision | undefined, sight: Sight): Next {
		return care.take(decision, sight, options, agenda.now);
	}

	/** Usually a moment; now and then it is slow, in a removal oftener. */
	function step(isActing = false): Step {
		const isSlow = random() < (isActing ? 0.15 : 0.05);
		return { takes: random() * (isSlow ? 40 : 2) * second, ...(isActing && { isActing }) };
	}
}
