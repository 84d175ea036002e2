import type { ContainerEnd, KnownPod, Membership, Pod, Pods } from '../../domain/pod.ts';
import { endsIn, isSameEnd } from './ends.ts';
import { runsMilvus } from './membership.ts';

/** So many ends of one pod are remembered, and so many pods that are gone, each for so long: for cores that turn up late. */
const mostEnds = 50;
const mostGone = 500;
const goneMs = 60 * 60_000;

export type PodTable = Pods & {
	isComplete: boolean;
	isBehind: boolean;
	/** A pod as it is now. What it has to do with Milvus stays as it was known. */
	set(pod: Pod): void;
	/** What a pod has to do with Milvus, if anything. */
	identify(uid: string, membership: Membership | undefined): void;
	/** A pod that is not there any more. */
	remove(uid: string): void;
};

type Entry = {
	pod: Pod;
	membership: Membership | undefined;
	milvusContainer: string | undefined;
	ends: readonly ContainerEnd[];
	goneAt?: number;
};

/** What is known of the pods of this node. */
export function podTable(now: () => number = Date.now): PodTable {
	const entries = new Map<string, Entry>();

	function forgetGone(): void {
		const gone = [...entries].filter(([, { goneAt }]) => goneAt !== undefined);
		gone.forEach(([uid, { goneAt = 0 }], index) => {
			if (now() - goneAt > goneMs || index < gone.length - mostGone) entries.delete(uid);
		});
	}

	return {
		isComplete: false,
		isBehind: false,
		byUid: (uid) => entries.get(uid),
		byHostname: (hostname) => [...entries.values()].filter(({ pod }) => !pod.isHostNetwork && pod.hostname === hostname),
		all: (): Iterable<KnownPod> => entries.values(),
		set(pod) {
			const before = entries.get(pod.uid);
			const { membership, milvusContainer } = before ?? {};
			entries.set(pod.uid, { pod, membership, milvusContainer, ends: withNew(before?.ends ?? [], pod) });
		},
		identify(uid, membership) {
			const entry = entries.get(uid);
			if (!entry) return;
			const { pod } = entry;
			const milvusContainer = membership && pod.containers.find(({ name }) => runsMilvus(pod, name))?.name;
			entries.set(uid, { ...entry, membership, milvusContainer });
		},
		remove(uid) {
			const entry = entries.get(uid);
			if (!entry || entry.goneAt !== undefined) return;
			entries.delete(uid);
			entries.set(uid, { ...entry, goneAt: now() }); // behind those that went before
			forgetGone();
		},
	};
}

function withNew(known: readonly ContainerEnd[], pod: Pod): readonly ContainerEnd[] {
	const shown = endsIn(pod);
	const isSame = (one: ContainerEnd, other: ContainerEnd) =>
		one.container === other.container && isSameEnd(one.termination, other.termination);
	// An end without an id may be counted only later.
	const counted = known.map((one) => {
		const restartCount = shown.find((other) => isSame(one, other))?.restartCount ?? 0;
		return restartCount > one.restartCount ? { ...one, restartCount } : one;
	});
	return [...counted, ...shown.filter((end) => !known.some((one) => isSame(one, end)))].slice(-mostEnds);
}
