import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterReports } from '../../domain/cluster-reports.ts';
import type { Contents } from '../../domain/contents.ts';
import { type CrashFacts, keyOfInstance } from '../../domain/crash-facts.ts';
import type { InstanceNow } from '../../domain/instance-now.ts';
import type { Instance } from '../../domain/pod.ts';
import { type Cluster, isKubernetesError, KubernetesRefused, KubernetesUnavailable } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { carryOut } from './carry-out.ts';
import { type Count, countCrashes } from './count.ts';
import { decide } from './decide.ts';
import { type Instances, type Look, look } from './look.ts';
import { problemOf } from './problem.ts';
import { type Stored, storedDecisions } from './stored.ts';
import { type Support, supportOf } from './support.ts';
import { isThere, targetOf } from './target.ts';
import { vetoesOf } from './vetoes.ts';

export type { Instances } from './look.ts';

export type CleanerOptions = {
	readonly maxRestartCount: number;
	readonly windowMs: number;
	readonly delayMs: number;
	readonly countOutOfMemory: boolean;
	/** What is enforced in a namespace, in words. */
	readonly enforcement: (namespace: string) => string;
	/** How often the cluster is looked at. */
	readonly intervalMs?: number;
	/** So long what is settled stays. */
	readonly keepMs?: number;
};

export type CleanerDeps = {
	readonly reports: ClusterReports;
	readonly instances: Instances;
	/** What goes with an instance, and what stays. */
	readonly contents: (cluster: Cluster, instance: Instance, signal: AbortSignal) => Promise<Contents>;
	readonly telemetry: Telemetry;
	readonly options: CleanerOptions;
};

const usual = { intervalMs: 10_000, keepMs: 7 * 24 * 3600_000 };

/** Clocks of nodes go ahead of this one by no more. */
const clockSkewMs = 60_000;

/** How an instance is, which may do nothing but crash. */
type Suspect = {
	readonly instance: Instance;
	readonly now: InstanceNow;
	readonly count: Count;
	readonly support: Support;
	readonly isOver: boolean;
	readonly isCrashing: boolean;
	/** What was decided about it before. */
	readonly decisions: readonly Stored[];
};

/**
 * Finds the instances that do nothing but crash, and says of each in an InstanceCleanup what would become of it. It removes nothing. What it knows it reads
 * anew each time, so that it matters to nobody who of several leads; and all that it writes is right also with two at once: each changes only what it saw.
 */
export function cleaner({ reports, instances, contents, telemetry, options: given }: CleanerDeps) {
	const options = { ...usual, ...given };

	/** Until the signal. Rejects only by a bug. */
	return async function run(cluster: Cluster, signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			let pauseMs = options.intervalMs;
			await reports.current(AbortSignal.any([signal, AbortSignal.timeout(pauseMs)]));
			if (signal.aborted) return;
			if (!reports.isCurrent) {
				telemetry.componentNotReady('cleaner', 'which CrashReports there are is not known now');
				continue;
			}
			try {
				const refusal = await pass(cluster, signal);
				if (refusal) telemetry.componentNotReady('cleaner', problemOf(refusal));
				else telemetry.cleanerWorks();
			} catch (error) {
				if (signal.aborted) return;
				if (!isKubernetesError(error)) throw error;
				telemetry.componentNotReady('cleaner', problemOf(error));
				pauseMs = Math.max(pauseMs, error instanceof KubernetesUnavailable ? (error.retryAfterMs ?? 0) : 0);
			}
			await delay(pauseMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
		}
	};

	/** @returns what the API server refused, of one instance or another */
	async function pass(cluster: Cluster, signal: AbortSignal): Promise<KubernetesRefused | undefined> {
		const looked = look(cluster, instances, signal);
		let refusal: KubernetesRefused | undefined;
		/** What is refused of one instance is no reason to leave out the others. */
		async function unlessRefused(work: () => Promise<void>): Promise<void> {
			await work().catch((error) => {
				if (!(error instanceof KubernetesRefused)) throw error;
				refusal ??= error;
			});
		}

		const decisions = await storedDecisions(cluster, signal);
		const suspects: Suspect[] = [];
		for (const [instance, own] of candidates(decisions)) {
			await unlessRefused(async () => {
				suspects.push(await suspectOf(instance, own, looked));
			});
		}
		const crashingAtOnce = suspects.filter(({ isOver, isCrashing }) => isOver && isCrashing).length;
		for (const suspect of suspects) {
			// What is known of the crashes may have become old meanwhile.
			if (signal.aborted || !reports.isCurrent) break;
			await unlessRefused(() => judge(suspect, crashingAtOnce, { cluster, looked, signal }));
		}
		telemetry.cleanupsSeen(decisions.map(({ phase }) => phase));
		return refusal;
	}

	type Own = { readonly crashes: readonly CrashFacts[]; readonly decisions: readonly Stored[] };

	/** The instances of which there is something to say: they crashed too often, or something was decided about them. */
	function candidates(decisions: readonly Stored[]): Map<Instance, Own> {
		const crashes = Map.groupBy(
			[...reports.all()].flatMap(({ crash, isEnding }) => (crash && !isEnding ? [crash] : [])),
			({ instance }) => keyOfInstance(instance),
		);
		const decided = Map.groupBy(decisions, ({ instance }) => keyOfInstance(instance));
		const all = new Map<Instance, Own>();
		for (const key of new Set([...crashes.keys(), ...decided.keys()])) {
			const own = { crashes: crashes.get(key) ?? [], decisions: decided.get(key) ?? [] };
			const instance = own.decisions[0]?.instance ?? own.crashes[0]?.instance;
			if (instance && (own.decisions.length > 0 || counted(own.crashes).total > options.maxRestartCount)) all.set(instance, own);
		}
		return all;
	}

	function counted(crashes: readonly CrashFacts[]): Count {
		const now = Date.now();
		return countCrashes(crashes, options, { since: now - options.windowMs, until: now + clockSkewMs });
	}

	async function suspectOf(instance: Instance, { crashes, decisions }: Own, looked: Look): Promise<Suspect> {
		const count = counted(crashes);
		const isSettled = decisions.every(({ phase }) => phase === 'Recovered');
		// Of one that crashes no more nothing is asked.
		const now = isSettled && count.total <= options.maxRestartCount ? { instance, pods: [] } : await looked.instance(instance);
		const at = Date.now();
		const support = supportOf(count, now.pods, at - options.windowMs);
		const last = Math.min(count.last ?? 0, support.last ?? 0);
		return {
			...{ instance, now, count, support, decisions },
			isOver: support.total > options.maxRestartCount,
			isCrashing: support.isBackingOff || last > at - options.delayMs,
		};
	}

	async function judge(
		{ instance, now, count, support, isOver, isCrashing, decisions }: Suspect,
		crashingAtOnce: number,
		{ cluster, looked, signal }: { readonly cluster: Cluster; readonly looked: Look; readonly signal: AbortSignal },
	): Promise<void> {
		const target = targetOf(now);
		const isNew = target !== undefined && !decisions.some(({ spec }) => isThere(spec.target, now));
		for (const stored of [...decisions, ...(isNew ? [undefined] : [])]) {
			const about = stored?.spec.target ?? target;
			const isOpen = stored !== undefined && stored.phase !== 'Recovered';
			const words = isOpen
				? vetoesOf({
						now,
						namespace: await looked.namespace(instance.namespace),
						upgrades: instance.kind === 'operator' ? await looked.upgrades() : [],
						decided: stored.spec.target,
						crashingAtOnce,
					})
				: [];
			const sight = { isOver, isCrashing, isGone: about === undefined || !isThere(about, now), vetoes: words };
			const next = decide(stored, sight, options, Date.now());
			if (about === undefined || next.is === 'nothing') continue;
			// Nothing can be written down any more where all is on its way out.
			if (stored === undefined && ((await looked.namespace(instance.namespace))?.isEnding ?? true)) continue;
			const findings = { count, support, enforcement: options.enforcement(instance.namespace) };
			const found = () => contents(cluster, instance, signal);
			await carryOut(next, { cluster, instance, stored, about, findings, contents: found, telemetry, options }, signal);
		}
	}
}
