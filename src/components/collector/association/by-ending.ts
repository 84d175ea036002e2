import { defined } from '../../../base/defined.ts';
import type { Traces } from '../../../domain/events.ts';
import type { Association } from '../../../domain/report.ts';
import type { Answer } from './association.ts';
import { deathOf, distance } from './fit.ts';
import type { Ending } from './suspects.ts';

/** Of several ends in one pod that of the kind of process, else the nearest. */
export function bestOf(endings: readonly Ending[], { isMilvus, ...traces }: Traces): Ending {
	const death = deathOf(traces);
	const alike = endings.filter(({ isOfMilvus }) => isMilvus === undefined || isOfMilvus === isMilvus);
	return (alike.length > 0 ? alike : endings).reduce((one, other) => (distance(other, death) < distance(one, death) ? other : one));
}

/** An end is that of Milvus first, whatever else crashed in its container then. */
const otherMs = 60_000;

export const misfitOf = (ending: Ending, traces: Traces): number =>
	distance(ending, deathOf(traces)) + (ending.isOfMilvus && traces.isMilvus === false ? otherMs : 0);

/** The answer that a process died in the container that ended so. */
export const ofEnding = (
	ending: Ending,
	traces: Traces,
	method: Association['method'],
	confidence: Association['confidence'],
): Omit<Answer, 'isFinal'> => ({
	association: { ...ending.association, method, confidence, ...defined({ host: traces.host }) },
	...(ending.restart ? { restart: ending.restart } : {}),
	isOfMilvus: ending.isOfMilvus,
	misfit: misfitOf(ending, traces),
	awaitedHost: ending.restart?.body.host ?? traces.host,
});
