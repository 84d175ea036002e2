import { defined } from '../../base/defined.ts';
import type { Bodies, Event } from '../../domain/events.ts';
import { modifiedAt } from '../../domain/identity.ts';
import type { Pods } from '../../domain/pod.ts';
import type { CrashReport, LostCore } from '../../domain/report.ts';
import { containerKey, type Seen, type Sightings } from '../../domain/sightings.ts';
import { done, type EpochMs, type Outcome, type Stage, wait } from '../../domain/stage.ts';
import { CorefileError } from '../../readers/corefile/corefile.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { type Answer, associate, fits } from './association/association.ts';
import { tracesOf, tracesOfRecord } from './association/traces.ts';
import { lossFor } from './losses.ts';

export type CorrelationOptions = {
	readonly node: string;
	/** How long one half of a crash waits for the other. */
	readonly timeoutMs: number;
	/** Whether the host's journal is read, so that what systemd-coredump records will be there soon. */
	readonly hasJournald: boolean;
	readonly corePattern?: string | undefined;
};

type Deps = {
	readonly pods: Pods;
	readonly sightings: Sightings;
	readonly telemetry: Telemetry;
	readonly options: CorrelationOptions;
	readonly now?: () => EpochMs;
};

type Read = 'FoundCore' | 'CoreRecord' | 'RestartEvent' | 'RecoveryEvent';

/** For so long a core waits for its record, which comes 0.5 s after it, and the restart of a container that is known for sure. */
const settleMs = 5_000;
/** Until the pods of the node have been listed once. */
const lookAgainMs = 500;
/** Signals whose default action is a core: signal(7). */
const coreSignals: ReadonlySet<number> = new Set([3, 4, 5, 6, 7, 8, 11, 24, 25, 31]);
/** How far back an end may lie that a core belongs to: large cores take minutes to be written. */
const lookBackMs = 2 * 3600_000;

/**
 * Puts the halves of a crash together: its core, what was recorded of that, and the end of its container. What is found late amends the report
 * that is there.
 */
export function correlation({ pods, sightings, telemetry, options, now = Date.now }: Deps): Stage<Read> {
	const { timeoutMs } = options;

	async function ofCore({ key, body }: Event<'FoundCore'>): Promise<Outcome> {
		const foundAt = Date.parse(body.foundAt);
		const record = sightings.record(key);
		if (!record && body.isRecorded && options.hasJournald && now() < foundAt + settleMs) return wait(foundAt + settleMs, key);
		if (!pods.isComplete && now() < foundAt + timeoutMs) return wait(Math.min(now() + lookAgainMs, foundAt + timeoutMs), key);
		let answer: Answer;
		try {
			const traces = await tracesOf(body, record, options.corePattern);
			answer = associate(traces, { node: options.node, pods, restarts: openRestarts(traces.timeMs) });
			if (isOfOthers(answer, traces.isMilvus, record)) {
				telemetry.coreSkipped(body.core.path, 'not of Milvus', answer.association.pod ?? answer.association.host ?? '');
				return done();
			}
		} catch (error) {
			if (!(error instanceof CorefileError)) throw error;
			return done(found(key, { ...coreHalf(body), association: { method: 'none', confidence: 'none' } }));
		}
		const { association, restart } = answer;
		const until = foundAt + (association.confidence === 'exact' ? Math.min(settleMs, timeoutMs) : timeoutMs);
		if (!restart && now() < until) return wait(until, association.host ?? key);
		return done(merged(key, { ...coreHalf(body), association }, restart));
	}

	async function ofRecord({ key, body }: Event<'CoreRecord'>): Promise<Outcome> {
		if (sightings.hasCore(key)) return done();
		const recordedAt = Date.parse(body.time);
		if (now() < recordedAt + 2 * settleMs) return wait(recordedAt + 2 * settleMs, key);
		if (!pods.isComplete) return wait(now() + lookAgainMs, key);
		const traces = tracesOfRecord(body);
		const answer = associate(traces, { node: options.node, pods, restarts: openRestarts(traces.timeMs) });
		if (!answer.isOfMilvus) return done(); // of the host, or of another pod
		const { association, restart } = answer;
		if (!restart && now() < recordedAt + timeoutMs) return wait(recordedAt + timeoutMs, association.host ?? key);
		const lostCore = { ...(body.lost ?? gone), ...recorded(body) };
		return done(
			merged(key, { core: null, log: null, time: body.time, foundAt: new Date(now()).toISOString(), association, lostCore }, restart),
		);
	}

	async function ofRestart({ key, body }: Event<'RestartEvent'>): Promise<Outcome> {
		const crashes = crashesOf(body);
		if (crashes.some((crash) => isOfRun(crash, body) && crash.restart !== null)) return done();
		const half = crashes.find((crash) => isHalfOf(crash, body));
		if (half) return done(amended(half, restartHalf(body)));
		const until = Date.parse(body.foundAt) + timeoutMs;
		const mayHaveCore = coreSignals.has(body.restart.signal?.number ?? 0);
		if (mayHaveCore && now() < until) return wait(until, key);
		const lostCore = mayHaveCore ? lossFor(body, sightings.notesSince(Date.parse(body.time) - lookBackMs)) : undefined;
		return done(found(key, { core: null, ...restartHalf(body), ...(lostCore ? { lostCore } : {}) }));
	}

	async function ofRecovery({ podUid, container }: Bodies['RecoveryEvent']): Promise<Outcome> {
		const healed = sightings.crashesOf(`${podUid}/${container}`).filter(({ restart }) => restart?.isStartUp && !restart.isHealed);
		return done(
			...healed.map((crash) => amended(crash, { restart: { ...(crash.restart as NonNullable<typeof crash.restart>), isHealed: true } })),
		);
	}

	/** Ends that may belong to a crash of that time, without those that another core has. */
	function openRestarts(timeMs: EpochMs): Seen<'RestartEvent'>[] {
		return sightings
			.restartsSince(timeMs - lookBackMs)
			.filter(({ body }) => !crashesOf(body).some((crash) => crash.core !== null && crash.restart !== null && isOfRun(crash, body)));
	}

	const crashesOf = ({ association }: Bodies['RestartEvent']) => sightings.crashesOf(containerKey(association) ?? '');

	/** A report of the end alone is there already when its core, or what was recorded of that, comes late. */
	function merged(key: string, half: Bodies['CoredumpFile'], restart: Seen<'RestartEvent'> | undefined): Event<'CoredumpFile'> {
		if (!restart) return found(key, half);
		const crash = crashesOf(restart.body).find((one) => one.core === null && one.restart !== null && isOfRun(one, restart.body));
		const whole = { ...half, restart: restart.body.restart, log: restart.body.log };
		return crash ? amended(crash, whole) : found(key, whole);
	}

	return {
		reads: ['FoundCore', 'CoreRecord', 'RestartEvent', 'RecoveryEvent'],
		// One at a time: whoever looks for the other half must not do so while that looks for this one.
		concurrency: 1,
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

const gone: LostCore = {
	reason: 'no core: its file was gone before it was found',
	advice: 'raise MaxUse= and lower KeepFree= in /etc/systemd/coredump.conf, or make room in /var/lib/systemd/coredump',
};

/** What there would be to read in the core. */
const recorded = ({ recordedAt, signal, pid, name, executable }: Bodies['CoreRecord']) => ({
	recordedAt,
	signal,
	process: defined({ hostPid: pid, name: name || undefined, executable }),
});

const found = (key: string, body: Bodies['CoredumpFile']): Event<'CoredumpFile'> => ({ kind: 'CoredumpFile', key, body });

const amended = (
	{ id, revision, core, log, time, foundAt, association, restart, lostCore }: CrashReport,
	more: Partial<Bodies['CoredumpFile']>,
): Event<'CoredumpFile'> => ({
	kind: 'CoredumpFile',
	key: id,
	revision: revision + 1,
	body: {
		core,
		log,
		time,
		foundAt,
		...(restart ? { restart } : {}),
		...(lostCore ? { lostCore } : {}),
		...more,
		association: { ...association, ...more.association },
	},
});

const coreHalf = ({ core, time, foundAt }: Bodies['FoundCore']) => ({ core, log: null, time, foundAt });

const restartHalf = ({ association, restart, log, time, foundAt }: Bodies['RestartEvent']) => ({
	association,
	restart,
	log,
	time,
	foundAt,
});

/** Whether a crash is of the very run that ended. */
const isOfRun = ({ association }: CrashReport, { association: end }: Bodies['RestartEvent']) =>
	association.containerId !== undefined && end.containerId !== undefined
		? association.containerId === end.containerId
		: association.restartCount === end.restartCount;

/** Whether a core that is reported without a restart led to this one: the same run, and a death that fits. */
function isHalfOf(crash: CrashReport, { association, restart, time }: Bodies['RestartEvent']): boolean {
	if (crash.restart !== null || !isOfRun(crash, { association } as Bodies['RestartEvent'])) return false;
	const end = { finishedAt: Date.parse(restart.finishedAt ?? time), exitCode: association.exitCode ?? 0, signal: restart.signal?.number };
	return fits(end, {
		timeMs: Date.parse(crash.time),
		writtenAtMs: endOfCore(crash),
		signal: crash.coreSignal?.number ?? crash.lostCore?.signal,
	});
}

/** When a crash's core was written to its end, or nobody tried any more. */
const endOfCore = ({ core, lostCore, time }: CrashReport) => (core ? modifiedAt(core.fileId) : Date.parse(lostCore?.recordedAt ?? time));

/** Cores of the host's own processes and of other pods are no business of this agent's. */
function isOfOthers({ association, isOfMilvus }: Answer, isMilvus: boolean, record: Bodies['CoreRecord'] | undefined): boolean {
	if (isMilvus || isOfMilvus) return false;
	const isOfHost = record !== undefined && record.container === undefined;
	return isOfHost || (isOfMilvus === false && association.confidence !== 'weak');
}
