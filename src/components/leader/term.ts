import type { Cluster } from '../../drivers/kubernetes/kubernetes.ts';
import type { Candidacy } from './candidacy.ts';
import { fenced } from './fence.ts';
import type { LeadersWork } from './leader.ts';

/** The time for which one leads without a break. */
export type Term = {
	/** By the clock; then its work is told to end. */
	isOver(): boolean;
	/** Resolves when the work has ended. Rejects when that failed, which it does only by a bug. */
	end(): Promise<void>;
};

type Means = {
	readonly cluster: Cluster;
	readonly me: Pick<Candidacy, 'isLeading' | 'termEnd'>;
	readonly work: LeadersWork;
	readonly clock: () => number;
};

/** Begins the work of a leader. It is told to end with the signal, or when the time is over for which the last renewal lets it lead. */
export function beginTerm({ cluster, me, work, clock }: Means, signal: AbortSignal, onFailure: () => void): Term {
	const over = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	const abort = () => over.abort(signal.reason);
	signal.addEventListener('abort', abort);
	if (signal.aborted) abort();

	function isOver(): boolean {
		if (!me.isLeading(clock())) over.abort(new Error('this process leads no longer'));
		return over.signal.aborted;
	}

	/** Again and again, as the end is put off by each renewal. */
	function watch(): void {
		if (!isOver()) timer = setTimeout(watch, Math.max(1, me.termEnd() - clock()));
	}

	watch();
	const working = work(fenced(cluster, isOver, over.signal), over.signal);
	working.catch(onFailure);
	return {
		isOver,
		async end() {
			over.abort(new Error('this process leads no longer'));
			clearTimeout(timer);
			signal.removeEventListener('abort', abort);
			await working;
		},
	};
}
