import { defined } from '../../../base/defined.ts';
import type { Bodies, Traces } from '../../../domain/events.ts';
import type { Pods } from '../../../domain/pod.ts';
import type { Association } from '../../../domain/report.ts';
import type { Seen } from '../../../domain/sightings.ts';
import { byCgroup } from './by-cgroup.ts';
import { byHostName } from './by-host-name.ts';
import { byTime } from './by-time.ts';
import { deathOf, fits } from './fit.ts';
import { endIn, suspectsAt } from './suspects.ts';

export type Answer = {
	readonly association: Association;
	/** The end of the container that the crash brought about. */
	readonly restart?: Seen<'RestartEvent'>;
	/** Whether the process ran in a container of Milvus; undefined where it is not known. */
	readonly isOfMilvus: boolean | undefined;
	/** Whether nothing that may still become known would change it. */
	readonly isFinal: boolean;
	/** How badly the end fits, in ms from where it should lie. */
	readonly misfit?: number;
	/** Of the pod whose news would tell more. */
	readonly awaitedHost?: string | undefined;
};

/** What the node knows. */
export type Knowledge = {
	readonly node: string;
	readonly pods: Pods;
	/** The ends of containers of Milvus since that time. */
	readonly restarts: readonly Seen<'RestartEvent'>[];
	/** Whether no other crash led to the end with this key. */
	readonly isOpen: (restart: string) => boolean;
};

export const nobody = ({ host }: Traces, isOfMilvus?: boolean): Answer => ({
	association: { method: 'none', confidence: 'none', ...defined({ host }) },
	isOfMilvus,
	isFinal: false,
	awaitedHost: host,
});

/**
 * Which pod a process ran in: by the cgroup that was recorded, else by its host name and an end of a container that fits, else by such an end
 * alone. What might be two is none. Pure.
 */
export function associate(traces: Traces, knowledge: Knowledge): Answer {
	if (traces.container) return byCgroup(traces, traces.container, knowledge);
	const { host, isOutsidePods } = traces;
	const isOfNode = host !== undefined && isNameOf(knowledge.node, host);
	if (isOfNode && isOutsidePods) return nobody(traces, false);
	const suspects = suspectsAt(deathOf(traces), knowledge);
	const inHostNetwork = suspects.filter(({ isHostNetwork }) => isHostNetwork);
	if (host === undefined) return byTime(traces, suspects, knowledge);
	if (isOfNode) return byTime(traces, inHostNetwork, knowledge);
	const named = suspects.filter((one) => !one.isHostNetwork && isNameOf(one.host, host));
	// Its full name is no other pod's.
	const precise = named.filter((one) => one.host === host);
	if (named.length > 0) return byHostName(traces, precise.length > 0 ? precise : named, knowledge);
	// The node may have another name of its own than the cluster has for it.
	return isOutsidePods || traces.isMilvus === false ? nobody(traces) : byTime(traces, inHostNetwork, knowledge);
}

/** Whether one of two that are of the same end fits it better. */
export const isBetter = ({ misfit = Infinity }: Answer, { misfit: than = Infinity }: Answer) => misfit < than;

/** Whether an end of a container fits a death at all, at first sight. */
export function mayBeEndOf({ association, host, restart, ...end }: Bodies['RestartEvent'], traces: Traces, node: string): boolean {
	if (traces.container && traces.container.podUid !== association.podUid) return false;
	// Pods in the network of the node have its name, whichever it goes by.
	if (!traces.container && traces.host !== undefined && host !== node && !isNameOf(host, traces.host)) return false;
	return restart.finishedAt === undefined || fits(endIn({ association, host, restart, ...end }), deathOf(traces));
}

/** Machines, and some pods, have their full domain name for a host name. */
const isNameOf = (name: string, host: string) => name === host || name === host.split('.', 1)[0] || name.split('.', 1)[0] === host;
