/** A signal that aborts with the caller's, or when nothing has come for so long. */
export type Patience = Disposable & {
	readonly signal: AbortSignal;
	/** Nothing came for so long. */
	readonly isOver: boolean;
	/** Something came. */
	renew(): void;
};

export function patience(caller: AbortSignal, ms: number): Patience {
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
