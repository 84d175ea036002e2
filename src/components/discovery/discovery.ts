import { setTimeout as delay } from 'node:timers/promises';
import type { Intake } from '../../domain/intake.ts';
import type { Pod } from '../../domain/pod.ts';
import type { NodeContainers } from '../../drivers/containerfiles/containerfiles.ts';
import { type Cluster, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { createLook, type LookOptions } from './look.ts';
import { isLookedAt, membershipOf, unknownLineage } from './membership.ts';
import type { PodTable } from './pods.ts';
import { type ApiPod, readPod } from './read-pod.ts';
import { createRoots } from './roots.ts';
import { type Bookmark, toldEnds } from './told-ends.ts';
import { workList } from './work-list.ts';

export { listInstances } from './instances.ts';
export { knownRoots } from './known-roots.ts';
export { instancesIn, podsOn } from './members.ts';
export type { Selectors } from './membership.ts';
export { type PodTable, podTable } from './pods.ts';
export type { Bookmark } from './told-ends.ts';

export type DiscoveryOptions = LookOptions & {
	readonly node: string;
	/** All pods are looked at anew after so long, without asking for them: what could not be found out is tried again then. */
	readonly scanIntervalMs: number;
};

type Deps = {
	readonly cluster: Cluster;
	readonly pods: PodTable;
	readonly intake: Intake;
	readonly bookmark: Bookmark;
	/** What is needed to remember where the files of containers are; absent: that is not wanted. */
	readonly files?: { readonly containers: NodeContainers; readonly bookmark: Bookmark } | undefined;
	readonly telemetry: Telemetry;
	readonly options: DiscoveryOptions;
	readonly now?: () => number;
};

/** So many pods are looked at beside each other: the log of a container may take its time. */
const looksAtOnce = 4;

/**
 * Knows the pods of this node, and tells of each end of a container that runs Milvus. What the API says of pods is taken at once; who owns
 * them and how they ended is found out beside that, so that a slow answer keeps nobody waiting but itself.
 */
export function discovery({ cluster, pods, intake, bookmark, files, telemetry, options, now = Date.now }: Deps) {
	const { node, namespaces, selectors, scanIntervalMs } = options;
	const told = toldEnds(bookmark);
	const roots = files && createRoots(files.containers, files.bookmark);
	const looks = workList();
	/** Pods of the first list that nobody has looked at yet. */
	const unknown = new Set<string>();

	/** Until the signal. Rejects by a bug only. */
	async function run(signal: AbortSignal): Promise<void> {
		const stop = new AbortController();
		const either = AbortSignal.any([signal, stop.signal]);
		const look = createLook({ cluster, pods, intake, told, roots, telemetry, options, now }, either);
		const lookAndCheck = async (uid: string) => {
			try {
				await look(uid);
			} catch (error) {
				if (!either.aborted) telemetry.workFailed('discovery', uid, error); // a bug, which is to harm this pod only; it is looked at again
			}
			isKnown(uid);
		};
		const workers = Array.from({ length: looksAtOnce }, () => looks.work(lookAndCheck, either));
		const tasks = [follow(either), scan(either), ...(roots ? [roots.watch(either)] : []), ...workers];
		for (const task of tasks) task.catch(() => stop.abort());
		await Promise.all(tasks);
	}

	async function follow(signal: AbortSignal): Promise<void> {
		const selection = { path: resource('v1', 'pods'), fieldSelector: `spec.nodeName=${node}` };
		for await (const change of cluster.informer<ApiPod, Pod>({ ...selection, trim: readPod }, signal)) {
			switch (change.is) {
				case 'synced':
					forgetAllBut(new Set(change.objects.map(({ uid }) => uid)));
					for (const pod of change.objects) {
						unknown.add(pod.uid);
						take(pod);
					}
					if (unknown.size === 0) pods.isComplete = true;
					if (change.objects.length === 0) telemetry.nodeIsEmpty(node);
					telemetry.componentReady('discovery');
					break;
				case 'changed':
					take(change.object);
					break;
				case 'deleted':
					take(change.object); // its last state may tell of an end
					pods.remove(change.object.uid);
					break;
				case 'unavailable':
					pods.isBehind = true;
					telemetry.componentNotReady('discovery', change.reason);
					break;
				case 'available':
					pods.isBehind = false;
					telemetry.componentReady('discovery');
					break;
				default:
					change satisfies never;
			}
		}
	}

	function take(pod: Pod): void {
		pods.set(pod);
		// Until it is known better.
		if (!pods.byUid(pod.uid)?.membership && isLookedAt(pod, namespaces, selectors))
			pods.identify(pod.uid, membershipOf(pod, unknownLineage, selectors));
		looks.add(pod.uid);
	}

	/** The table is complete when it is known of each pod of the first list what it is. */
	function isKnown(uid: string): void {
		if (unknown.delete(uid) && unknown.size === 0) pods.isComplete = true;
	}

	/** Pods that went while nobody watched. */
	function forgetAllBut(there: ReadonlySet<string>): void {
		told.keepOnly((uid) => there.has(uid));
		for (const { pod } of [...pods.all()]) if (!there.has(pod.uid)) pods.remove(pod.uid);
	}

	async function scan(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) {
			await delay(scanIntervalMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
			for (const { pod, goneAt } of pods.all()) if (goneAt === undefined) looks.add(pod.uid);
		}
	}

	return { run };
}
