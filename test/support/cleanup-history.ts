import { countCrashes } from '../../src/components/cleaner/count.ts';
import { type Decision, decide, type Next, type Sight } from '../../src/components/cleaner/decide.ts';
import { supportOf } from '../../src/components/cleaner/support.ts';
import type { CrashFacts } from '../../src/domain/crash-facts.ts';
import type { PodNow } from '../../src/domain/instance-now.ts';
import { randomOf } from './candidates.ts';

const second = 1000;
const minute = 60 * second;

export const rules = { limit: 5, windowMs: 60 * minute, delayMs: 5 * minute, keepMs: 40 * minute, lookEveryMs: 30 * second } as const;

/** One look of a leader that changed the object as it had seen it, or left it as it was. */
export type Look = {
	readonly at: number;
	/** All conditions but the time held at that moment, as the world knows it. */
	readonly isBad: boolean;
	readonly hasVeto: boolean;
	readonly before: Decision | undefined;
	readonly after: Decision | undefined;
	readonly next: Next['is'];
};

/**
 * Some made-up hours of an instance: it crashes in bouts, is killed now and then, is kept for a while by somebody; and of who looks at it. Leaders come and go,
 * sometimes two believe to lead, and who is slow writes what he saw a while ago, if nobody has written since.
 *
 * @param take how a decision is taken
 */
export function history(seed: number, take: typeof decide = decide): readonly Look[] {
	const random = randomOf(seed);
	const between = (least: number, most: number) => least + random() * (most - least);
	const end = 4 * 60 * minute;
	const bouts = several(between(1, 4), () => ({
		from: between(0, end),
		lasts: between(0, 100 * minute),
		every: between(45 * second, 15 * minute),
	}));
	const crashes = bouts
		.flatMap(({ from, lasts, every }) => several(lasts / every, (index) => from + index * every))
		.filter((at) => at < end);
	const kills = several(between(0, 10), () => between(0, end));
	const vetoes = several(between(0, 4), () => ({ from: between(0, end), lasts: between(0, 40 * minute) }));
	const backOffs = several(between(0, 3), () => ({ from: between(0, end), lasts: between(0, 30 * minute) }));
	const nobody = several(between(0, 4), () => ({ from: between(0, end), lasts: between(0, 20 * minute) }));
	const isIn = (spans: readonly { from: number; lasts: number }[], at: number) =>
		spans.some(({ from, lasts }) => at >= from && at < from + lasts);

	const facts = [...crashes.map((time) => crash(time, 6)), ...kills.map((time) => crash(time, 9))].toSorted((a, b) => a.time - b.time);

	/** As the reports and the pods tell it. */
	function sightAt(at: number): Sight {
		const since = at - rules.windowMs;
		const told = facts.slice(firstAfter(facts, since), firstAfter(facts, at));
		const count = countCrashes(told, { countOutOfMemory: false }, { since, until: at + minute });
		const support = supportOf(count, [podOf(firstAfter(facts, at), told.at(-1)?.time, isIn(backOffs, at))], since);
		return {
			isOver: support.total > rules.limit,
			isCrashing: support.isBackingOff || Math.min(count.last ?? 0, support.last ?? 0) > at - rules.delayMs,
			isGone: false,
			vetoes: isIn(vetoes, at) ? ['somebody keeps it'] : [],
		};
	}

	/** As the rule has it, in other words. */
	function isBadAt(at: number): boolean {
		const lately = (span: number) => crashes.filter((time) => time > at - span && time <= at).length;
		return lately(rules.windowMs) > rules.limit && (isIn(backOffs, at) || lately(rules.delayMs) > 0);
	}

	const looks: Look[] = [];
	let stored: { readonly version: number; readonly decision: Decision | undefined } = { version: 0, decision: undefined };
	const leaders = random() < 0.3 ? 2 : 1;
	/** What was decided, and is still to be written. */
	let late: { readonly at: number; readonly seen: typeof stored; readonly next: Next; readonly writtenAt: number }[] = [];

	function write({ at, seen, next }: (typeof late)[number]): void {
		if (seen.version !== stored.version) return;
		const before = stored.decision;
		const after = outcome(before, next, at);
		if (after !== before) stored = { version: stored.version + 1, decision: after };
		looks.push({ at, isBad: isBadAt(at), hasVeto: isIn(vetoes, at), before, after, next: next.is });
	}

	for (let now = 10 * second; now < end; now += rules.lookEveryMs) {
		const due = late.filter(({ writtenAt }) => writtenAt <= now);
		late = late.filter(({ writtenAt }) => writtenAt > now);
		for (const one of due) write(one);
		if (isIn(nobody, now)) continue;
		for (let leader = 0; leader < leaders; leader++) {
			const next = take(stored.decision, sightAt(now), rules, now);
			const isSlow = random() < 0.05;
			const one = { at: now, seen: stored, next, writtenAt: now + (isSlow ? between(0, minute) : 0) };
			if (isSlow) late.push(one);
			else write(one);
		}
	}
	return looks;
}

function outcome(before: Decision | undefined, next: Next, at: number): Decision | undefined {
	switch (next.is) {
		case 'decided':
			return { phase: 'Pending', dueAt: next.dueAt, since: at };
		case 'phase':
			return before && { ...before, phase: next.phase, since: at };
		case 'forgotten':
			return undefined;
		case 'kept':
		case 'nothing':
			return before;
		default:
			return next satisfies never;
	}
}

const crash = (time: number, signal: number): CrashFacts => ({
	...{ report: `r-${time}`, instance: { namespace: 'ns', name: 'search', kind: 'helm' }, component: 'standalone', isHealed: false },
	...{ time, times: [time], signal, reason: 'Error' },
});

const podOf = (ends: number, lastEnd: number | undefined, isBackingOff: boolean): PodNow => ({
	...{ name: 'p', uid: 'u', component: 'standalone', annotations: {}, owners: [], areOwnersKnown: true },
	...{ ends, lastEnd, isBackingOff },
});

/** The index of the first that was after a time, among those in the order of their times. */
function firstAfter(facts: readonly CrashFacts[], time: number): number {
	let [least, most] = [0, facts.length];
	while (least < most) {
		const middle = (least + most) >> 1;
		if ((facts[middle]?.time ?? 0) <= time) least = middle + 1;
		else most = middle;
	}
	return least;
}

const several = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: Math.floor(count) }, (_, index) => make(index));
