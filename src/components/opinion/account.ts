import { randomUUID } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import { type Book, type Ledger, LedgerUnavailable, type Permit } from '../../domain/ledger.ts';
import type { Given } from '../../domain/opinion.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type Limits, left, permit, type Question, remembered, settled } from './budget.ts';

/** What one agent asks of the book that all share. Where that can't be had, it is an outcome. */
export type Account = {
	/** Tells what is left, or why that is not known. */
	look(signal: AbortSignal): Promise<void>;
	/** Whether a question may be asked. */
	permit(question: Omit<Question, 'ticket'>, signal: AbortSignal): Promise<Permit | LedgerUnavailable>;
	/** What was answered before, which can be had also when nothing may be asked. */
	remembered(about: string, signal: AbortSignal): Promise<Extract<Permit, { is: 'answered' }> | undefined | LedgerUnavailable>;
	/**
	 * Also when the agent is told to stop meanwhile: what was answered is paid for.
	 *
	 * @param spent.cost undefined: it costs nothing that is counted
	 */
	settle(ticket: string, spent: { readonly cost: number | undefined; readonly given?: Given }): Promise<void>;
};

export type AccountDeps = {
	readonly ledger: Ledger;
	/** Undefined: nothing is refused. */
	readonly limits: Limits | undefined;
	readonly telemetry: Pick<Telemetry, 'budgetLeft' | 'budgetUnknown' | 'budgetUnsettled'>;
	readonly now: () => EpochMs;
};

/** Within the time that an agent has to stop. */
const settleMs = 4_000;

export function accountIn({ ledger, limits, telemetry, now }: AccountDeps): Account {
	async function change<T>(by: (book: Book) => readonly [Book, T], signal: AbortSignal): Promise<T | LedgerUnavailable> {
		try {
			const [book, result] = await ledger.change((before) => {
				const [next, result] = by(before);
				return [next, [next, result] as const];
			}, signal);
			telemetry.budgetLeft(left(book, limits, now()));
			return result;
		} catch (error) {
			if (error instanceof LedgerUnavailable) return error;
			throw error;
		}
	}

	return {
		async look(signal) {
			const problem = await change((book) => [book, undefined], signal);
			if (problem) telemetry.budgetUnknown(problem.message);
		},
		permit: (question, signal) => change((book) => permit(book, { ...question, ticket: randomUUID() }, limits, now()), signal),
		remembered: (about, signal) => change((book) => [book, remembered(book, about, now(), limits?.rememberMs)], signal),
		async settle(ticket, { cost = 0, given }) {
			const signal = AbortSignal.timeout(settleMs);
			try {
				const problem = await change((book) => [settled(book, ticket, { cost, ...defined({ given }) }, now()), undefined], signal);
				if (problem) telemetry.budgetUnsettled(problem.message);
			} catch (error) {
				if (!signal.aborted) throw error;
				telemetry.budgetUnsettled('there was no time for it');
			}
		},
	};
}
