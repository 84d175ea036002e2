import { defined } from '../../../base/defined.ts';
import type { Traces } from '../../../domain/events.ts';
import { placeOf } from '../../../domain/place.ts';
import type { KnownPod } from '../../../domain/pod.ts';
import type { Association } from '../../../domain/report.ts';
import type { Seen } from '../../../domain/sightings.ts';
import type { Answer, Knowledge } from './association.ts';
import { misfitOf } from './by-ending.ts';
import { deathOf, fits, isPrompt } from './fit.ts';
import { ofRestart } from './suspects.ts';

/** By what was recorded of the process when it died: there is no doubt of the container. */
export function byCgroup(traces: Traces, container: NonNullable<Traces['container']>, { pods, restarts, isOpen }: Knowledge): Answer {
	const { podUid, containerId } = container;
	const known = pods.byUid(podUid);
	const ofPod = restarts.filter(({ body }) => body.association.podUid === podUid);
	const end = ofPod.find(({ body }) => body.association.containerId === containerId) ?? ofPod.find((one) => isEndOfUnknown(one, traces));
	const name = end?.body.association.container ?? (known && containerNamed(known, containerId));
	const death = deathOf(traces);
	const ending = end && ofRestart(end);
	const isPaired = end !== undefined && ending !== undefined && isOpen(end.key) && (!end.body.restart.finishedAt || fits(ending, death));
	const place = known ? placeOf(known.pod, known.membership, name) : placeIn(end ?? ofPod[0], name);
	return {
		association: {
			...place,
			...(isPaired ? howIn(ending.association) : {}),
			...{ method: 'cgroup', confidence: 'exact', podUid, containerId },
			...defined({ image: end?.body.association.image, host: traces.host }),
		},
		...(isPaired ? { restart: end, misfit: misfitOf(ending, traces) } : {}),
		isOfMilvus: isMilvus(known, ofPod.length > 0, name, traces),
		isFinal: isPaired && isPrompt(ending, death) && traces.isMilvus !== false,
		awaitedHost: known?.pod.hostname ?? traces.host,
	};
}

/** Some runtimes do not tell which run it was that ended. */
const isEndOfUnknown = (restart: Seen<'RestartEvent'>, traces: Traces) =>
	restart.body.association.containerId === undefined && fits(ofRestart(restart), deathOf(traces));

function isMilvus(known: KnownPod | undefined, wasTold: boolean, container: string | undefined, traces: Traces): boolean | undefined {
	if (!known) return wasTold || undefined;
	if (!known.membership) return wasTold;
	if (container === undefined) return mayBeSidecar(known, traces) ? undefined : true;
	return container === known.milvusContainer;
}

/** Of a process that is not Milvus' own, in a pod with more than Milvus in it. */
export const mayBeSidecar = ({ pod }: KnownPod, { isMilvus }: Traces) => isMilvus === false && pod.containers.length > 1;

function containerNamed({ pod, ends }: KnownPod, containerId: string): string | undefined {
	return (
		pod.containers.find(({ id }) => id === containerId)?.name ??
		ends.find(({ termination }) => termination.containerId === containerId)?.container
	);
}

/** Of a pod that is forgotten its ends still tell, whichever of its containers they are of. */
function placeIn(told: Seen<'RestartEvent'> | undefined, container: string | undefined) {
	if (!told) return {};
	const { node, namespace, pod, podUid, instance, instanceKind, component } = told.body.association;
	return defined({ node, namespace, pod, podUid, container, instance, instanceKind, component });
}

const howIn = ({ restartCount, exitCode, reason }: Partial<Association>) => defined({ restartCount, exitCode, reason });
