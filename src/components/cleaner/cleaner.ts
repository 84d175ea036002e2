import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterReports } from '../../domain/cluster-reports.ts';
import type { Instance } from '../../domain/pod.ts';
import type { Helm } from '../../drivers/helm/helm.ts';
import { type Cluster, isKubernetesError, KubernetesRefused, KubernetesUnavailable } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { carryOut } from './carry-out.ts';
import type { InstanceContents } from './contents/contents.ts';
import { MissingRight } from './contents/listing.ts';
import { decide } from './decide.ts';
import { type Instances, type Look, look } from './look.ts';
import { problemOf } from './problem.ts';
import { recalling } from './recall.ts';
import { remove } from './removal.ts';
import { sweepSaved } from './saved/sweep.ts';
import { type Scenery, type Seen, type SeeOptions, see } from './see.ts';
import { type Stored, storedDecisions } from './stored.ts';
import { stormIn } from './storm.ts';
import { candidates, lookAt, type Suspect, type SuspectOptions } from './suspects.ts';
import { isThere, targetOf } from './target.ts';
import { watching } from './watch.ts';

export { contentsOf } from './contents/contents.ts';
export type { Instances } from './look.ts';

export type CleanerOptions = SuspectOptions &
	SeeOptions & {
		/** `cleaner.uninstallTimeout` */
		readonly timeoutMs: number;
		/** This process, for people. */
		readonly by: string;
		/** The namespace of what is saved; absent where nothing is removed anywhere. */
		readonly into?: string;
		/** So long what was saved is kept, and told of; absent: for ever. */
		readonly keepSavedMs?: number;
		/** How often the cluster is looked at. */
		readonly intervalMs?: number;
		/** So long what is settled stays. */
		readonly keepMs?: number;
		/** So long a removal that another has begun is left alone. */
		readonly graceMs?: number;
		/** So long an instance of the operator has to stay away. */
		readonly watchMs?: number;
		/** Not older is what is said of the contents of an instance; before anything is removed they are asked for anew. */
		readonly contentsAgeMs?: number;
	};

export type CleanerDeps = {
	readonly reports: ClusterReports;
	readonly instances: Instances;
	/** What goes with an instance, and what stays. */
	readonly contents: (cluster: Cluster, instance: Instance, signal: AbortSignal) => Promise<InstanceContents>;
	readonly helm: Pick<Helm, 'uninstall'>;
	readonly telemetry: Telemetry;
	readonly options: CleanerOptions;
};

const minute = 60_000;
/** The operator looks at what it has made every ten minutes (its `--sync-interval`), and takes a while. */
const usual = { intervalMs: 10_000, keepMs: 7 * 24 * 60 * minute, watchMs: 12 * minute, contentsAgeMs: minute, graceMs: minute };
const sweepEveryMs = 60 * minute;

/**
 * Finds the instances that do nothing but crash, says of each in an InstanceCleanup what becomes of it, and where that is enforced removes it. What it knows it
 * reads anew each time, so that it matters to nobody who of several leads; and all that it writes is right also with two at once: each changes only what it saw.
 */
export function cleaner({ reports, instances, contents, helm, telemetry, options: given }: CleanerDeps) {
	const options = { ...usual, ...given };
	const decideOptions = { ...options, keepRemovedMs: Math.max(options.keepMs, options.keepSavedMs ?? Number.POSITIVE_INFINITY) };
	const watched = watching(options.delayMs);
	let sweptUntil = 0;
	const recalled = recalling(options.contentsAgeMs);

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
		watched.saw(decisions);
		const suspects = await suspectsIn(decisions, looked, (error) => {
			refusal ??= error;
		});
		const storm = stormIn(suspects, options.windowMs, Date.now());
		let hasRemoved = false;
		for (const suspect of suspects) {
			// What is known of the crashes may have become old meanwhile, as what is known of decisions has when an instance was removed.
			if (signal.aborted || !reports.isCurrent || hasRemoved) break;
			const found = () => recalled.of(suspect.instance, () => contents(cluster, suspect.instance, signal));
			const scenery = { cluster, looked, decisions, storm, contents: found, watched, options, signal };
			await unlessRefused(async () => {
				hasRemoved = await judge(suspect, scenery);
			});
		}
		await unlessRefused(() => sweep(cluster, signal));
		recalled.forget();
		telemetry.cleanupsSeen(decisions.map(({ phase }) => phase));
		return refusal;
	}

	/** @param refused told of those that can't be looked at, which are left out */
	async function suspectsIn(decisions: readonly Stored[], looked: Look, refused: (error: KubernetesRefused) => void): Promise<Suspect[]> {
		const found: Suspect[] = [];
		for (const candidate of candidates(reports.all(), decisions, options)) {
			const suspect = await lookAt(candidate, looked, options).catch((error) => {
				if (!(error instanceof KubernetesRefused)) throw error;
				refused(error);
			});
			if (suspect) found.push(suspect);
		}
		return found;
	}

	async function sweep(cluster: Cluster, signal: AbortSignal): Promise<void> {
		const { into, keepSavedMs } = options;
		if (into === undefined || performance.now() < sweptUntil) return;
		const count = await sweepSaved(cluster, { namespace: into, keepMs: keepSavedMs }, Date.now(), signal).catch((error) => {
			throw error instanceof MissingRight ? error.cause : error;
		});
		sweptUntil = performance.now() + sweepEveryMs;
		if (count > 0) telemetry.savedSwept(count);
	}

	/** @returns whether it was to be removed */
	async function judge(suspect: Suspect, scenery: Scenery): Promise<boolean> {
		const { instance, now, decisions } = suspect;
		const { cluster, looked, signal } = scenery;
		const target = targetOf(now);
		// Pods that outlive what made them are of what is being removed, though they don't tell.
		const isKnown = decisions.some(({ phase, spec }) => phase === 'Running' || isThere(spec.target, now));
		const isNew = target !== undefined && !isKnown;
		for (const stored of [...decisions, ...(isNew ? [undefined] : [])]) {
			const about = stored?.spec.target ?? target;
			if (about === undefined) continue;
			const { sight, findings } = await see(suspect, stored, about, scenery);
			const next = decide(stored, sight, optionsFor(instance), Date.now());
			if (next.is === 'nothing') continue;
			// Nothing can be written down any more where all is on its way out.
			if (stored === undefined && ((await looked.namespace(instance.namespace))?.isEnding ?? true)) continue;
			const to = { cluster, instance, stored, about, findings, telemetry, by: options.by, options: optionsFor(instance) };
			if (next.is !== 'remove') await carryOut(next, to, signal);
			else if (stored) {
				const into = options.into ?? cluster.namespace;
				await remove(next.why, { ...to, stored, helm, into, again: (won) => again(won, scenery) }, signal);
				return true;
			}
		}
		return false;
	}

	/** Nothing of what was read before is believed. What takes longest comes first: what a person says meanwhile is heard. */
	async function again(stored: Stored, { cluster, signal }: Scenery): Promise<Seen> {
		const { instance } = stored;
		const found = await contents(cluster, instance, signal);
		const looked = look(cluster, instances, signal);
		const decisions = (await storedDecisions(cluster, signal)).map((one) => (one.uid === stored.uid ? stored : one));
		const suspects = await suspectsIn(decisions, looked, () => {});
		const own = suspects.find((suspect) => suspect.decisions.includes(stored));
		const suspect = own ?? (await lookAt({ instance, crashes: [], decisions: [stored] }, looked, options));
		const storm = stormIn(suspects, options.windowMs, Date.now());
		const scenery = { cluster, looked, decisions, storm, contents: async () => found, watched, options, signal };
		return see(suspect, stored, stored.spec.target, scenery);
	}

	/** Helm brings nothing back. */
	function optionsFor({ kind }: Instance) {
		return { ...decideOptions, watchMs: kind === 'operator' ? options.watchMs : 0 };
	}
}
