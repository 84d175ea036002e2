import type { Kind } from '../domain/events.ts';
import type { Stage } from '../domain/stage.ts';
import type { Claim, Journal, Readers } from '../journal/journal.ts';
import type { Component, Telemetry } from '../telemetry/telemetry.ts';

/** Every stage by its name: what they read is the whole wiring. */
export type Stages = Readonly<Partial<Record<Component, Stage>>>;

export function readersOf(stages: Stages): Readers {
	const readers: Record<Kind, Component[]> = { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] };
	for (const [name, stage] of entriesOf(stages)) for (const kind of stage.reads) readers[kind].push(name);
	return readers;
}

const entriesOf = (stages: Stages) => Object.entries(stages) as [Component, Stage][];

export type Pipeline = {
	/** Resolves when nothing is in hand any more; rejects when the journal itself fails. */
	readonly ended: Promise<void>;
	/** Gives back what stages still have in hand although they were told to stop. @returns how many */
	giveBack(): number;
};

/** Runs all stages until the signal. */
export function startPipeline(stages: Stages, journal: Journal, telemetry: Telemetry, signal: AbortSignal): Pipeline {
	const stop = new AbortController();
	const either = AbortSignal.any([signal, stop.signal]);
	const inHand = new Set<Claim>();
	const workers = entriesOf(stages).flatMap(([name, stage]) => Array.from({ length: stage.concurrency }, () => work(name, stage)));

	async function work(name: Component, stage: Stage): Promise<void> {
		while (!either.aborted) {
			const claim = journal.claim(name);
			if (!claim) {
				await journal.ready(name, either);
				continue;
			}
			inHand.add(claim);
			await handle(name, stage, claim);
			inHand.delete(claim);
		}
	}

	async function handle(name: Component, stage: Stage, claim: Claim): Promise<void> {
		const { key } = claim.event;
		try {
			const outcome = await stage.handle(claim.event, either);
			if (!inHand.has(claim)) return; // given back meanwhile
			const state = journal.settle(claim, outcome);
			if (outcome.is === 'retry' && state === 'ready') telemetry.workPutOff(name, key, outcome.reason, claim.retries);
			else if (state === 'rejected') telemetry.workRejected(name, key, 'reason' in outcome ? outcome.reason : '');
			else telemetry.workSettled(name, key);
		} catch (error) {
			if (!inHand.has(claim)) return;
			if (either.aborted) return journal.giveBack(claim);
			telemetry.workFailed(name, key, error);
			const state = journal.fail(claim, error instanceof Error ? (error.stack ?? error.message) : String(error));
			if (state === 'rejected') telemetry.workRejected(name, key, 'the same error came too often');
		}
	}

	for (const worker of workers) worker.catch(() => stop.abort());
	return {
		ended: Promise.all(workers).then(() => {}),
		giveBack() {
			const given = [...inHand].filter((claim) => {
				try {
					journal.giveBack(claim);
					return true;
				} catch {
					return false; // the journal itself has failed: whoever opens it next gives this back
				}
			});
			inHand.clear();
			return given.length;
		},
	};
}
