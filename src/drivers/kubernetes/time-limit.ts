import { formatSpan } from '../../base/quantity.ts';
import { KubernetesUnavailable } from './errors.ts';

/** A signal that aborts with the caller's, or when too much time passes. */
export type TimeLimit = Disposable & {
	readonly signal: AbortSignal;
	/** From now on so much time may pass. @param what comes too late, for the message: `answer` */
	start(milliseconds: number, what: string): void;
	/** Time does not count until it is started again. */
	stop(): void;
};

export function timeLimit(caller: AbortSignal | undefined): TimeLimit {
	const controller = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	const abort = () => controller.abort(caller?.reason);
	// Not AbortSignal.any: the caller's signal lives as long as the agent, and must not keep a trace of each request.
	if (caller?.aborted) abort();
	else caller?.addEventListener('abort', abort);
	const stop = () => clearTimeout(timer);
	return {
		signal: controller.signal,
		start(milliseconds, what) {
			stop();
			timer = setTimeout(() => controller.abort(new KubernetesUnavailable(`no ${what} for ${formatSpan(milliseconds)}`)), milliseconds);
		},
		stop,
		[Symbol.dispose]() {
			stop();
			caller?.removeEventListener('abort', abort);
		},
	};
}
