import { defined } from '../../../base/defined.ts';
import type { Bodies } from '../../../domain/events.ts';
import { placeOf } from '../../../domain/place.ts';
import type { KnownPod, Pods } from '../../../domain/pod.ts';
import type { Association } from '../../../domain/report.ts';
import type { Seen } from '../../../domain/sightings.ts';
import type { EpochMs } from '../../../domain/stage.ts';
import { type CrashTime, type Ending, endingsOf, fits } from './endings.ts';

export { type CrashTime, fits } from './endings.ts';

/** What a core, and what was recorded of its crash, say of where the process ran. */
export type Traces = CrashTime & {
	/** As the process saw it. */
	readonly host?: string | undefined;
	/** `POD_NAMESPACE` in its environment. */
	readonly namespace?: string | undefined;
	/** Its cgroup, as it was recorded when the process died. */
	readonly container?: { readonly podUid: string; readonly containerId: string } | undefined;
	/** Whether its executable is Milvus'. */
	readonly isMilvus: boolean;
};

export type Answer = {
	readonly association: Association;
	/** The end of the container that the crash brought about. */
	readonly restart?: Seen<'RestartEvent'>;
	/** Whether the pod is one of Milvus; undefined where it is not known, or there is none. */
	readonly isOfMilvus?: boolean;
};

/** What the node knows. */
export type Knowledge = {
	readonly node: string;
	readonly pods: Pods;
	/** Ends of containers of Milvus that may belong to a crash of that time, without those that belong to another. */
	readonly restarts: readonly Seen<'RestartEvent'>[];
};

const nobody = (host: string | undefined): Answer => ({ association: { method: 'none', confidence: 'none', ...defined({ host }) } });

/**
 * Which pod a process ran in: by the cgroup that was recorded, else by its host name and an end of a container that fits, else by such an end
 * alone. What might be two is none.
 */
export function associate(traces: Traces, knowledge: Knowledge): Answer {
	if (traces.container) return byCgroup(traces, traces.container, knowledge);
	const endings = endingsOf(knowledge).filter((ending) => fits(ending, traces));
	const { host } = traces;
	if (host !== undefined && host !== knowledge.node) return byHostName(traces, host, endings, knowledge);
	// The node's own name is that of its processes, and of pods in its network.
	return byTime(traces, host === undefined ? endings : endings.filter(({ isHostNetwork }) => isHostNetwork));
}

function byCgroup(traces: Traces, { podUid, containerId }: NonNullable<Traces['container']>, { pods, restarts }: Knowledge): Answer {
	const known = pods.byUid(podUid);
	const restart = restarts.find(({ body }) => body.association.containerId === containerId);
	const certain = { method: 'cgroup', confidence: 'exact', podUid, containerId, ...defined({ host: traces.host }) } as const;
	const place = known ? placeOf(known.pod, known.membership, containerNamed(known, containerId)) : undefined;
	const isPaired = restart !== undefined && isEndOf(restart.body, traces);
	const past = restart && whereOf(restart.body.association);
	return {
		association: { ...place, ...past, ...certain, ...(isPaired ? howOf(restart.body.association) : {}) },
		...(isPaired ? { restart } : {}),
		...(restart ? { isOfMilvus: true } : known ? { isOfMilvus: known.membership !== undefined } : {}),
	};
}

function byHostName(traces: Traces, host: string, endings: readonly Ending[], { pods, restarts }: Knowledge): Answer {
	const isThere = (namespace: string | undefined) => traces.namespace === undefined || namespace === traces.namespace;
	const ending = theOne(
		endings.filter((one) => !one.isHostNetwork && isSameHost(one.host, host) && isThere(one.namespace)),
		traces,
	);
	if (ending) return ofEnding(ending, 'host name', 'strong', host);
	if (endings.some((one) => isSameHost(one.host, host) && isThere(one.namespace))) return nobody(host); // several, and nothing tells which
	// No container of that pod ended by it: a child process, or an end that nobody saw.
	const candidates = [...pods.byHostname(host)].filter(
		({ pod, goneAt }) => isThere(pod.namespace) && wasThere(pod.startedAt, goneAt, traces),
	);
	const [only] = candidates;
	const elsewhere = restarts.some(({ body }) => body.host === host && !pods.byUid(body.association.podUid));
	if (!only || candidates.length > 1 || elsewhere) return nobody(host);
	return {
		association: { method: 'host name', confidence: 'weak', host, ...placeOf(only.pod, only.membership) },
		isOfMilvus: only.membership !== undefined,
	};
}

function byTime(traces: Traces, endings: readonly Ending[]): Answer {
	// The kernel does not name a host for every file; Milvus is known by its executable.
	const ending = theOne(traces.isMilvus ? endings.filter(({ isOfMilvus }) => isOfMilvus) : endings, traces);
	return ending?.isOfMilvus ? ofEnding(ending, 'time', 'weak', traces.host) : nobody(traces.host);
}

/** The only end that fits; of several of one pod the one of Milvus, or the nearest. */
function theOne(endings: readonly Ending[], { isMilvus, timeMs }: Traces): Ending | undefined {
	const [first] = endings;
	if (!first || endings.some(({ podUid }) => podUid !== first.podUid)) return undefined;
	const preferred = isMilvus ? endings.filter(({ isOfMilvus }) => isOfMilvus) : endings;
	const distance = (ending: Ending) => Math.abs(ending.finishedAt - timeMs);
	return (preferred.length > 0 ? preferred : endings).reduce((one, other) => (distance(other) < distance(one) ? other : one));
}

const ofEnding = (
	ending: Ending,
	method: Association['method'],
	confidence: Association['confidence'],
	host: string | undefined,
): Answer => ({
	association: { ...ending.association, method, confidence, ...defined({ host }) },
	...(ending.restart ? { restart: ending.restart } : {}),
	isOfMilvus: ending.isOfMilvus,
});

const isEndOf = ({ association, restart }: Bodies['RestartEvent'], traces: Traces) =>
	restart.finishedAt === undefined ||
	fits({ finishedAt: Date.parse(restart.finishedAt), exitCode: association.exitCode ?? 0, signal: restart.signal?.number }, traces);

/** Some pods have their full domain name for a host name. */
const isSameHost = (one: string, other: string) => one === other || one === other.split('.', 1)[0];

const wasThere = (startedAt: EpochMs | undefined, goneAt: EpochMs | undefined, { timeMs }: CrashTime) =>
	(startedAt === undefined || startedAt <= timeMs + 2_000) && (goneAt === undefined || goneAt >= timeMs - 2_000);

function containerNamed({ pod, ends }: KnownPod, containerId: string): string | undefined {
	return (
		pod.containers.find(({ id }) => id === containerId)?.name ??
		ends.find(({ termination }) => termination.containerId === containerId)?.container
	);
}

const whereOf = ({ method, confidence, restartCount, exitCode, reason, ...where }: Association) => where;

const howOf = ({ restartCount, exitCode, reason }: Association) => defined({ restartCount, exitCode, reason });
