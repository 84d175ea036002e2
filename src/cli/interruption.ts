import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ctrl-C, or the end of the terminal or of the session. */
export class InterruptedError extends Error {
	override readonly name = 'InterruptedError';
	/** As shells have it: 128 and the signal's number. */
	readonly exitCode: number;

	constructor(signal: (typeof signals)[number]) {
		super(`interrupted by ${signal}`);
		this.exitCode = 128 + constants.signals[signal];
	}
}

/** What work that may be interrupted has to heed. */
export type Interruption = {
	readonly signal: AbortSignal;
	/** Leaves Ctrl-C to a program in front, which gets it too. */
	leaveCtrlCTo<T>(child: () => Promise<T>): Promise<T>;
};

/**
 * Does work that leaves something behind unless it comes to its end, also when it is interrupted.
 *
 * @throws {InterruptedError} when the work has cleaned up after itself
 */
export async function interruptible<T>(work: (interruption: Interruption) => Promise<T>): Promise<T> {
	const stop = new AbortController();
	let isCtrlCForChild = false;
	const interrupt = (signal: (typeof signals)[number]) => {
		if (signal !== 'SIGINT' || !isCtrlCForChild) stop.abort(new InterruptedError(signal));
	};
	for (const signal of signals) process.on(signal, interrupt);
	try {
		const result = await work({
			signal: stop.signal,
			async leaveCtrlCTo(child) {
				isCtrlCForChild = true;
				return child().finally(() => {
					isCtrlCForChild = false;
				});
			},
		});
		stop.signal.throwIfAborted();
		return result;
	} catch (error) {
		throw stop.signal.aborted ? stop.signal.reason : error;
	} finally {
		for (const signal of signals) process.off(signal, interrupt);
	}
}
