import type { Kind } from '../domain/events.ts';
import type { Stage } from '../domain/stage.ts';
import type { Claim, Journal, JournalOptions, Readers } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Steadily } from './steadily.ts';

/** Every stage by its name: what they read is the whole wiring. */
export type Stages = Readonly<Partial<Record<StageName, Stage>>>;
type StageName = 'correlation' | 'analyzer' | 'storage' | 'sidecar' | 'eraser' | 'remover' | 'opinion';

export function readersOf(stages: Stages): Readers {
	const readers: Partial<Record<Kind, StageName[]>> = {};
	for (const [name, stage] of entriesOf(stages)) for (const kind of stage.reads) readers[kind] = [...(readers[kind] ?? []), name];
	return readers;
}

/** What goes on when a stage gives up. */
export const goOnOf =
	(stages: Stages): NonNullable<JournalOptions['goOn']> =>
	(name, event, reason) =>
		stages[name as StageName]?.goOn?.(event, reason) ?? [];

/** The stages that do not give up because the process died. */
export const patientOf = (stages: Stages): readonly string[] =>
	entriesOf(stages).flatMap(([name, { isPatient }]) => (isPatient ? [name] : []));

const entriesOf = (stages: Stages) => Object.entries(stages) as [StageName, Stage][];

export type Pipeline = {
	/** Resolves when nothing is in hand any more; rejects when the journal itself fails. */
	readonly ended: Promise<void>;
	/** Gives back what stages still have in hand although they were told to stop. @returns how many */
	giveBack(): number;
};

type Deps = { readonly stages: Stages; readonly journal: Journal; readonly telemetry: Telemetry; readonly steadily: Steadily };

/** Runs all stages until the signal. */
export function startPipeline({ stages, journal, telemetry, steadily }: Deps, signal: AbortSignal): Pipeline {
	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	const inHand = new Set<Claim>();
	const workers = entriesOf(stages).flatMap(([name, stage]) => Array.from({ length: stage.concurrency }, () => work(name, stage)));

	async function work(name: StageName, stage: Stage): Promise<void> {
		while (!either.aborted) {
			const claim = await steadily(() => journal.claim(name));
			if (!claim) {
				await steadily(() => journal.ready(name, either));
				continue;
			}
			inHand.add(claim);
			await handle(name, stage, claim);
			inHand.delete(claim);
		}
	}

	async function handle(name: StageName, stage: Stage, claim: Claim): Promise<void> {
		const { key } = claim.event;
		try {
			const outcome = await stage.handle(claim.event, either, claim);
			const state = await steadily(() => (inHand.has(claim) ? journal.settle(claim, outcome) : undefined));
			if (state === undefined) return void isGivenBack(claim);
			if (outcome.is === 'retry' && state === 'ready') telemetry.workPutOff(name, key, outcome.reason, claim.retries);
			else if (state === 'rejected') telemetry.workRejected(name, key, 'reason' in outcome ? outcome.reason : '');
			else telemetry.workSettled(name, key);
		} catch (error) {
			if (!inHand.has(claim)) return;
			if (either.aborted) return void isGivenBack(claim);
			telemetry.workFailed(name, key, error);
			const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
			const state = await steadily(() => (inHand.has(claim) ? journal.fail(claim, reason) : undefined));
			if (state === undefined) return void isGivenBack(claim);
			if (state === 'rejected') telemetry.workRejected(name, key, 'the same error came too often');
		}
	}

	/** Whether this was still in hand, and the journal took it. */
	function isGivenBack(claim: Claim): boolean {
		if (!inHand.delete(claim)) return false;
		try {
			journal.giveBack(claim);
			return true;
		} catch {
			return false; // the journal itself has failed: whoever opens it next gives this back
		}
	}

	for (const worker of workers) worker.catch(() => stop.abort());
	return {
		ended: Promise.all(workers).then(() => {}),
		giveBack() {
			return [...inHand].filter(isGivenBack).length;
		},
	};
}
