import { describe, expect, test } from 'vitest';
import { type Decision, decide, type Sight } from '../../src/components/cleaner/decide.ts';
import { type Care, faults, history } from '../support/cleanup-history/cleanup-history.ts';

const seeds = Array.from({ length: 1000 }, (_, seed) => seed);
/** A machine that does much else takes its time. */
const timeout = 180_000;

describe('in a thousand histories of crashes, recoveries, vetoes, removals and leaders', () => {
	test('what is removed meets all conditions at that moment, and what has met them for the delay does not stay unless its object says why', {
		timeout,
	}, () => {
		const turns = new Map<string, number>();
		const happened = new Map<string, number>();
		const add = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
		for (const seed of seeds) {
			const { log, kind, leaders } = history(seed);
			expect([...faults({ log, kind, leaders })], `seed ${seed}`).toEqual([]);
			for (const entry of log) {
				if (entry.is === 'write' && entry.before?.phase !== entry.after?.phase)
					add(turns, `${entry.before?.phase ?? 'none'} → ${entry.after?.phase ?? 'none'}`);
				if (entry.is === 'act') add(happened, `${kind}, leaders: ${leaders}`);
				if (entry.is === 'look' && entry.object?.phase === 'Running') add(happened, `Running, left: ${entry.truth.left}`);
			}
		}
		// All that can happen did, and often.
		expect([...turns.keys()].toSorted()).toEqual(possible.toSorted());
		expect([...happened.keys()].toSorted()).toEqual(usual.toSorted());
		expect([...turns, ...happened].filter(([, count]) => count <= 10)).toEqual([]);
	});

	test.for(Object.entries(careless()))('a controller that forgets %s is found out', { timeout }, ([, care]) => {
		const found: number[] = [];
		for (const seed of seeds) {
			if (!faults(history(seed, care)).next().done) found.push(seed);
			if (found.length > 3) break;
		}
		expect(found).toHaveLength(4);
	});
});

const possible = [
	...['none → Pending', 'Recovered → Pending', 'Recovered → none', 'Done → none'],
	...['Pending → Vetoed', 'Pending → DryRun', 'Pending → Recovered', 'Pending → Running'],
	...['Vetoed → Pending', 'Vetoed → Recovered', 'DryRun → Pending', 'DryRun → Vetoed', 'DryRun → Recovered'],
	...['Running → Pending', 'Running → Vetoed', 'Running → DryRun', 'Running → Recovered', 'Running → Failed', 'Running → Done'],
	...['Failed → Running', 'Failed → Pending', 'Failed → Vetoed', 'Failed → Recovered', 'Failed → none'],
];

const usual = [
	...['helm', 'operator'].flatMap((kind) => [`${kind}, leaders: 1`, `${kind}, leaders: 2`]),
	...['all', 'half', 'ending', 'nothing', 'another'].map((left) => `Running, left: ${left}`),
];

function careless(): Readonly<Record<string, Partial<Care>>> {
	const seeing = (change: (sight: Sight) => Partial<Sight>): Partial<Care> => ({
		take: (decision, sight, ...given) => decide(decision, { ...sight, ...change(sight) }, ...given),
	});
	const remembering = (change: (decision: Decision) => Decision): Partial<Care> => ({
		take: (decision, ...given) => decide(decision && change(decision), ...given),
	});
	return {
		'the delay': { take: (decision, sight, options, at) => decide(decision, sight, { ...options, delayMs: 0 }, at) },
		'that it is due': remembering((decision) => ({ ...decision, dueAt: Number.POSITIVE_INFINITY })),
		vetoes: seeing(() => ({ vetoes: [] })),
		recovery: seeing(() => ({ isCrashing: true })),
		'the count': seeing(() => ({ isOver: true })),
		'where it is enforced': seeing(() => ({ isEnforced: true })),
		'what it has to wait for': seeing(() => ({ waits: [] })),
		'that half is gone': seeing(({ left }) => (left?.is === 'half' ? { left: { is: 'all' } } : {})),
		'that somebody else may be quicker': {
			take: (decision, { left, ...sight }, ...given) =>
				decide(decision, { ...sight, ...(left && decision?.phase !== 'Pending' && { left }) }, ...given),
		},
		'to watch whether it stays away': { take: (decision, sight, options, at) => decide(decision, sight, { ...options, watchMs: 0 }, at) },
		'to try again': remembering(withoutNextTry),
		'how long it has seen a decision itself': { watches: false },
		'the second look': { looksTwice: false },
		'what others have written': { checksVersion: false },
	};
}

function withoutNextTry({ removal, ...decision }: Decision): Decision {
	if (!removal) return decision;
	const { nextTryAt: _, ...rest } = removal;
	return { ...decision, removal: rest };
}
