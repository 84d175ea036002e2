import type { Traces } from '../../../domain/events.ts';
import type { EpochMs } from '../../../domain/stage.ts';

/** When a process died, and of what. */
export type Death = {
	readonly timeMs: EpochMs;
	/** When it was really over: its core was written. */
	readonly overAtMs: EpochMs;
	readonly signal: number | undefined;
};

export function deathOf({ time, writtenAt, signal }: Traces): Death {
	const timeMs = Date.parse(time);
	return { timeMs, overAtMs: Math.max(timeMs, Date.parse(writtenAt)), signal };
}

/** How a run of a container ended. */
export type RunEnd = {
	readonly startedAt: EpochMs | undefined;
	readonly finishedAt: EpochMs;
	readonly signal: number | undefined;
	/** The kubelet's: `OOMKilled`, … */
	readonly reason?: string | undefined;
};

/** All clocks are the node's, but the kubelet cuts its times to whole seconds. */
const cut = (timeMs: EpochMs) => Math.floor(timeMs / 1_000) * 1_000;
/** The runtime notices within this time that a process is over; in almost all cases within the shorter one. */
const lateMs = 10_000;
const soonMs = 3_000;
/** Who is killed while its core is being written leaves one all the same. */
const SIGKILL = 9;
/** A container is not killed for not answering before so long. */
const killedAfterMs = 5_000;

/** Whether a container's end can be what a crash of its first process, or of that's only child, led to. */
export function fits(end: RunEnd, death: Death): boolean {
	const { timeMs, overAtMs } = death;
	if (isBefore(timeMs, end.startedAt) || end.finishedAt < cut(timeMs) || end.finishedAt > overAtMs + lateMs) return false;
	return isBySignal(end, death);
}

function isBySignal({ signal, finishedAt, reason }: RunEnd, death: Death): boolean {
	if (signal === undefined) return false;
	if (death.signal === undefined || signal === death.signal) return true;
	return signal === SIGKILL && reason !== 'OOMKilled' && finishedAt - death.timeMs >= killedAfterMs;
}

/** Whether a process that died then can't have been there yet. */
export const isBefore = (timeMs: EpochMs, startedAt: EpochMs | undefined) => startedAt !== undefined && timeMs < startedAt;

/** Whether it is an end as soon as nearly all come, so that no other is to be expected that fits better. */
export const isPrompt = ({ finishedAt }: RunEnd, { overAtMs }: Death) => finishedAt <= overAtMs + soonMs;

/** Of a run's beginning or end, where that is known. */
export const timeOf = (time: string | undefined): EpochMs | undefined => (time === undefined ? undefined : Date.parse(time));

/** How far an end lies from where it should: the smaller, the better it fits. */
export const distance = ({ finishedAt }: RunEnd, { overAtMs }: Death) => Math.abs(finishedAt - cut(overAtMs));
