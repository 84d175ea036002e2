import type { DatabaseSync } from 'node:sqlite';
import { bodies, type Event, type Kind } from '../domain/events.ts';
import { foldGivenUp } from '../domain/fold.ts';
import type { EpochMs, Outcome } from '../domain/stage.ts';
import { appending, inTransaction, type Readers, stored } from './appending.ts';
import { backoffMs, longestDelayMs } from './backoff.ts';
import { JournalUnavailable, openOwned, openToRead, unusable, withJournal, withJournalEach } from './open.ts';
import { type Publication, publication } from './publication.ts';
import { statements } from './statements.ts';
import { watchStrangers } from './strangers.ts';
import { JournalView } from './view.ts';

export type { Readers } from './appending.ts';
export { type JournalGuest, joinJournal } from './guest.ts';
export { ledgerIn } from './ledger.ts';
export { JournalError, JournalInUse, JournalUnavailable } from './open.ts';
export type { JournalView, Rejection } from './view.ts';

/** An event that one stage has taken and must settle or give back. */
export type Claim = {
	readonly id: number;
	readonly stage: string;
	readonly event: Event;
	/** When it was appended. */
	readonly at: EpochMs;
	readonly retries: number;
	readonly failures: number;
	/** Whether one more unexpected exception, or, where the stage is not patient, one more death of the process, is the end of it. */
	readonly isLastTry: boolean;
	/** The newest event when it was taken. */
	readonly newest: number;
};

export type JournalOptions = {
	readonly now?: () => EpochMs;
	/** What goes on all the same when a stage gives up an event: appended where it is rejected, in one transaction. */
	readonly goOn?: (stage: string, event: Event, reason: string) => readonly Event[];
	/** The stages by whose events no process dies: `Stage.isPatient`. */
	readonly patient?: readonly string[];
	/** Told of what the journal itself rejects: what can't be read, what killed the process, what no stage is there for. */
	readonly onRejected?: (stage: string, key: string, reason: string) => void;
	/** It only appends, in the place of an agent that does not run: the work that is there is left to that. */
	readonly isGuest?: boolean;
};

/** How often an unexpected exception may come before the event is rejected. */
const mostFailures = 5;
/** How often the process may die over an event before it is rejected, or, where the stage is patient, put off. */
const mostDeaths = 3;
/** For how long the world may be at fault before work is given up. */
const giveUpMs = 7 * 24 * 3600_000;

/**
 * The durable channel between the stages: what is appended is there after a power cut, and is handed out until it is settled.
 * All that it is asked may throw JournalUnavailable, and is then not done.
 */
export class Journal implements Disposable {
	readonly #path: string;
	readonly #db: DatabaseSync;
	readonly #lock: DatabaseSync;
	readonly #sql: ReturnType<typeof statements>;
	readonly #publication: Publication;
	readonly #sleepers = new Set<() => void>();
	readonly #readers: Readers;
	readonly #appending: ReturnType<typeof appending>;
	readonly #strangers: Disposable;
	readonly #now: () => EpochMs;
	readonly #goOn: NonNullable<JournalOptions['goOn']>;
	readonly #patient: readonly string[];
	readonly #onRejected: NonNullable<JournalOptions['onRejected']>;
	readonly view: JournalView;
	/** What of the reports is to be published, and how far that has come. */
	readonly outbox: Omit<Publication, 'written'>;

	/**
	 * Opens it for the one process that runs the pipeline; what a dead one had in hand is ready again.
	 *
	 * @throws {JournalError} in use, newer than this version, or not usable
	 */
	constructor(
		path: string,
		readers: Readers,
		{ now = Date.now, goOn = () => [], patient = [], onRejected = () => {}, isGuest = false }: JournalOptions = {},
	) {
		({ db: this.#db, lock: this.#lock } = openOwned(path));
		this.#path = path;
		this.#goOn = goOn;
		this.#patient = patient;
		this.#onRejected = onRejected;
		this.#sql = statements(this.#db);
		this.#publication = publication(this.#db);
		this.outbox = withJournalEach(path, this.#publication);
		this.#readers = readers;
		this.#now = now;
		this.view = new JournalView(this.#db);
		this.#appending = appending({ sql: this.#sql, view: this.view, publication: this.#publication, readers, now });
		this.#strangers = watchStrangers(this.#db, () => this.#wake());
		try {
			if (isGuest) return;
			for (const { stage, key, reason } of this.#transaction(() => this.#takeOver())) onRejected(stage, key, reason);
		} catch (cause) {
			this[Symbol.dispose]();
			throw unusable(path, cause instanceof JournalUnavailable ? cause.cause : cause);
		}
	}

	/** @returns what was rejected */
	#takeOver(): readonly { readonly stage: string; readonly key: string; readonly reason: string }[] {
		const reason = 'process died while handling it';
		const now = this.#now();
		const most = mostDeaths - 1;
		const over = { most, patient: JSON.stringify(this.#patient), tooOld: now - giveUpMs };
		const dead = (this.#sql.dead.all(over) as (ClaimRow & { stage: string })[]).map((row) => this.#claimOf(row.stage, row));
		for (const { claim, problem } of dead) this.#reject(claim, reason, { isReadable: problem === undefined });
		for (const { event, stage, deaths } of this.#sql.killers.all({ most }) as { event: number; stage: string; deaths: number }[])
			this.#sql.putOff.run({ event, stage, due: now + backoffMs(deaths - most + 1) });
		this.#sql.revive.run();
		const stages = JSON.stringify([...new Set(Object.values(this.#readers).flat())]);
		const orphans = this.#sql.orphan.all({ stages, due: now }) as { stage: string; key: string; reason: string }[];
		for (const { stage, key, reason } of orphans) this.#tellGivenUp(key, stage, reason);
		return [...dead.map(({ claim: { stage, event } }) => ({ stage, key: event.key, reason })), ...orphans];
	}

	/** Appends what is not there yet. @returns the events that were new */
	append(...events: readonly Event[]): readonly Event[] {
		return this.#transaction(() => this.#appending.append(events));
	}

	/** True when an event named this file as its original, also when that event is long forgotten. */
	isKnown(original: string): boolean {
		return withJournal(this.#path, () => this.#sql.isKnown.get({ what: stored(original) }) !== undefined);
	}

	/** Takes the oldest event that is due for a stage, if there is one. One whose body does not fit its kind is rejected. */
	claim(stage: string): Claim | undefined {
		for (;;) {
			const due = { stage, now: this.#now(), longest: longestDelayMs };
			const row = withJournal(this.#path, () => this.#sql.claim.get(due)) as ClaimRow | undefined;
			if (!row) return undefined;
			const { claim, problem } = this.#claimOf(stage, row);
			if (problem === undefined) return claim;
			const reason = `the event can't be read: ${problem}`;
			this.#transaction(() => this.#reject(claim, reason, { isReadable: false }));
			this.#onRejected(stage, claim.event.key, reason);
		}
	}

	/** Ends a claim and appends what it emitted: both, or on a crash neither. @returns the state that the work is in now */
	settle(claim: Claim, outcome: Outcome): 'done' | 'ready' | 'waiting' | 'rejected' {
		return this.#transaction(() => {
			const now = this.#now();
			switch (outcome.is) {
				case 'done':
					this.#appending.append(outcome.emit);
					return this.#set(claim, { state: 'done' });
				case 'retry': {
					const isTooOld = now - claim.at > giveUpMs;
					if (isTooOld) return this.#reject(claim, `given up after ${giveUpMs / 86_400_000} days: ${outcome.reason}`);
					return this.#set(claim, { state: 'ready', reason: outcome.reason, retry: 1, due: now + backoffMs(claim.retries + 1) });
				}
				case 'wait': {
					const hasPartner = this.#sql.hasJoined.get({ joinKey: outcome.joinKey, newest: claim.newest }) !== undefined;
					if (hasPartner) return this.#set(claim, { state: 'ready' });
					return this.#set(claim, { state: 'waiting', joinKey: outcome.joinKey, due: Math.min(outcome.until, now + longestDelayMs) });
				}
				case 'rejected':
					return this.#reject(claim, outcome.reason);
				default:
					return outcome satisfies never;
			}
		});
	}

	/** After an unexpected exception: again, five times at most. */
	fail(claim: Claim, reason: string): 'ready' | 'rejected' {
		return this.#transaction(() => {
			if (claim.failures + 1 >= mostFailures) return this.#reject(claim, reason);
			return this.#set(claim, { state: 'ready', reason, failure: 1, due: this.#now() + backoffMs(claim.failures + 1) });
		});
	}

	/** The name that was decided on first for the core of a crash: that of now, where none was. */
	nameOnce(id: string, name: string): string {
		const row = withJournal(this.#path, () => this.#sql.nameOnce.get({ id, name }));
		return (row?.name as string | undefined) ?? name;
	}

	/** Remembers how far something outside has been read, after what was read there has been appended. */
	setBookmark(name: string, value: string): void {
		withJournal(this.#path, () => this.#sql.bookmark.run({ name, value }));
	}

	/** Puts in place of a bookmark what is made of it, in one step; where that is undefined, nothing is written. */
	changeBookmark<T>(name: string, change: (value: string | undefined) => readonly [next: string | undefined, result: T]): T {
		return withJournal(this.#path, () => {
			const [value, result] = change(this.view.bookmark(name));
			if (value !== undefined) this.#sql.bookmark.run({ name, value });
			return result;
		});
	}

	/** What was to be tried again later is due now, as what stood in its way is gone. */
	hurry(...stages: readonly string[]): void {
		this.#transaction(() => this.#sql.hurry.run({ stages: JSON.stringify(stages), now: this.#now() }));
	}

	/** Unfinished, through no fault of its own: at shutdown. */
	giveBack(claim: Claim): void {
		this.#transaction(() => this.#set(claim, { state: 'ready' }));
	}

	/** Resolves when there may be something to claim for a stage, or at the signal. Like all else it throws at once; it never rejects. */
	ready(stage: string, signal: AbortSignal): Promise<void> {
		const { due } = withJournal(this.#path, () => this.#sql.nextDue.get({ stage })) as { due: EpochMs | null };
		return this.#sleep(due ?? Infinity, signal);
	}

	/**
	 * Forgets the bodies of settled events that are older than so long, and the reports of which nothing else is left. Keys stay, so that nothing is
	 * reported anew.
	 *
	 * @param more.keepsStored whether reports of stored cores stay: who deletes these must know them
	 */
	prune(olderThanMs: number, { keepsStored = false } = {}): void {
		this.#transaction(() => {
			const before = this.#now() - olderThanMs;
			this.#sql.pruneWork.run({ before });
			this.#sql.pruneBodies.run({ before });
			this.#sql.pruneReports.run({ keepsStored: Number(keepsStored) });
		});
	}

	/** Resolves when something has been appended or settled, also by a guest, at the time, or at the signal. */
	changed(until: EpochMs, signal: AbortSignal): Promise<void> {
		return this.#sleep(until, signal);
	}

	[Symbol.dispose](): void {
		this.#strangers[Symbol.dispose]();
		this.#db.close();
		this.#lock.close();
	}

	/** Until the time, something is appended or settled, or the signal. */
	async #sleep(due: EpochMs, signal: AbortSignal): Promise<void> {
		const { promise, resolve: wake } = Promise.withResolvers<void>();
		const timer = setTimeout(wake, Math.min(60_000, Math.max(0, due - this.#now())));
		const abort = () => wake();
		this.#sleepers.add(wake);
		signal.addEventListener('abort', abort);
		if (!signal.aborted) await promise;
		signal.removeEventListener('abort', abort);
		this.#sleepers.delete(wake);
		clearTimeout(timer);
	}

	#claimOf(stage: string, row: ClaimRow) {
		return claimOf(stage, row, this.#patient.includes(stage));
	}

	/** Ends the work for good. What goes on all the same is appended; else the crash's report tells that its way ends here. */
	#reject(claim: Claim, reason: string, { isReadable } = { isReadable: true }): 'rejected' {
		const { stage, event } = claim;
		const [words = ''] = reason.split('\n'); // behind them stands where it was thrown
		const onward = isReadable ? this.#goOn(stage, event, words) : [];
		if (onward.length > 0) this.#appending.append(onward);
		else this.#tellGivenUp(event.key, stage, words);
		return this.#set(claim, { state: 'rejected', reason });
	}

	#tellGivenUp(key: string, stage: string, reason: string): void {
		const report = this.view.report(key);
		if (report) this.#appending.write(foldGivenUp(report, stage, reason));
	}

	#set<S extends State>(
		{ id, stage }: Claim,
		change: { state: S; due?: EpochMs; joinKey?: string; reason?: string; retry?: 1; failure?: 1 },
	): S {
		const { changes } = this.#sql.settle.run({ id, stage, due: this.#now(), joinKey: null, reason: null, retry: 0, failure: 0, ...change });
		if (changes === 0) throw new Error(`event ${id} is not in the hands of ${stage}`);
		return change.state;
	}

	#transaction<T>(body: () => T): T {
		const result = withJournal(this.#path, () => inTransaction(this.#db, body));
		this.#wake();
		return result;
	}

	#wake(): void {
		for (const wake of this.#sleepers) wake();
	}
}

/** What was taken; its event has no body where that can't be read. */
function claimOf(stage: string, row: ClaimRow, isPatient: boolean): { readonly claim: Claim; readonly problem?: string } {
	const { id, retries, failures, deaths, at, newest, kind, key, revision } = row;
	const { body, ...problem } = parseBody(kind, row.body);
	const isLastTry = failures + 1 >= mostFailures || (!isPatient && deaths + 1 >= mostDeaths);
	return {
		claim: {
			id,
			stage,
			at,
			retries,
			failures,
			isLastTry,
			newest,
			event: { kind, key, ...(revision > 1 ? { revision } : {}), body } as Event,
		},
		...problem,
	};
}

/** A body as its kind has it, or what is wrong with it. */
function parseBody(kind: string, text: string | null): { readonly body?: unknown; readonly problem?: string } {
	const schema = bodies[kind as Kind];
	if (!schema) return { problem: `this version knows no kind ${kind}` };
	try {
		const { success, data, error } = schema.safeParse(JSON.parse(text ?? ''));
		if (success) return { body: data };
		return {
			problem: error.issues.map(({ path, message }) => [...(path.length > 0 ? [path.join('.')] : []), message].join(': ')).join('; '),
		};
	} catch (cause) {
		return { problem: String(cause) };
	}
}

type State = 'done' | 'ready' | 'waiting' | 'rejected';
type ClaimRow = Pick<Claim, 'id' | 'retries' | 'failures' | 'at' | 'newest'> & {
	readonly deaths: number;
	readonly kind: string;
	readonly key: string;
	readonly revision: number;
	readonly body: string | null;
};

/**
 * Opens a journal beside the agent that runs, or when none does, to look only.
 *
 * @throws {JournalError} none there, newer than this version, or not usable
 */
export function readJournal(path: string): JournalView & Disposable {
	const db = openToRead(path);
	return Object.assign(new JournalView(db), { [Symbol.dispose]: () => db.close() });
}
