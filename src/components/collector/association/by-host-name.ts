import { defined } from '../../../base/defined.ts';
import type { Traces } from '../../../domain/events.ts';
import { placeOf } from '../../../domain/place.ts';
import type { KnownPod } from '../../../domain/pod.ts';
import { type Answer, type Knowledge, nobody } from './association.ts';
import { mayBeSidecar } from './by-cgroup.ts';
import { bestOf, ofEnding } from './by-ending.ts';
import { deathOf, isPrompt } from './fit.ts';
import type { Suspect } from './suspects.ts';

/** By the host name of the process, where only one pod of that name may have brought about its death. */
export function byHostName(traces: Traces, named: readonly Suspect[], { pods }: Knowledge): Answer {
	const there = named.filter(({ namespace }) => traces.namespace === undefined || traces.namespace === namespace);
	const isSure = pods.isComplete && !pods.isBehind;
	const [fit, ...others] = there.filter(({ endings }) => endings.length > 0);
	const doubtful = there.filter((one) => one !== fit && !one.isAccountedFor);
	if (fit && others.length === 0 && doubtful.length === 0 && (isSure || there.length === 1)) {
		const ending = bestOf(fit.endings, traces);
		// News of the others of that name may still come.
		const isFinal = isSure && there.length === 1 && isPrompt(ending, deathOf(traces)) && traces.isMilvus !== false;
		return { ...ofEnding(ending, traces, 'host name', isSure ? 'strong' : 'weak'), isFinal };
	}
	const [only, ...more] = there;
	// No container of that pod ended by it: a child process, or an end that nobody saw.
	if (only?.known && more.length === 0 && !fit) return ofPod(only.known, traces);
	return nobody(traces, there.length > 0 ? there.some(({ isOfMilvus }) => isOfMilvus) : undefined);
}

function ofPod(known: KnownPod, traces: Traces): Answer {
	const { pod, membership } = known;
	const [container, ...others] = pod.containers;
	const name = others.length === 0 ? container?.name : undefined;
	return {
		association: { method: 'host name', confidence: 'weak', ...placeOf(pod, membership, name), ...defined({ host: traces.host }) },
		isOfMilvus: membership && mayBeSidecar(known, traces) ? undefined : membership !== undefined,
		isFinal: false,
		awaitedHost: pod.hostname,
	};
}
