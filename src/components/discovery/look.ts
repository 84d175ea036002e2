import type { Intake } from '../../domain/intake.ts';
import type { KnownPod, Membership, Pod } from '../../domain/pod.ts';
import type { Cluster, KubernetesObject } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type End, isCrash, newEnds } from './ends.ts';
import { createLastWords } from './last-words.ts';
import { createLineages } from './lineage.ts';
import { isLookedAt, membershipOf, runsMilvus, type Selectors } from './membership.ts';
import { createPatience } from './patience.ts';
import type { PodTable } from './pods.ts';
import { restartEvent, restartKey } from './restart-event.ts';
import type { createRoots } from './roots.ts';
import type { toldEnds } from './told-ends.ts';

export type LookOptions = {
	readonly selectors: Selectors;
	/** The namespaces that are looked at. */
	readonly namespaces: 'all' | readonly string[];
	/** The kubelet's folder of logs. */
	readonly podLogsPath: string;
	/** Where the logs of containers that ended are kept. */
	readonly logFolder: string;
	/** Of a container that is seen for the first time, an end that is older is not told of. */
	readonly maxAgeMs: number;
};

type Deps = {
	readonly cluster: Cluster;
	readonly pods: PodTable;
	readonly intake: Intake;
	readonly told: ReturnType<typeof toldEnds>;
	readonly roots: Pick<ReturnType<typeof createRoots>, 'see'> | undefined;
	readonly telemetry: Telemetry;
	readonly options: LookOptions;
	readonly now: () => number;
};

/** What is done when a pod has changed: find out whose it is, and tell of its ends and recoveries that nobody was told of yet. */
export function createLook({ cluster, pods, intake, told, roots, telemetry, options, now }: Deps, signal: AbortSignal) {
	const askForOwners = createPatience(now);
	const lineageOf = createLineages({
		lookUp: (path) => askForOwners(() => cluster.get<KubernetesObject>(path, signal)),
		onUnknown: telemetry.ownerUnknown,
		now,
	});
	const lastWordsOf = createLastWords({ cluster, telemetry, now, ...options });
	/** After how many restarts a container was told to be ready, by pod and container. */
	const recovered = new Map<string, Map<string, number>>();

	async function look(uid: string): Promise<void> {
		const known = pods.byUid(uid);
		if (!known) return;
		const membership = await identified(known.pod);
		pods.identify(uid, membership);
		telemetry.instancesSeen(instanceCount());
		if (!membership) return;
		await roots?.see(known.pod, goesOn);
		await tellEnds(known, membership);
		await tellRecovery(known);
		if (known.goneAt !== undefined) forget(uid);
	}

	/** Whether a container of Milvus runs. */
	const goesOn = (id: string) =>
		[...pods.all()].some(
			({ pod, membership, goneAt }) =>
				membership && goneAt === undefined && pod.containers.some((one) => one.id === id && one.end === undefined),
		);

	async function identified(pod: Pod): Promise<Membership | undefined> {
		return isLookedAt(pod, options.namespaces, options.selectors) ? membershipOf(pod, await lineageOf(pod), options.selectors) : undefined;
	}

	async function tellEnds(known: KnownPod, membership: Membership): Promise<void> {
		const { pod } = known;
		const wasNeverSeen = new Set(pod.containers.flatMap(({ name }) => (told.of(pod.uid, name) ? [] : [name])));
		/** What ended before this agent ever looked may be long ago. */
		const isOfAnotherAge = ({ container, termination: { finishedAt } }: End) =>
			wasNeverSeen.has(container.name) && finishedAt !== undefined && now() - finishedAt > options.maxAgeMs;
		for (const end of newEnds(known, (container) => told.of(pod.uid, container))) {
			if (runsMilvus(pod, end.container.name) && isCrash(end) && !isOfAnotherAge(end)) {
				const words = await lastWordsOf(restartKey(pod, end), pod, end, signal);
				const event = restartEvent({ pod, membership, end, ...words, foundAt: now() });
				const added = await intake.append(event);
				if (signal.aborted) return; // it may not have been appended any more
				if (added.length > 0) telemetry.restartSeen(event.key, event.body);
			}
			told.add(pod.uid, end);
		}
		await told.remember(pod);
	}

	async function tellRecovery({ pod, goneAt }: KnownPod): Promise<void> {
		for (const { name, isReady, restartCount } of pod.containers) {
			const before = recovered.get(pod.uid) ?? new Map<string, number>();
			if (!isReady || restartCount === 0 || goneAt !== undefined || !runsMilvus(pod, name) || before.get(name) === restartCount) continue;
			const body = { podUid: pod.uid, container: name, restartCount, time: new Date(now()).toISOString() };
			await intake.append({ kind: 'RecoveryEvent', key: `${pod.uid}/${name}/${restartCount}`, body });
			recovered.set(pod.uid, before.set(name, restartCount));
		}
	}

	function forget(uid: string): void {
		told.keepOnly((one) => one !== uid);
		recovered.delete(uid);
	}

	function instanceCount(): number {
		const there = [...pods.all()].filter(({ goneAt }) => goneAt === undefined);
		return new Set(there.flatMap(({ membership }) => (membership ? [Object.values(membership.instance).join('/')] : []))).size;
	}
	return look;
}
