import type { ClusterReports } from '../../../domain/cluster-reports.ts';
import { apiVersion, resource } from '../../../domain/crash-object/crash-object.ts';
import { type Cluster, KubernetesRefused, resource as path } from '../../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../../telemetry/telemetry.ts';
import { pause, untilSignal } from '../publisher/passes.ts';
import { problemOf } from '../publisher/refusals.ts';
import { tokenBucket } from '../publisher/token-bucket.ts';
import { type Due, due, isStillDue, type Limits } from './due.ts';

export type ExpiryOptions = Limits & {
	/** How often it is looked what has expired. */
	readonly intervalMs?: number;
	/** At most so many are deleted. */
	readonly deletions?: { readonly perSecond: number; readonly burst: number };
};

export type ExpiryDeps = { readonly reports: ClusterReports; readonly telemetry: Telemetry; readonly options: ExpiryOptions };

/** The rule of the chart and the manifests, in words. */
export const rightsInWords = `list, watch, delete on ${resource.plural}.${resource.group}`;

/** So many refusals one after the other are not about single reports. */
const mostRefusals = 3;
/** After that one that was refused is tried again. */
const refusedForMs = 10 * 60_000;

/**
 * Deletes CrashReports that are too old or too many, each only as it was seen: one that has been amended since is a new one. What it deletes the
 * agents on the nodes leave deleted.
 */
export function expiry({ reports, telemetry, options }: ExpiryDeps) {
	const { intervalMs = 10_000, deletions = { perSecond: 5, burst: 10 }, ...limits } = options;
	const bucket = tokenBucket(deletions);
	/** By uid, until when they are left alone. */
	const refused = new Map<string, number>();

	/** Until the signal. Rejects only by a bug. */
	return async function run(cluster: Cluster, signal: AbortSignal): Promise<void> {
		await untilSignal(
			async (delayed) => {
				while (!signal.aborted) {
					await reports.current(signal);
					const problem = await pass(cluster, signal);
					delayed.reset();
					if (problem !== undefined) telemetry.componentNotReady('expiry', problem);
					else if (reports.isCurrent) telemetry.expiryWorks();
					await pause(intervalMs, signal);
				}
			},
			(error) => telemetry.componentNotReady('expiry', problemOf(error, rightsInWords)),
			signal,
		);
	};

	/** @returns why something that is due is still there */
	async function pass(cluster: Cluster, signal: AbortSignal): Promise<string | undefined> {
		const now = Date.now();
		for (const [uid, until] of refused) if (until < now) refused.delete(uid);
		let refusal: KubernetesRefused | undefined;
		let inARow = 0;
		for (const one of due(reports.all(), limits, now)) {
			if (refused.has(one.report.uid) || !isStillDue(one, reports, limits)) continue;
			await bucket.take('reports', signal);
			if (!reports.isCurrent) break;
			if (!isStillDue(one, reports, limits)) continue;
			try {
				await expire(one, cluster, signal);
				inARow = 0;
			} catch (error) {
				if (!(error instanceof KubernetesRefused) || ++inARow >= mostRefusals) throw error;
				refusal = error;
				refused.set(one.report.uid, now + refusedForMs);
				telemetry.reportNotExpired(nameOf(one), error.message);
			}
		}
		return refusal && problemOf(refusal, rightsInWords);
	}

	async function expire(one: Due, cluster: Cluster, signal: AbortSignal): Promise<void> {
		const { namespace, name, uid, resourceVersion, lastTime } = one.report;
		const at = path(apiVersion, resource.plural, namespace, name);
		const removed = await cluster.remove(at, { uid, resourceVersion }, signal);
		if (removed.is === 'conflict') return; // what has become of it will be told
		reports.gone(one.report);
		if (removed.is === 'done') telemetry.reportExpired(nameOf(one), one.why, new Date(lastTime));
	}
}

const nameOf = ({ report: { namespace, name } }: Due): string => `${namespace}/${name}`;
