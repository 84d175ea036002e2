import { formatSpan } from '../../base/quantity.ts';
import type { Stored } from './stored.ts';

/**
 * For how long this process has seen a decision itself. Times in an object are those of a clock that may be wrong, or of whoever wrote it: nothing is
 * removed by them alone.
 */
export function watching(delayMs: number, clock: () => number = () => performance.now()) {
	const seen = new Map<string, { readonly dueAt: number; readonly since: number }>();
	return {
		/** Takes note of what there is; what was vetoed or taken anew in between is seen anew. */
		saw(decisions: readonly Stored[]): void {
			const open = new Map(
				decisions.filter(({ phase }) => phase === 'Pending' || phase === 'Failed' || phase === 'Running').map((one) => [one.uid, one]),
			);
			for (const [uid, { dueAt }] of seen) if (open.get(uid)?.dueAt !== dueAt) seen.delete(uid);
			for (const [uid, { dueAt }] of open) if (!seen.has(uid)) seen.set(uid, { dueAt, since: clock() });
		},
		/** Why it is too early. */
		waitsFor({ uid }: Stored): string | undefined {
			const seenMs = clock() - (seen.get(uid)?.since ?? clock());
			if (seenMs >= delayMs) return undefined;
			return `this controller has seen the decision for ${formatSpan(seenMs)} of ${formatSpan(delayMs)}`;
		},
	};
}

export type Watching = ReturnType<typeof watching>;
