import { countCrashes } from '../../../src/components/cleaner/count.ts';
import type { Sight } from '../../../src/components/cleaner/decide.ts';
import type { Left } from '../../../src/components/cleaner/decide-removal.ts';
import { supportOf } from '../../../src/components/cleaner/support.ts';
import type { CrashFacts } from '../../../src/domain/crash-facts.ts';
import type { PodNow } from '../../../src/domain/instance-now.ts';
import type { Agenda } from './agenda.ts';
import type { Truth } from './log.ts';
import { isIn, minute, type Plan, rules } from './plan.ts';

/** From one installation until it is gone. */
export type Life = {
	readonly uid: string;
	is: 'whole' | 'half' | 'ending';
	hasPods: boolean;
	/** Of the container of its pod. */
	ends: number;
	lastEnd: number | undefined;
	goneAt: number | undefined;
};

export type World = ReturnType<typeof world>;

/** An instance, as the reports and its pod tell of it, and as it really is. */
export function world(agenda: Agenda, plan: Plan) {
	const lives: Life[] = [];
	/** Without those that somebody killed. */
	const crashes: number[] = [];
	const facts: CrashFacts[] = [];
	let counted = { key: '', count: countCrashes([], { countOutOfMemory: false }, { since: 0, until: 0 }) };

	for (const at of plan.crashes) agenda.at(at, () => ends(6));
	for (const at of plan.kills) agenda.at(at, () => ends(9));
	install();

	/** What there is of it. */
	const here = (): Life | undefined => {
		const last = lives.at(-1);
		return last?.goneAt === undefined ? last : undefined;
	};

	function install(): void {
		lives.push({ uid: `uid-${lives.length}`, is: 'whole', hasPods: true, ends: 0, lastEnd: undefined, goneAt: undefined });
	}

	function ends(signal: number): void {
		const life = here();
		if (!life?.hasPods || life.is === 'ending' || isIn(plan.calms, agenda.now)) return;
		life.ends++;
		life.lastEnd = agenda.now;
		facts.push(crash(agenda.now, signal));
		if (signal === 6) crashes.push(agenda.now);
	}

	const leftOf = (uid: string): Left => {
		const life = here();
		if (!life) return { is: 'nothing' };
		if (life.uid !== uid) return { is: 'another', what: life.uid };
		return life.is === 'whole' ? { is: 'all' } : { is: life.is, what: life.uid };
	};

	const isBackingOff = (at: number) => isIn(plan.backOffs, at) && !isIn(plan.calms, at);

	function count(at: number) {
		const [first, last] = [firstAfter(facts.length, (index) => facts[index]?.time, at - rules.windowMs), facts.length];
		const key = `${first}-${last}`;
		if (key !== counted.key) {
			const span = { since: at - rules.windowMs, until: at + minute };
			counted = { key, count: countCrashes(facts.slice(first, last), { countOutOfMemory: false }, span) };
		}
		return counted.count;
	}

	return {
		here,
		install,

		/** As a controller sees it. @param isOpen something was decided about it, and is not settled */
		sight(uid: string, { isOpen, isBegun }: { readonly isOpen: boolean; readonly isBegun: boolean }): Sight {
			const at = agenda.now;
			const life = here();
			const since = at - rules.windowMs;
			const support = supportOf(count(at), life?.hasPods ? [podOf(life, isBackingOff(at))] : [], since);
			const left = isBegun ? leftOf(uid) : undefined;
			const isEnforced = !isIn(plan.dryRuns, at);
			const isWhole = left === undefined || left.is === 'all';
			const kept = isIn(plan.vetoes, at) ? ['somebody keeps it'] : [];
			const others = isWhole && life && life.uid !== uid ? ['it is another'] : [];
			const going = isWhole && life?.is === 'ending' ? ['somebody is deleting it'] : [];
			return {
				isOver: support.total > rules.limit,
				isCrashing: support.isBackingOff || Math.min(count(at).last ?? 0, support.last ?? 0) > at - rules.delayMs,
				isGone: life?.uid !== uid || !life.hasPods,
				vetoes: isOpen && (isWhole || left.is === 'half') ? [...kept, ...others, ...going] : [],
				isEnforced,
				waits: isOpen && isWhole && isEnforced && isIn(plan.holds, at) ? [noRoom] : [],
				...(left && { left }),
			};
		},

		/** As the rule has it, in other words. */
		truth(uid: string): Truth {
			const at = agenda.now;
			const life = here();
			const lately = (span: number) => crashes.length - firstAfter(crashes.length, (index) => crashes[index], at - span);
			const ended = (span: number) => life?.lastEnd !== undefined && life.lastEnd > at - span;
			const isStill = isBackingOff(at) || (lately(rules.delayMs) > 0 && ended(rules.delayMs));
			return {
				isBad:
					life?.uid === uid &&
					life.hasPods &&
					ended(rules.windowMs) &&
					Math.min(lately(rules.windowMs), life.ends) > rules.limit &&
					isStill,
				isKept: isIn(plan.vetoes, at),
				isEnforced: !isIn(plan.dryRuns, at),
				isHeld: isIn(plan.holds, at),
				left: leftOf(uid).is,
				goneAt: lives.find((life) => life.uid === uid)?.goneAt,
			};
		},
	};
}

export const noRoom = 'no room for more within the hour';

const crash = (time: number, signal: number): CrashFacts => ({
	...{ report: `r-${time}`, instance: { namespace: 'ns', name: 'search', kind: 'helm' }, component: 'standalone', isHealed: false },
	...{ time, times: [time], signal, reason: 'Error' },
});

const podOf = ({ ends, lastEnd }: Life, isBackingOff: boolean): PodNow => ({
	...{ name: 'p', uid: 'u', component: 'standalone', annotations: {}, owners: [], areOwnersKnown: true },
	...{ ends, lastEnd, isBackingOff },
});

/** The index of the first that was after a time, among so many in the order of their times. */
function firstAfter(length: number, timeOf: (index: number) => number | undefined, time: number): number {
	let [least, most] = [0, length];
	while (least < most) {
		const middle = (least + most) >> 1;
		if ((timeOf(middle) ?? 0) <= time) least = middle + 1;
		else most = middle;
	}
	return least;
}
