import { defined } from '../../../base/defined.ts';
import type { Bodies } from '../../../domain/events.ts';
import { placeOf } from '../../../domain/place.ts';
import type { KnownPod } from '../../../domain/pod.ts';
import type { Association } from '../../../domain/report.ts';
import type { Seen } from '../../../domain/sightings.ts';
import { signalOfExit } from '../../../domain/signals.ts';
import type { Knowledge } from './association.ts';
import { type Death, fits, isBefore, type RunEnd, timeOf } from './fit.ts';
import { isAccountedFor } from './runs.ts';

/** A pod of this node that was there when a process died. */
export type Suspect = {
	readonly namespace: string;
	readonly host: string;
	readonly isHostNetwork: boolean;
	readonly isOfMilvus: boolean;
	readonly known: KnownPod | undefined;
	/** The ends of its containers that the death may have led to, without those that another's led to. */
	readonly endings: readonly Ending[];
	/** Whether no container of it may have ended then without being seen. */
	readonly isAccountedFor: boolean;
};

/** An end of a container of this node. */
export type Ending = RunEnd & {
	readonly isOfMilvus: boolean;
	/** Where and how, with method and confidence still to be said. */
	readonly association: Omit<Association, 'method' | 'confidence'>;
	/** Only the ends of Milvus are told of. */
	readonly restart?: Seen<'RestartEvent'>;
};

/** A pod may be removed a moment before its last process is. */
const removedMs = 2_000;

/** The pods that were there when a process died, those too that are known only by what was told of their ends. */
export function suspectsAt(death: Death, knowledge: Knowledge): Suspect[] {
	const told = Map.groupBy(knowledge.restarts, ({ body }) => body.association.podUid);
	const known = [...knowledge.pods.all()];
	const forgotten = [...told]
		.filter(([uid]) => !knowledge.pods.byUid(uid))
		.map(([, restarts]) => restarts)
		.filter(([first]) => !known.some((one) => first && hasTakenNameOf(one, first.body.association, death)));
	return [
		...known
			.filter((one) => wasThere(one, death) && !known.some((other) => isSuccessor(other, one, death)))
			.flatMap((one) => suspect(one, told.get(one.pod.uid) ?? [], death, knowledge)),
		...forgotten.flatMap((restarts) => suspect(undefined, restarts, death, knowledge)),
	];
}

const wasThere = ({ pod, goneAt = Infinity }: KnownPod, { timeMs }: Death) =>
	!isBefore(timeMs, pod.startedAt) && goneAt >= timeMs - removedMs;

/** A pod of a StatefulSet begins when the one before it of that name is over. */
const isSuccessor = ({ pod }: KnownPod, { pod: before }: KnownPod, { timeMs }: Death) =>
	pod.name === before.name &&
	pod.namespace === before.namespace &&
	pod.startedAt !== undefined &&
	before.startedAt !== undefined &&
	before.startedAt < pod.startedAt &&
	pod.startedAt <= timeMs;

/** The same of one that is known only by what was told of its ends: there is but one pod of a name at a time. */
const hasTakenNameOf = ({ pod }: KnownPod, before: Partial<Association>, { timeMs }: Death) =>
	pod.name === before.pod && pod.namespace === before.namespace && pod.startedAt !== undefined && pod.startedAt <= timeMs;

function suspect(
	known: KnownPod | undefined,
	restarts: readonly Seen<'RestartEvent'>[],
	death: Death,
	{ node, isOpen }: Knowledge,
): Suspect | [] {
	const [first] = restarts;
	const host = known?.pod.hostname ?? first?.body.host;
	const namespace = known?.pod.namespace ?? first?.body.association.namespace;
	if (host === undefined || namespace === undefined) return [];
	const endings = [...restarts.filter(({ key }) => isOpen(key)).map(ofRestart), ...(known ? endsOfOthers(known, restarts) : [])];
	return {
		namespace,
		host,
		isHostNetwork: known?.pod.isHostNetwork ?? host === node,
		isOfMilvus: first !== undefined || known?.membership !== undefined,
		known,
		endings: endings.filter((ending) => fits(ending, death)),
		isAccountedFor: isAccountedFor(known, restarts, death),
	};
}

export function ofRestart(restart: Seen<'RestartEvent'>): Ending {
	const { method, confidence, ...where } = restart.body.association;
	return { ...endIn(restart.body), isOfMilvus: true, association: where, restart };
}

export const endIn = ({ association, restart, time }: Bodies['RestartEvent']): RunEnd => ({
	startedAt: timeOf(restart.startedAt),
	finishedAt: Date.parse(restart.finishedAt ?? time),
	signal: restart.signal?.number,
	reason: association.reason,
});

/** The ends of containers that are not Milvus' own: nobody tells of them. */
function endsOfOthers(known: KnownPod, restarts: readonly Seen<'RestartEvent'>[]): Ending[] {
	const { pod, membership, milvusContainer, ends } = known;
	const told = new Set([milvusContainer, ...restarts.map(({ body }) => body.association.container)]);
	return ends.flatMap(({ container, restartCount, termination }) => {
		const { startedAt, finishedAt, exitCode, signal = signalOfExit(exitCode), containerId, reason } = termination;
		if (finishedAt === undefined || told.has(container)) return [];
		const association = { ...placeOf(pod, membership, container), ...defined({ containerId, restartCount, exitCode, reason }) };
		return { startedAt, finishedAt, signal, reason, isOfMilvus: false, association };
	});
}
