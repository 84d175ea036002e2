import { createHash } from 'node:crypto';
import { isCrash, newEnds, type Told, toldOf } from '../../src/components/discovery/ends.ts';
import { membershipOf, runsMilvus } from '../../src/components/discovery/membership.ts';
import { podTable } from '../../src/components/discovery/pods.ts';
import { type ApiPod, readPod } from '../../src/components/discovery/read-pod.ts';
import { restartEvent } from '../../src/components/discovery/restart-event.ts';
import type { Event } from '../../src/domain/events.ts';
import type { EpochMs } from '../../src/domain/stage.ts';

type Status = NonNullable<NonNullable<ApiPod['status']>['containerStatuses']>[number];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export type PodOptions = {
	readonly namespace?: string;
	/** Of a Milvus query node, unless they say otherwise. */
	readonly labels?: Readonly<Record<string, string>>;
	readonly containers?: readonly string[];
	readonly isHostNetwork?: boolean;
	readonly startedAt: EpochMs;
};

export type RunOptions = { readonly container?: string };
export type EndOptions = RunOptions & {
	readonly exitCode: number;
	readonly reason?: string;
	/** Of a runtime that tells it. */
	readonly signal?: number;
};

/** A pod, and what the kubelet would have the API say of it. */
export type PlayedPod = {
	readonly uid: string;
	readonly name: string;
	readonly namespace: string;
	/** What its processes take for the name of their machine. */
	readonly host: string;
	readonly containers: readonly string[];
	/** Begins a run of a container. @returns the id of it */
	run(at: EpochMs, options?: RunOptions): string;
	/** Ends the run of a container; the next one begins later. */
	end(at: EpochMs, options: EndOptions): void;
	/** The kubelet waits before it begins the next run. */
	backOff(options?: RunOptions): void;
	/** Of the last run. */
	containerId(container?: string): string;
	object(): ApiPod;
};

export const milvusLabels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'search', component: 'querynode' };
export const etcdLabels = { 'app.kubernetes.io/name': 'etcd', 'app.kubernetes.io/instance': 'search' };

/** A hexadecimal text that is the same each time. */
export const hexOf = (what: string, length: number) => createHash('sha256').update(what).digest('hex').slice(0, length);

/** The API has whole seconds. */
const second = (at: EpochMs) => new Date(Math.floor(at / 1000) * 1000).toISOString().replace('.000Z', 'Z');

/**
 * @param incarnation of a pod that comes back under the same name
 */
export function playPod(node: string, name: string, options: PodOptions, incarnation = 0): PlayedPod {
	const { namespace = 'default', labels = milvusLabels, containers = ['querynode'], isHostNetwork = false, startedAt } = options;
	const id = hexOf(`${node}/${namespace}/${name}/${incarnation}`, 32);
	const uid = id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
	const statuses = new Map<string, Mutable<Status>>(
		containers.map((one) => [one, { name: one, image: 'milvusdb/milvus:v2.6.15', restartCount: -1, ready: false, state: {} }]),
	);
	const statusOf = (container = containers[0] ?? '') => {
		const status = statuses.get(container);
		if (!status) throw new Error(`${name} has no container ${container}`);
		return status;
	};
	const [host = name] = isHostNetwork ? [node] : [name.slice(0, 63).replace(/[-.]+$/, '')];
	return {
		uid,
		name,
		namespace,
		host,
		containers,
		run(at, { container } = {}) {
			const status = statusOf(container);
			if (status.state?.terminated) status.lastState = status.state;
			status.restartCount = (status.restartCount ?? 0) + 1;
			status.containerID = `containerd://${hexOf(`${uid}/${status.name}/${status.restartCount}`, 64)}`;
			status.state = { running: { startedAt: second(at) } };
			return bare(status);
		},
		end(at, { container, exitCode, reason = exitCode === 0 ? 'Completed' : 'Error', signal }) {
			const status = statusOf(container);
			const { containerID = '', state } = status;
			const times = { startedAt: state?.running?.startedAt ?? second(at), finishedAt: second(at) };
			status.state = { terminated: { exitCode, reason, containerID, ...times, ...(signal === undefined ? {} : { signal }) } };
		},
		backOff({ container } = {}) {
			const status = statusOf(container);
			if (!status.state?.terminated) return;
			status.lastState = status.state;
			status.state = { waiting: { reason: 'CrashLoopBackOff' } };
		},
		containerId: (container) => bare(statusOf(container)),
		object: () => ({
			metadata: { uid, name, namespace, labels, resourceVersion: '1', creationTimestamp: second(startedAt) },
			spec: { nodeName: node, hostNetwork: isHostNetwork, containers: containers.map((one) => ({ name: one })) },
			status: {
				startTime: second(startedAt),
				containerStatuses: [...statuses.values()].map((status) =>
					structuredClone({ ...status, restartCount: Math.max(0, status.restartCount ?? 0) }),
				),
			},
		}),
	};
}

const bare = ({ containerID = '' }: Status) => containerID.replace('containerd://', '');

const selectors = { helmReleaseLabels: ['app.kubernetes.io/name=milvus', 'helm.sh/chart=milvus'], operatorLabels: ['milvus.io/instance'] };

/** What an agent knows of the pods of its node, and tells of them, each time that it looks. */
export function watchedPods(now: () => EpochMs) {
	let pods = podTable(now);
	pods.isComplete = true;
	const seen = new Map<string, Told>();
	return {
		get pods() {
			return pods;
		},
		/** As the informer would tell: @returns the ends that are new. */
		look(played: PlayedPod): Event<'RestartEvent'>[] {
			const pod = readPod(played.object());
			const membership = membershipOf(pod, { ancestors: [], isComplete: true }, selectors);
			pods.set(pod);
			pods.identify(pod.uid, membership);
			const known = pods.byUid(pod.uid);
			if (!membership || !known) return [];
			const ends = newEnds(known, (container) => seen.get(`${pod.uid}/${container}`));
			for (const end of ends) seen.set(`${pod.uid}/${end.container.name}`, toldOf(end));
			for (const { name, restartCount } of pod.containers) {
				const key = `${pod.uid}/${name}`;
				if (!seen.has(key)) seen.set(key, { restartCount });
			}
			return ends
				.filter((end) => runsMilvus(pod, end.container.name) && isCrash(end))
				.map((end) => {
					const words = { log: undefined, panicLine: undefined, killMessage: undefined };
					return restartEvent({ pod, membership, end, ...words, foundAt: now() });
				});
		},
		/** It is deleted. */
		remove: ({ uid }: Pick<PlayedPod, 'uid'>) => pods.remove(uid),
		/** The agent starts anew: what it remembers is what the journal keeps. */
		restart(): void {
			pods = podTable(now);
		},
	};
}
