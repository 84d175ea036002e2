import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterReports } from '../../domain/cluster-reports.ts';
import type { Contents } from '../../domain/contents.ts';
import type { Instance } from '../../domain/pod.ts';
import { type Cluster, isKubernetesError, KubernetesRefused, KubernetesUnavailable } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { carryOut } from './carry-out.ts';
import { decide } from './decide.ts';
import { type Instances, type Look, look } from './look.ts';
import { problemOf } from './problem.ts';
import { storedDecisions } from './stored.ts';
import { stormIn } from './storm.ts';
import { candidates, lookAt, type Suspect, type SuspectOptions } from './suspects.ts';
import { isThere, targetOf } from './target.ts';

export { contentsOf } from './contents/contents.ts';
export type { Instances } from './look.ts';

export type CleanerOptions = SuspectOptions & {
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
		for (const candidate of candidates(reports.all(), decisions, options)) {
			await unlessRefused(async () => {
				suspects.push(await lookAt(candidate, looked, options));
			});
		}
		const storm = stormIn(suspects, options.windowMs, Date.now());
		for (const suspect of suspects) {
			// What is known of the crashes may have become old meanwhile.
			if (signal.aborted || !reports.isCurrent) break;
			await unlessRefused(() => judge(suspect, storm, { cluster, looked, signal }));
		}
		telemetry.cleanupsSeen(decisions.map(({ phase }) => phase));
		return refusal;
	}

	async function judge(
		{ instance, now, count, support, isOver, isCrashing, decisions, open }: Suspect,
		storm: string | undefined,
		{ cluster, looked, signal }: { readonly cluster: Cluster; readonly looked: Look; readonly signal: AbortSignal },
	): Promise<void> {
		const target = targetOf(now);
		const isNew = target !== undefined && !decisions.some(({ spec }) => isThere(spec.target, now));
		for (const stored of [...decisions, ...(isNew ? [undefined] : [])]) {
			const about = stored?.spec.target ?? target;
			if (about === undefined) continue;
			const vetoes = [...((stored && open.get(stored)) ?? []), ...(storm === undefined ? [] : [storm])];
			const next = decide(stored, { isOver, isCrashing, isGone: !isThere(about, now), vetoes }, options, Date.now());
			if (next.is === 'nothing') continue;
			// Nothing can be written down any more where all is on its way out.
			if (stored === undefined && ((await looked.namespace(instance.namespace))?.isEnding ?? true)) continue;
			const findings = { count, support, enforcement: options.enforcement(instance.namespace) };
			const found = () => contents(cluster, instance, signal);
			await carryOut(next, { cluster, instance, stored, about, findings, contents: found, telemetry, options }, signal);
		}
	}
}
