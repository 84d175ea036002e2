import type { ClusterReport } from '../../domain/cluster-reports.ts';
import { type CrashFacts, keyOfInstance } from '../../domain/crash-facts.ts';
import type { InstanceNow } from '../../domain/instance-now.ts';
import type { Instance } from '../../domain/pod.ts';
import { type Count, countCrashes } from './count.ts';
import type { Look } from './look.ts';
import type { Switches } from './rules.ts';
import type { Stored } from './stored.ts';
import { type Support, supportOf } from './support.ts';
import { type Scene, vetoesOf } from './vetoes.ts';

export type SuspectOptions = Switches & { readonly maxRestartCount: number; readonly windowMs: number; readonly delayMs: number };

/** An instance of which there is something to say: it crashed too often, or something was decided about it. */
export type Candidate = {
	readonly instance: Instance;
	readonly crashes: readonly CrashFacts[];
	/** What was decided about it before. */
	readonly decisions: readonly Stored[];
};

/** How it is. */
export type Suspect = Candidate & {
	readonly now: InstanceNow;
	readonly count: Count;
	readonly support: Support;
	/** See `Sight`. */
	readonly isOver: boolean;
	readonly isCrashing: boolean;
	/** What was decided and is not settled, with what speaks against it in the instance itself. */
	readonly open: ReadonlyMap<Stored, readonly string[]>;
};

/** Clocks of nodes go ahead of this one by no more. */
const clockSkewMs = 60_000;

/** Without asking anybody. */
export function candidates(reports: Iterable<ClusterReport>, decisions: readonly Stored[], options: SuspectOptions): Candidate[] {
	const crashes = Map.groupBy(
		[...reports].flatMap(({ crash, isEnding }) => (crash && !isEnding ? [crash] : [])),
		({ instance }) => keyOfInstance(instance),
	);
	const decided = Map.groupBy(decisions, ({ instance }) => keyOfInstance(instance));
	return [...new Set([...crashes.keys(), ...decided.keys()])].flatMap((key) => {
		const own = { crashes: crashes.get(key) ?? [], decisions: decided.get(key) ?? [] };
		const instance = own.decisions[0]?.instance ?? own.crashes[0]?.instance;
		const isSuspect = own.decisions.length > 0 || counted(own.crashes, options).total > options.maxRestartCount;
		return instance && isSuspect ? [{ instance, ...own }] : [];
	});
}

/** Asks for its pods, and what is around them. */
export async function lookAt({ instance, crashes, decisions }: Candidate, looked: Look, options: SuspectOptions): Promise<Suspect> {
	const count = counted(crashes, options);
	const isSettled = decisions.length > 0 && decisions.every(isClosed);
	// Of one that crashes no more nothing is asked.
	const now = isSettled && count.total <= options.maxRestartCount ? { instance, pods: [] } : await looked.instance(instance);
	const at = Date.now();
	const support = supportOf(count, now.pods, at - options.windowMs);
	const open = new Map<Stored, readonly string[]>();
	for (const stored of decisions.filter((one) => !isClosed(one))) open.set(stored, vetoesOf(await sceneOf(now, stored, looked)));
	const last = Math.min(count.last ?? 0, support.last ?? 0);
	return {
		...{ instance, crashes, now, count, support, decisions, open },
		isOver: support.total > options.maxRestartCount,
		isCrashing: support.isBackingOff || last > at - options.delayMs,
	};
}

export async function sceneOf(now: InstanceNow, { spec }: Stored, looked: Look): Promise<Scene> {
	const namespace = await looked.namespace(now.instance.namespace);
	const upgrades = now.instance.kind === 'operator' ? await looked.upgrades() : [];
	return { now, namespace, upgrades, decided: spec.target };
}

const isClosed = ({ phase }: Stored) => phase === 'Recovered' || phase === 'Done';

function counted(crashes: readonly CrashFacts[], options: SuspectOptions): Count {
	const now = Date.now();
	return countCrashes(crashes, options, { since: now - options.windowMs, until: now + clockSkewMs });
}
