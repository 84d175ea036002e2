import type { Traces } from '../../../domain/events.ts';
import { type Answer, type Knowledge, nobody } from './association.ts';
import { bestOf, ofEnding } from './by-ending.ts';
import type { Suspect } from './suspects.ts';

/** By nothing but that only one container of Milvus ended then, in that way. */
export function byTime(traces: Traces, suspects: readonly Suspect[], { pods }: Knowledge): Answer {
	if (traces.isMilvus === false) return nobody(traces, false); // of the machine itself, as far as anything tells
	const possible = suspects.filter(({ isOfMilvus }) => isOfMilvus || !traces.isMilvus);
	const [fit, ...others] = possible.filter(({ endings }) => endings.some(({ isOfMilvus }) => isOfMilvus || !traces.isMilvus));
	const isDoubtful = possible.some((one) => one !== fit && !one.isAccountedFor);
	if (!fit || others.length > 0 || isDoubtful || !pods.isComplete || pods.isBehind) return nobody(traces);
	const ending = bestOf(fit.endings, traces);
	if (!ending.isOfMilvus) return nobody(traces, false);
	// What has the same signs may still become known.
	return { ...ofEnding(ending, traces, 'time', 'weak'), isFinal: false };
}
