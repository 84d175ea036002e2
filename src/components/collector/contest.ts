import type { Bodies, Traces } from '../../domain/events.ts';
import type { Pods } from '../../domain/pod.ts';
import type { Seen, Sightings } from '../../domain/sightings.ts';
import type { EpochMs } from '../../domain/stage.ts';
import { type Answer, associate, isBetter, mayBeEndOf } from './association/association.ts';

/** A core that was reported, and what is to be said of it now that an end is known. */
export type Reported = { readonly core: Seen<'Correlation'>; readonly answer: Answer };

/** An end is seen after the crash that led to it; but a clock may have been set back in between. */
const setBackMs = 60_000;
/** A core takes minutes to be written, where it is large and the disk slow; never longer than this. */
const longestDumpMs = 6 * 3600_000;

/** Finds out which of several cores has led to an end of a container: no end is that of two. */
export function contest({ node, pods, sightings }: { readonly node: string; readonly pods: Pods; readonly sightings: Sightings }) {
	/** The cores that are not reported yet; those of an agent before this one are not, until they are looked at again. */
	const waiting = new Map<string, Traces>();

	/** @param except an end that is another's */
	function answerFor(core: string, traces: Traces, except?: string): Answer {
		const isOpen = (restart: string) => restart !== except && [undefined, core].includes(sightings.correlationWith(restart)?.key);
		return associate(traces, { node, pods, restarts: restartsAfter(traces.time), isOpen });
	}

	const restartsAfter = (time: string): readonly Seen<'RestartEvent'>[] => sightings.restartsSince(Date.parse(time) - setBackMs);

	/** Whether a core that waits fits an end, and better than the one of this answer. */
	function hasBetter(restart: Pick<Seen<'RestartEvent'>, 'key' | 'body'>, than: Answer | undefined): boolean {
		return [...waiting].some(([key, traces]) => {
			const answer = mayBeEndOf(restart.body, traces, node) ? answerFor(key, traces) : undefined;
			return answer?.restart?.key === restart.key && (!than || isBetter(answer, than));
		});
	}

	/** Of the cores that are reported without an end the one that led to this best. */
	function openCoreOf(key: string, body: Bodies['RestartEvent']): Reported | undefined {
		const { startedAt, finishedAt = body.time } = body.restart;
		const since: EpochMs =
			Math.max(Date.parse(finishedAt) - longestDumpMs, startedAt === undefined ? 0 : Date.parse(startedAt)) - setBackMs;
		return sightings
			.openCorrelations(since)
			.filter((core) => mayBeEndOf(body, core.body.traces, node))
			.map((core) => ({ core, answer: answerFor(core.key, core.body.traces) }))
			.filter(({ answer }) => answer.restart?.key === key)
			.reduce<Reported | undefined>((best, one) => (best && !isBetter(one.answer, best.answer) ? best : one), undefined);
	}

	return { waiting, answerFor, restartsAfter, hasBetter, openCoreOf };
}
