import type { Intake } from '../../domain/intake.ts';
import type { Pod } from '../../domain/pod.ts';
import { type Cluster, isKubernetesError, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type End, isCrash, newEnds } from './ends.ts';
import { createLastWords } from './last-words.ts';
import { createLineages } from './lineage.ts';
import { type Lineage, mayBeMilvus, membershipOf, runsMilvus, type Selectors } from './membership.ts';
import type { PodTable } from './pods.ts';
import { type ApiPod, readPod } from './read-pod.ts';
import { restartEvent, restartKey } from './restart-event.ts';

export { listInstances } from './instances.ts';
export type { Selectors } from './membership.ts';
export { type PodTable, podTable } from './pods.ts';

export type DiscoveryOptions = {
	readonly node: string;
	readonly namespaces: 'all' | readonly string[];
	readonly selectors: Selectors;
	/** The kubelet's folder of logs. */
	readonly podLogsPath: string;
	/** Where the logs of containers that ended are kept. */
	readonly logFolder: string;
	/** Of a container that is seen for the first time, an end that is older is not told of. */
	readonly maxAgeMs: number;
};

/** Keeps something small over restarts of the agent. */
export type Bookmark = { read(): string | undefined; write(value: string): Promise<void> };

type Deps = {
	readonly cluster: Cluster;
	readonly pods: PodTable;
	readonly intake: Intake;
	readonly bookmark: Bookmark;
	readonly telemetry: Telemetry;
	readonly options: DiscoveryOptions;
	readonly now?: () => number;
};

/** Knows the pods of this node, and tells of each end of a container that runs Milvus. */
export function discovery({ cluster, pods, intake, bookmark, telemetry, options, now = Date.now }: Deps) {
	const { node, namespaces, selectors } = options;
	const lineageOf = createLineages((path) => cluster.get<KubernetesObject>(path), now);
	const lastWordsOf = createLastWords({ cluster, telemetry, ...options });
	/** The restart count of each container after its last end that was told of, by pod and container. */
	const seen = new Map<string, number>(Object.entries(JSON.parse(bookmark.read() ?? '{}')));
	const recovered = new Set<string>();

	async function run(signal: AbortSignal): Promise<void> {
		const selection = { path: resource('v1', 'pods'), fieldSelector: `spec.nodeName=${node}` };
		for await (const change of cluster.informer<ApiPod, Pod>({ ...selection, trim: readPod }, signal)) {
			switch (change.is) {
				case 'synced':
					for (const pod of change.objects) await look(pod, signal);
					pods.isComplete = true;
					forgetAllBut(new Set(change.objects.map(({ uid }) => uid)));
					telemetry.componentReady('discovery');
					break;
				case 'changed':
					await look(change.object, signal);
					break;
				case 'deleted':
					await look(change.object, signal); // its last state may tell of an end
					pods.remove(change.object.uid);
					break;
				case 'unavailable':
					telemetry.componentNotReady('discovery', change.reason);
					break;
				case 'available':
					telemetry.componentReady('discovery');
					break;
				default:
					change satisfies never;
			}
			telemetry.instancesSeen(instanceCount());
		}
	}

	async function look(pod: Pod, signal: AbortSignal): Promise<void> {
		const membership = isLookedAt(pod) ? membershipOf(pod, await knownLineage(pod), selectors) : undefined;
		pods.set(pod, membership);
		if (!membership) return;
		const ends = newEnds(pod, (container) => seen.get(`${pod.uid}/${container}`));
		for (const end of ends) {
			if (!runsMilvus(pod, end.container.name) || !isWorthTelling(pod, end)) continue;
			const words = await lastWordsOf(restartKey(pod, end), pod, end, signal);
			const event = restartEvent({ pod, membership, end, ...words, foundAt: now() });
			const added = await intake.append(event);
			if (added.length > 0) telemetry.restartSeen(event.key, event.body);
		}
		await remember(pod, ends);
		await tellRecovery(pod);
	}

	const isLookedAt = (pod: Pod) => (namespaces === 'all' || namespaces.includes(pod.namespace)) && mayBeMilvus(pod, selectors);

	async function knownLineage(pod: Pod): Promise<Lineage | undefined> {
		try {
			return await lineageOf(pod);
		} catch (error) {
			if (!isKubernetesError(error)) throw error;
			telemetry.ownerUnknown(`${pod.namespace}/${pod.name}`, error.message);
			return undefined;
		}
	}

	/** What ended before this agent ever looked may be of another age. */
	function isWorthTelling(pod: Pod, { container, termination }: End): boolean {
		if (!isCrash(termination, pod)) return false;
		const isFirstLook = !seen.has(`${pod.uid}/${container.name}`);
		return !isFirstLook || termination.finishedAt === undefined || now() - termination.finishedAt <= options.maxAgeMs;
	}

	async function remember(pod: Pod, ends: readonly End[]): Promise<void> {
		let hasChanged = false;
		for (const { name, restartCount } of pod.containers) {
			const key = `${pod.uid}/${name}`;
			const last = ends.findLast(({ container }) => container.name === name)?.restartCount;
			// Without an end to show, an earlier count stays: what comes next tells how many were missed.
			const count = last ?? seen.get(key) ?? restartCount;
			hasChanged ||= seen.get(key) !== count;
			seen.set(key, count);
		}
		if (hasChanged) await bookmark.write(JSON.stringify(Object.fromEntries(seen)));
	}

	/** Forgets the pods that went while nobody watched. */
	function forgetAllBut(there: ReadonlySet<string>): void {
		for (const { pod } of [...pods.all()]) if (!there.has(pod.uid)) pods.remove(pod.uid);
		const isGone = (key: string) => !there.has(key.slice(0, key.indexOf('/')));
		for (const key of seen.keys()) if (isGone(key)) seen.delete(key);
		for (const key of recovered) if (isGone(key)) recovered.delete(key);
	}

	async function tellRecovery(pod: Pod): Promise<void> {
		for (const { name, isReady, restartCount } of pod.containers) {
			const key = `${pod.uid}/${name}/${restartCount}`;
			if (!isReady || restartCount === 0 || !runsMilvus(pod, name) || recovered.has(key)) continue;
			recovered.add(key);
			const body = { podUid: pod.uid, container: name, restartCount, time: new Date(now()).toISOString() };
			await intake.append({ kind: 'RecoveryEvent', key, body });
		}
	}

	function instanceCount(): number {
		const names = [...pods.all()].flatMap(({ membership }) => (membership ? [Object.values(membership.instance).join('/')] : []));
		return new Set(names).size;
	}

	return { run };
}
