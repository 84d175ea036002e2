/** A signal that aborts with the caller's, or when the time is over. */
export type TimeLimit = Disposable & {
	readonly signal: AbortSignal;
	readonly ms: number;
	/** The time was over. */
	readonly isOver: boolean;
	/** The time begins anew: something came. */
	renew(): void;
};

export function timeLimit(caller: AbortSignal, ms: number): TimeLimit {
	const controller = new AbortController();
	let isOver = false;
	// Not AbortSignal.any: the caller's signal may live as long as the agent, and must not keep a trace of each question.
	const abort = () => controller.abort(caller.reason);
	if (caller.aborted) abort();
	else caller.addEventListener('abort', abort);
	const timer = setTimeout(() => {
		isOver = true;
		controller.abort();
	}, ms);
	return {
		signal: controller.signal,
		ms,
		get isOver() {
			return isOver;
		},
		renew() {
			timer.refresh();
		},
		[Symbol.dispose]() {
			clearTimeout(timer);
			caller.removeEventListener('abort', abort);
		},
	};
}
