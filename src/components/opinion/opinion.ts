/** The door to the opinions of language models. */
import { randomUUID } from 'node:crypto';
import { defined } from '../../base/defined.ts';
import { type Event, followsFrom } from '../../domain/events.ts';
import { type Book, type Ledger, LedgerUnavailable, type Permit } from '../../domain/ledger.ts';
import type { ModelProvider } from '../../domain/model-provider.ts';
import type { Given, Opinion } from '../../domain/opinion.ts';
import type { CrashReport } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { type Attempt, done, type EpochMs, type Outcome, retry, type Stage } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { aboutOf } from './about.ts';
import { checked } from './answer.ts';
import { createBreaker } from './breaker.ts';
import { type Limits, left, permit, settled } from './budget.ts';
import { type Consulted, consult, mostCalls } from './consult.ts';
import { costOf, mostUsage, type Price } from './price.ts';
import { type AnswerOptions, questionOf } from './question.ts';
import { promptVersion, type RequestOptions, requestOf } from './request.ts';

export { clusterLedger } from './cluster-ledger.ts';
export { type AnswerOptions, type Language, questionOf } from './question.ts';
export { requestOf } from './request.ts';

export type OpinionOptions = AnswerOptions &
	Pick<RequestOptions, 'allows'> & {
		/** Also about crashes whose cores were not worth storing, or that left none. */
		readonly analyzeSkipped: boolean;
		/** Undefined: nothing is refused. */
		readonly limits: Limits | undefined;
		/** Of a model; undefined: it costs nothing that is counted. */
		readonly priceOf: (model: string) => Price | undefined;
		/** Who asks, among all that share the budget. */
		readonly party: string;
	};

/** Whom to ask. */
export type Models = {
	/** @param model instead of the one that is configured */
	provider(model?: string): ModelProvider;
	/** Another when the key is another. */
	keyMark(): Promise<string>;
};

export type OpinionDeps = {
	/** Undefined: nobody is asked. */
	readonly models: Models | undefined;
	readonly reports: Reports;
	readonly ledger: Ledger;
	readonly telemetry: Telemetry;
	readonly options: OpinionOptions;
	readonly now?: () => EpochMs;
};

export type Opinions = {
	readonly stage: Stage<'StorageEvent' | 'OpinionRequest'>;
	/** Finds out whether the service takes the key and has the model, so that a mistake shows before the first crash. */
	begin(signal: AbortSignal): Promise<void>;
};

type Asked = Event<'StorageEvent' | 'OpinionRequest'>;

/** For so long a service that does not answer is tried again; afterwards its opinion helps nobody any more. */
const patienceMs = 15 * 60_000;
/** For so long there may be no budget. */
const budgetPatienceMs = 2 * 3600_000;

/** Asks a language model about crashes whose cores were stored. Nothing waits for it, and nothing is done because of what it says. */
export function opinions({ models, reports, ledger, telemetry, options, now = Date.now }: OpinionDeps): Opinions {
	const breaker = createBreaker();
	let stoppedWith: string | undefined;
	let noBudget: Extract<Permit, { is: 'refused' }> | undefined;

	async function handle(event: Asked, signal: AbortSignal, attempt?: Attempt): Promise<Outcome> {
		if (!models || !isWanted(event, options)) return done();
		const report = reports.report(event.key);
		if (!report) throw new Error(`crash ${event.key} has no report`);
		const since = attempt?.at ?? now();
		const state = await breakerState(models);
		if (state.is === 'stopped') return none(event, report, state.reason);
		if (state.is === 'open') return notYet(event, report, state.reason, since + patienceMs, state.until);
		if (noBudget && noBudget.until > now()) return notYet(event, report, noBudget.reason, since + budgetPatienceMs, noBudget.until);

		const provider = models.provider(event.kind === 'OpinionRequest' ? event.body.model : undefined);
		const question = (isShort: boolean) => questionOf(requestOf(report, { allows: options.allows, isShort }), options);
		const questions = { whole: question(false), short: question(true) };
		const price = options.priceOf(provider.model);
		const entry = {
			about: aboutOf(report, provider, options.language, event.kind === 'OpinionRequest' ? event.revision : undefined),
			party: options.party,
			cost: price ? mostCalls * costOf(mostUsage(questions.whole), price) : 0,
			ticket: randomUUID(),
		};
		const permitted = await written((book) => permit(book, entry, options.limits, now()), signal);
		if (permitted instanceof LedgerUnavailable) return notYet(event, report, permitted.message, since + budgetPatienceMs);
		switch (permitted.is) {
			case 'answered':
				telemetry.opinionRemembered(report.id);
				return done(opinionEvent(event, opinionOf(report, permitted.given, true)));
			case 'underway':
				return retry('another node asks the same');
			case 'refused':
				noBudget = permitted;
				return notYet(event, report, permitted.reason, since + budgetPatienceMs, permitted.until);
			case 'granted':
				break;
			default:
				return permitted satisfies never;
		}

		const started = performance.now();
		const consulted = await consult(provider, questions, signal);
		const cost = price && costOf(consulted.usage, price);
		telemetry.modelSpent(consulted.usage, cost);
		if (consulted.is === 'failed') {
			await settle(entry.ticket, { cost }, signal);
			return failed(event, report, consulted.why, since);
		}
		const given = givenBy(provider, consulted, cost);
		await settle(entry.ticket, { cost, given }, signal);
		breaker.answered();
		tell();
		const durationMs = performance.now() - started;
		telemetry.opinionGiven(report.id, {
			provider: provider.service,
			model: given.model,
			usage: consulted.usage,
			...defined({ cost }),
			durationMs,
		});
		return done(opinionEvent(event, opinionOf(report, given)));
	}

	async function settle(ticket: string, { cost = 0, given }: { cost: number | undefined; given?: Given }, signal: AbortSignal) {
		const problem = await written((book) => [settled(book, ticket, { cost, ...defined({ given }) }, now()), undefined], signal);
		if (problem) telemetry.budgetUnsettled(problem.message);
	}

	async function failed(event: Asked, report: CrashReport, why: Extract<Consulted, { is: 'failed' }>['why'], since: EpochMs) {
		breaker.failed(why, now());
		if (why.retry === 'when changed') stoppedWith = await models?.keyMark();
		tell();
		if (why.retry === 'later') return notYet(event, report, why.words, since + patienceMs, why.retryAt);
		return none(event, report, why.words);
	}

	/** Again later, unless that would be too late. */
	function notYet(event: Asked, report: CrashReport, reason: string, deadline: EpochMs, until = now()): Outcome {
		return Math.max(until, now()) < deadline ? retry(reason) : none(event, report, reason);
	}

	function none(event: Asked, { id, revision }: CrashReport, reason: string): Outcome {
		telemetry.opinionNotAvailable(id, reason);
		return done(opinionEvent(event, { is: 'not available', revision, time: isoTime(now()), reason }));
	}

	function givenBy(
		{ service }: ModelProvider,
		{ answer, model, usage }: Extract<Consulted, { is: 'given' }>,
		cost: number | undefined,
	): Given {
		return { time: isoTime(now()), provider: service, model, promptVersion, usage, ...defined({ cost }), answer };
	}

	/** As it is now. A key that was exchanged in its file is tried at once. */
	async function breakerState(of: Models) {
		if (breaker.state(now()).is === 'stopped' && stoppedWith !== (await of.keyMark())) {
			breaker.reset();
			tell();
		}
		return breaker.state(now());
	}

	const tell = () => telemetry.modelIs(breaker.state(now()), now());

	async function written<T>(change: (book: Book) => readonly [Book, T], signal: AbortSignal): Promise<T | LedgerUnavailable> {
		try {
			return await ledger.change((book) => {
				const [next, result] = change(book);
				telemetry.budgetLeft(left(next, options.limits, now()));
				return [next, result];
			}, signal);
		} catch (error) {
			if (error instanceof LedgerUnavailable) return error;
			throw error;
		}
	}

	return {
		stage: { reads: ['StorageEvent', 'OpinionRequest'], concurrency: 1, isPatient: true, handle },
		async begin(signal) {
			if (!models) return telemetry.modelIsOff();
			tell();
			const problem = await problemOfModel(models.provider(), signal);
			if (problem?.retry !== 'when changed') return;
			breaker.failed(problem, now());
			stoppedWith = await models.keyMark();
			tell();
		},
	};
}

/** Asks as little as can be asked. @returns what does not work */
export async function problemOfModel(provider: ModelProvider, signal: AbortSignal) {
	const reply = await provider.ask(
		{ system: 'Answer with one word.', user: 'Ready?', maxTokens: 8, temperature: 0, wantsJson: false },
		signal,
	);
	return reply.is === 'failed' && reply.class !== 'used up' ? reply : undefined;
}

function isWanted({ kind, body }: Asked, { analyzeSkipped }: OpinionOptions): boolean {
	return kind === 'OpinionRequest' || body.is === 'stored' || (body.is === 'skipped' && analyzeSkipped);
}

const opinionEvent = (event: Asked, opinion: Opinion): Event<'OpinionEvent'> => ({
	kind: 'OpinionEvent',
	...followsFrom(event),
	body: { opinion },
});

function opinionOf(report: CrashReport, given: Given, isRemembered = false): Opinion {
	const { unverifiedSuggestions, unverifiedIssues } = checked(given.answer, report);
	return {
		is: 'given',
		revision: report.revision,
		...given,
		...(isRemembered && { isRemembered }),
		unverifiedSuggestions: [...unverifiedSuggestions],
		unverifiedIssues: [...unverifiedIssues],
	};
}

const isoTime = (at: EpochMs) => new Date(at).toISOString();
