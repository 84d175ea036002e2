import type { Thread } from '../../domain/report.ts';
import type { Statement, TraceLog, TraceStack } from '../../readers/tracelog/tracelog.ts';

/** All that was read of what the process wrote. */
export type LogEvidence = { readonly trace: TraceLog; readonly notes: readonly string[] };

/**
 * The stacks that may be the crashed thread's, the likeliest first: those that follow the statement that says what happened,
 * up to the first goroutine's. The goroutines behind it only happened to be there.
 */
export function suspectStacks({ stacks }: TraceLog, statement: Statement | undefined): readonly TraceStack[] {
	const from = statement?.at ?? 0;
	const isField = statement?.is === 'exit';
	const behind = stacks.filter(({ at, kind }) => (kind === 'field' ? isField && at >= from - 1 : at >= from));
	const first = behind.findIndex(({ kind, id }) => kind === 'goroutine' && id !== undefined && id !== 0);
	const candidates = first < 0 ? behind : behind.slice(0, first + 1);
	return candidates.length > 0 ? candidates : stacks;
}

export const threadOf = ({ kind, id, name = goroutineName(kind, id), frames, isCut }: TraceStack): Thread => ({
	...(id === undefined ? {} : { id }),
	...(name === undefined ? {} : { name }),
	crashed: false,
	frames: [...frames],
	...(isCut ? { isCut } : {}),
});

const goroutineName = (kind: TraceStack['kind'], id: number | undefined) =>
	kind === 'goroutine' && id !== undefined ? `goroutine ${id}` : undefined;
