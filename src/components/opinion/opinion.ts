/** The door to the opinions of language models. */
import { defined } from '../../base/defined.ts';
import { type Event, followsFrom } from '../../domain/events.ts';
import { type Ledger, LedgerUnavailable } from '../../domain/ledger.ts';
import type { ModelProvider } from '../../domain/model-provider.ts';
import type { Given, Opinion } from '../../domain/opinion.ts';
import type { CrashReport } from '../../domain/report.ts';
import type { Reports } from '../../domain/reports.ts';
import { type Attempt, done, type EpochMs, type Outcome, retry, type Stage } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { aboutOf } from './about.ts';
import { accountIn } from './account.ts';
import { checked } from './answer.ts';
import type { Limits } from './budget.ts';
import { consult } from './consult.ts';
import { createGate, type Gate, type Held, type Models } from './gate.ts';
import { costOf, mostOf, type Price } from './price.ts';
import { type AnswerOptions, questionOf } from './question.ts';
import { problemOfModel } from './ready.ts';
import { promptVersion, type RequestOptions, requestOf } from './request.ts';

export { clusterLedger } from './cluster-ledger.ts';
export { mostCalls } from './consult.ts';
export type { Models } from './gate.ts';
export { questionOf } from './question.ts';
export { problemOfModel } from './ready.ts';
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
		/** How long asking about one crash may take. */
		readonly mostMs: number;
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
	/** Tells how the service is: time alone may change that. */
	tell(): void;
};

type Asked = Event<'StorageEvent' | 'OpinionRequest'>;

/** For so long a service that does not answer is tried again; afterwards its opinion helps nobody any more. */
const patienceMs = 15 * 60_000;
/** For so long the same is not asked again that the service, or the model, does not answer: a crash loop pays for it once. */
const refusalMs = 24 * 3600_000;
const mostRefusals = 500;
/** For so long there may be no budget. */
const budgetPatienceMs = 2 * 3600_000;

/** Asks a language model about crashes whose cores were stored. Nothing waits for it, and nothing is done because of what it says. */
export function opinions({ models, reports, ledger, telemetry, options, now = Date.now }: OpinionDeps): Opinions {
	const reads = ['StorageEvent', 'OpinionRequest'] as const;
	if (!models)
		return {
			stage: { reads, concurrency: 1, isPatient: true, handle: async () => done() },
			begin: async () => telemetry.modelIsOff(),
			tell() {},
		};
	const { provider: providerOf } = models;
	const gates = new Map<string, Gate>();
	const refusals = new Map<string, { readonly reason: string; readonly until: EpochMs }>();

	function remember(about: string, refusal: { readonly reason: string; readonly until: EpochMs }): void {
		refusals.set(about, refusal);
		const [oldest] = refusals.keys();
		if (refusals.size > mostRefusals && oldest !== undefined) refusals.delete(oldest);
	}

	const account = accountIn({ ledger, limits: options.limits, telemetry, now });

	/** Of each model: that there is no such one says nothing of another. How the configured one is, is told. */
	function gateOf({ model }: ModelProvider): Gate {
		const tell = model === providerOf().model ? telemetry.modelIs : () => {};
		const gate = gates.get(model) ?? createGate(models as Models, tell, now);
		gates.set(model, gate);
		return gate;
	}

	async function handle(event: Asked, signal: AbortSignal, { at: since } = { at: now() } as Attempt): Promise<Outcome> {
		if (!isWanted(event, options)) return done();
		const report = reports.report(event.key);
		if (!report) throw new Error(`crash ${event.key} has no report`);
		const provider = providerOf(event.kind === 'OpinionRequest' ? event.body.model : undefined);
		const about = aboutOf(report, provider, options.language, event.kind === 'OpinionRequest' ? event.revision : undefined);
		const before = refusals.get(about);
		if (before && before.until > now()) return none(event, report, before.reason);
		const gate = gateOf(provider);
		const held = await gate.held();
		if (held) {
			const known = (await account.remembered(about, signal)) ?? held;
			if (known instanceof LedgerUnavailable) return notYet(event, report, known.message, since + budgetPatienceMs);
			return known.is === 'answered' ? again(event, report, known.given) : notAsked(event, report, known, since);
		}

		const question = (isShort: boolean) => questionOf(requestOf(report, { allows: options.allows, isShort }), options);
		const questions = { whole: question(false), short: question(true) };
		const price = options.priceOf(provider.model);
		const cost = price ? costOf(mostOf(questions), price) : 0;
		const permit = await account.permit({ about, party: options.party, cost, mostMs: options.mostMs }, signal);
		if (permit instanceof LedgerUnavailable) return notYet(event, report, permit.message, since + budgetPatienceMs);
		switch (permit.is) {
			case 'answered':
				return again(event, report, permit.given);
			case 'granted':
				break;
			case 'underway':
				return retry('another node asks the same');
			case 'refused':
				gate.refused(permit);
				return notAsked(event, report, permit, since);
			default:
				return permit satisfies never;
		}

		const started = performance.now();
		const consulted = await consult(provider, questions, signal);
		const spent = price && costOf(consulted.usage, price);
		telemetry.modelSpent(consulted.usage, spent);
		if (consulted.is === 'failed') {
			await account.settle(permit.ticket, { cost: spent });
			gate.failed(consulted.why);
			const { retry: helps, retryAt, words } = consulted.why;
			if (helps === 'never' || helps === 'shorter') remember(about, { reason: words, until: now() + refusalMs });
			return helps === 'later' ? notYet(event, report, words, since + patienceMs, retryAt) : none(event, report, words);
		}
		const { answer, model, usage } = consulted;
		const facts = { provider: provider.service, model, ...defined({ cost: spent }) };
		const given = { time: isoTime(now()), ...facts, promptVersion, usage, answer };
		await account.settle(permit.ticket, { cost: spent, given });
		gate.answered();
		telemetry.opinionGiven(report.id, { ...facts, usage, durationMs: performance.now() - started });
		return done(opinionEvent(event, opinionOf(report, given)));
	}

	/** What was answered to an earlier crash of the same bug and image, or to an earlier revision of this one. */
	function again(event: Asked, report: CrashReport, given: Given): Outcome {
		if (report.opinion?.is === 'given' && report.opinion.time === given.time) return done(); // it has it already
		telemetry.opinionRemembered(report.id);
		return done(opinionEvent(event, opinionOf(report, given, true)));
	}

	function notAsked(event: Asked, report: CrashReport, held: Held, since: EpochMs): Outcome {
		if (held.is === 'stopped') return none(event, report, held.reason);
		return notYet(event, report, held.reason, since + (held.is === 'open' ? patienceMs : budgetPatienceMs), held.until);
	}

	/** Again later, unless that would be too late. */
	function notYet(event: Asked, report: CrashReport, reason: string, deadline: EpochMs, until = now()): Outcome {
		return Math.max(until, now()) < deadline ? retry(reason) : none(event, report, reason);
	}

	function none(event: Asked, { id, revision }: CrashReport, reason: string): Outcome {
		telemetry.opinionNotAvailable(id, reason);
		return done(noOpinion(event, revision, reason));
	}

	const noOpinion = (event: Asked, revision: number, reason: string) =>
		opinionEvent(event, { is: 'not available', revision, time: isoTime(now()), reason });

	async function begin(signal: AbortSignal): Promise<void> {
		const gate = gateOf(providerOf());
		gate.tell();
		try {
			await account.look(signal);
			const problem = await problemOfModel(providerOf(), signal);
			if (problem?.retry === 'when changed') {
				await gate.held(); // it was asked with the key of now
				gate.failed(problem);
			}
		} catch (error) {
			if (!signal.aborted) throw error;
		}
	}

	const goOn = (event: Asked, reason: string) => [noOpinion(event, event.revision ?? 1, reason)];
	return { stage: { reads, concurrency: 1, isPatient: true, handle, goOn }, begin, tell: () => gateOf(providerOf()).tell() };
}

const isWanted = ({ kind, body }: Asked, { analyzeSkipped }: OpinionOptions): boolean =>
	kind === 'OpinionRequest' || body.is === 'stored' || (body.is === 'skipped' && analyzeSkipped);

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
