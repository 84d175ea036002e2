import type { Change } from './reload.ts';

/** What an agent does, in one part or two. Each follows the configuration by itself. */
export type Part = Disposable & {
	/** Begins the work. */
	start(): Promise<void>;
	/** Rejects when the work fails, which it does only by a bug. */
	readonly failed: Promise<never>;
	/**
	 * Makes what another configuration needs.
	 *
	 * @returns what puts it in place; after the signal no work is begun any more
	 * @throws {JournalError} it can't be had
	 */
	prepare(change: Change): Promise<(signal: AbortSignal) => Promise<void>>;
	/** Ends the work, once. @returns how much of it was given back */
	stop(): Promise<number>;
};
