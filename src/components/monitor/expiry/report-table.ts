import { once } from 'node:events';
import { defined } from '../../../base/defined.ts';
import type { ClusterReport, ClusterReports } from '../../../domain/cluster-reports.ts';
import { crashFactsOf } from '../../../domain/crash-facts.ts';
import { apiVersion, resource } from '../../../domain/crash-object/crash-object.ts';
import { type Cluster, type KubernetesObject, resource as path, type Timing } from '../../../drivers/kubernetes/kubernetes.ts';

/** What is there of a CrashReport, perhaps by another version, or by hand. */
type Raw = KubernetesObject & { readonly spec?: { readonly time?: unknown }; readonly status?: { readonly lastTime?: unknown } };

/** All CrashReports of the cluster, a few words of each: whole ones take 10 KiB and more. */
export type ReportTable = ClusterReports & {
	/** Follows them until the signal. @param tell of what keeps it from that; undefined: nothing */
	follow(cluster: Cluster, tell: (problem: string | undefined) => void, signal: AbortSignal): Promise<void>;
};

export function reportTable(timing?: Partial<Timing>): ReportTable {
	const reports = new Map<string, ClusterReport>();
	let isCurrent = false;
	const becomesCurrent = new EventTarget();

	function set(to: boolean): void {
		isCurrent = to;
		if (to) becomesCurrent.dispatchEvent(new Event('current'));
	}

	return {
		get isCurrent() {
			return isCurrent;
		},
		get size() {
			return reports.size;
		},
		all: () => reports.values(),
		byUid: (uid) => reports.get(uid),
		gone({ uid, resourceVersion }) {
			if (reports.get(uid)?.resourceVersion === resourceVersion) reports.delete(uid);
		},
		async current(signal) {
			if (isCurrent || signal.aborted) return;
			await once(becomesCurrent, 'current', { signal }).catch(() => {}); // aborted: the caller looks
		},
		async follow(cluster, tell, signal) {
			const options = { path: path(apiVersion, resource.plural), trim: trimmed, ...(timing && { timing }) };
			for await (const told of cluster.informer<Raw, ClusterReport>(options, signal)) {
				switch (told.is) {
					case 'synced':
						reports.clear();
						for (const report of told.objects) reports.set(report.uid, report);
						set(true);
						tell(undefined);
						break;
					case 'changed':
						reports.set(told.object.uid, told.object);
						break;
					case 'deleted':
						reports.delete(told.object.uid);
						break;
					case 'unavailable':
						set(false);
						tell(told.reason);
						break;
					case 'available':
						set(true);
						tell(undefined);
						break;
					default:
						told satisfies never;
				}
			}
			isCurrent = false;
		},
	};
}

function trimmed(object: Raw): ClusterReport {
	const { metadata, spec, status } = object;
	const { namespace = '', name, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
	const times = [status?.lastTime, spec?.time, creationTimestamp].map((time) => Date.parse(String(time)));
	return {
		...{ namespace, name, uid, resourceVersion },
		lastTime: times.find((time) => !Number.isNaN(time)) ?? Date.now(), // unheard of: the API server writes the last one itself
		isEnding: deletionTimestamp !== undefined,
		...defined({ crash: crashFactsOf(object) }),
	};
}
