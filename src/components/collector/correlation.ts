import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, messageOf } from '../../base/errors.ts';
import type { Bodies, Event, Traces } from '../../domain/events.ts';
import type { Pods } from '../../domain/pod.ts';
import type { Reports } from '../../domain/reports.ts';
import { containerKey, type Seen, type Sightings } from '../../domain/sightings.ts';
import { leavesCore } from '../../domain/signals.ts';
import { done, type EpochMs, type Outcome, retry, type Stage, wait } from '../../domain/stage.ts';
import { NoUnpackerError } from '../../readers/corefile/corefile.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import type { Answer } from './association/association.ts';
import { ofRecord as fromRecord, tracesOf, tracesOfRecord } from './association/traces.ts';
import { contest } from './contest.ts';
import { amended, correlated, found, type Half, halfOfCore, halfOfRecord, halfOfReport, ofRestartAlone, whole } from './crash-events.ts';
import { lossFor } from './losses.ts';

export type CorrelationOptions = {
	readonly node: string;
	/** How long one half of a crash waits for the other. */
	readonly timeoutMs: number;
	/** Whether the host's journal is read, so that what systemd-coredump records will be there soon. */
	readonly hasJournald: boolean;
	/** The folder in which cores are looked for. */
	readonly directory: string;
	readonly corePattern?: string | undefined;
};

type Deps = {
	readonly pods: Pods;
	readonly sightings: Sightings & Reports;
	readonly telemetry: Telemetry;
	readonly options: CorrelationOptions;
	readonly now?: () => EpochMs;
	readonly readTraces?: typeof tracesOf;
};

type Read = 'FoundCore' | 'CoreRecord' | 'RestartEvent' | 'RecoveryEvent';
/** A core, or the record of a lost one, on its way into a report. */
type Found = { readonly key: string; readonly traces: Traces; readonly half: Half /** When it was found. */; readonly at: EpochMs };

/** For so long a core waits for its record, which comes 0.5 s after it, and the restart of a container that is known for sure. */
const settleMs = 5_000;
/** Until the pods of the node have been listed once. */
const lookAgainMs = 1_000;
/** The kernel and systemd tell of a lost core some seconds before the container ends. */
const noteMs = 60_000;
/** Restarts of the start-up are over before that, or never end well. */
const startUpMs = 24 * 3600_000;

/**
 * Puts the halves of a crash together: its core, what was recorded of that, and the end of its container. What is found late amends the report
 * that is there. What was made of a core is remembered as a `Correlation`, so that no end is taken for two.
 */
export function correlation({ pods, sightings, telemetry, options, now = Date.now, readTraces = tracesOf }: Deps): Stage<Read> {
	const { node, timeoutMs, directory } = options;
	const startedAt = now();
	const { waiting, answerFor, restartsAfter, hasBetter, openCoreOf } = contest({ node, pods, sightings });

	async function ofCore({ key, body }: Event<'FoundCore'>): Promise<Outcome> {
		const at = Date.parse(body.foundAt);
		const record = sightings.record(key);
		try {
			const before = waiting.get(key);
			const isUpToDate = before && (!record || before.container || before.isOutsidePods);
			const traces = isUpToDate ? before : await readTraces(body, record, options.corePattern);
			waiting.set(key, traces);
			if (!record && body.isRecorded && options.hasJournald && now() < at + settleMs) return wait(at + settleMs, key);
			if (arePodsAwaited(at)) return wait(now() + lookAgainMs, key);
			return place({ key, traces, half: halfOfCore(body, record), at });
		} catch (error) {
			// No permission, too many open files: it may be better later.
			if (error instanceof NoUnpackerError || isSystemError(error)) return retry(messageOf(error));
			throw error;
		}
	}

	async function ofRecord({ key, body }: Event<'CoreRecord'>): Promise<Outcome> {
		const before = sightings.correlation(key);
		if (before) return ofLateRecord(before, body);
		if (sightings.hasCore(key)) return done(); // that looks for this, or is none of Milvus
		const at = Date.parse(body.recordedAt);
		const isThere = body.file !== undefined && (await isFile(join(directory, body.file)));
		if (arePodsAwaited(at)) return wait(now() + lookAgainMs, key);
		if (isThere && now() < at + timeoutMs) return wait(Math.min(now() + settleMs, at + timeoutMs), key);
		if (isThere) return done(); // it was left alone
		const removal = sightings.notesSince(at - noteMs).find((note) => note.body.file !== undefined && note.body.file === body.file);
		return place({ key, traces: tracesOfRecord(body), half: halfOfRecord(body, removal?.body.lost, now()), at });
	}

	/** A core was reported before its record was read, by what it says itself. */
	function ofLateRecord({ key, body: before }: Seen<'Correlation'>, record: Bodies['CoreRecord']): Outcome {
		const report = sightings.report(before.crash);
		if (!report || before.traces.container || before.traces.isOutsidePods) return done();
		const traces = { ...before.traces, ...fromRecord(record) };
		return done(...reported({ key, traces, half: halfOfReport(report, record), at: now() }, answerFor(key, traces)));
	}

	function place(core: Found): Outcome {
		const { key, traces, at } = core;
		waiting.delete(key);
		const answer = answerFor(key, traces);
		const { association, restart } = answer;
		const until = at + (association.confidence === 'exact' && !restart ? Math.min(settleMs, timeoutMs) : timeoutMs);
		const hasRival = restart !== undefined && hasBetter(restart, answer);
		// What is not Milvus' own is worth a report only in a pod that is.
		const isAwaited = traces.isMilvus === false && answer.isOfMilvus === undefined && !arePodsKnown();
		const isOver = (now() >= until && !isAwaited) || (answer.isFinal && !hasRival);
		if (isOfOthers(answer, traces, isOver)) {
			if (core.half.core) telemetry.coreSkipped(core.half.core.path, 'not of Milvus', association.pod ?? association.host ?? '');
			return done();
		}
		if (!isOver) {
			waiting.set(key, traces);
			return wait(isAwaited ? now() + timeoutMs : until, answer.awaitedHost ?? key);
		}
		return done(...reported(core, hasRival ? answerFor(key, traces, restart.key) : answer));
	}

	/** Before the pods have been listed, and while nobody tells of them, nothing is certain. */
	const arePodsAwaited = (at: EpochMs) => !arePodsKnown() && now() < Math.max(at, startedAt) + timeoutMs;

	const arePodsKnown = () => pods.isComplete && !pods.isBehind;

	/** Cores of the machine's own processes and of other pods are no business of this agent's. */
	function isOfOthers({ isOfMilvus }: Answer, { isMilvus }: Traces, isOver: boolean): boolean {
		if (isMilvus) return false;
		return isOfMilvus === false || (isOver && isOfMilvus === undefined && isMilvus === false);
	}

	/** A report of the end alone is there already when its core, or what was recorded of that, comes late. */
	function reported({ key, traces, half }: Found, { association, restart }: Answer): Event[] {
		const before = sightings.correlation(key);
		const given = before?.body.restart ?? undefined;
		const isMoved = given !== undefined && given !== restart?.key;
		const own = isMoved && before?.body.crash === given ? undefined : before?.body.crash;
		const crash = own ?? (restart && sightings.report(restart.key)?.id) ?? key;
		const report = sightings.report(crash);
		const body = whole(half, association, restart?.body, restart && isHealed(restart.body));
		return [
			report ? amended(report, body) : found(crash, body),
			correlated(key, { traces, crash, restart: restart?.key ?? null }, before),
			...(isMoved ? givenBack(given, traces) : []),
		];
	}

	/** An end that was taken for that of another crash. */
	function givenBack(key: string, { time }: Traces): Event[] {
		const restart = restartsAfter(time).find((one) => one.key === key);
		const report = sightings.report(key);
		if (!restart) return [];
		const body = ofRestartAlone(restart.body, isHealed(restart.body), undefined);
		return [report ? amended(report, body) : found(key, body)];
	}

	async function ofRestart({ key, body }: Event<'RestartEvent'>): Promise<Outcome> {
		if (sightings.correlationWith(key) || sightings.report(key)) return done();
		const until = Date.parse(body.foundAt) + timeoutMs;
		const isOver = now() >= until;
		if (arePodsAwaited(Date.parse(body.foundAt))) return wait(now() + lookAgainMs, key);
		const half = openCoreOf(key, body);
		if (!isOver && hasBetter({ key, body }, half?.answer)) return wait(until, key);
		const report = half && sightings.report(half.core.body.crash);
		if (half && report && (half.answer.isFinal || isOver)) {
			const { core, answer } = half;
			const { traces, crash } = core.body;
			const more = whole(halfOfReport(report), answer.association, body, isHealed(body));
			return done(amended(report, more), correlated(core.key, { traces, crash, restart: key }, core));
		}
		const mayHaveCore = leavesCore(body.restart.signal?.number ?? 0);
		if ((half || mayHaveCore) && !isOver) return wait(until, key);
		const lost = mayHaveCore ? lossFor(body, sightings.notesSince(endOf(body) - noteMs), pods) : undefined;
		return done(found(key, ofRestartAlone(body, isHealed(body), lost)));
	}

	async function ofRecovery({ podUid, container, restartCount }: Bodies['RecoveryEvent']): Promise<Outcome> {
		const healed = sightings.restartsSince(now() - startUpMs).filter(({ body: { association, restart } }) => {
			const isBefore = (association.restartCount ?? 0) <= restartCount;
			return restart.isStartUp && isBefore && containerKey(association) === containerKey({ podUid, container });
		});
		const reports = healed.map(({ key }) => sightings.report(sightings.correlationWith(key)?.body.crash ?? key));
		return done(
			...reports.flatMap((report) => {
				if (!report?.restart || report.restart.isHealed) return [];
				const { association, restart, log } = report;
				return amended(report, { ...halfOfReport(report), association, log, restart: { ...restart, isHealed: true } });
			}),
		);
	}

	const isHealed = ({ association, restart }: Bodies['RestartEvent']) =>
		restart.isStartUp && sightings.hasRecovered(containerKey(association) ?? '', association.restartCount ?? 0);

	return {
		reads: ['FoundCore', 'CoreRecord', 'RestartEvent', 'RecoveryEvent'],
		// One at a time: whoever looks for the other half must not do so while that looks for this one.
		concurrency: 1,
		isPatient: true,
		async handle(event) {
			switch (event.kind) {
				case 'FoundCore':
					return ofCore(event);
				case 'CoreRecord':
					return ofRecord(event);
				case 'RestartEvent':
					return ofRestart(event);
				case 'RecoveryEvent':
					return ofRecovery(event.body);
				default:
					return event satisfies never;
			}
		},
	};
}

const endOf = ({ restart, time }: Bodies['RestartEvent']): EpochMs => Date.parse(restart.finishedAt ?? time);

/** What can't be seen is not there for the collector either. */
const isFile = (path: string) =>
	lstat(path).then(
		() => true,
		() => false,
	);
