import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { correlation } from '../../src/components/collector/correlation.ts';
import type { Event } from '../../src/domain/events.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import type { Sightings } from '../../src/domain/sightings.ts';
import type { EpochMs } from '../../src/domain/stage.ts';
import { Journal, type Readers } from '../../src/journal/journal.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { type PlayedPod, watchedPods } from '../../test/support/node.ts';
import { type Files, readTracesIn } from './files.ts';

const readers: Readers = Object.fromEntries(
	['FoundCore', 'CoreRecord', 'RestartEvent', 'RecoveryEvent'].map((kind) => [kind, ['correlation']]),
);

export const timeoutMs = 30_000;
const stepMs = 1_000;
/** What is under way is over so long after the last thing that happens. */
const restMs = 10 * 60_000;

export type World = Awaited<ReturnType<typeof createWorld>>;

/**
 * A simulated node: what happens there at its time, and the real correlation on a real journal, to which it is told with the delays that the
 * real producers have. An agent that is down hears nothing until it is up again; one whose watch is broken does not hear of pods.
 */
export async function createWorld(node: string, start: EpochMs, files: Files) {
	const clock = { now: start };
	const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'association-'));
	const path = join(folder, 'journal.db');
	const telemetry = createTelemetry(pino({ level: 'silent' }));
	const watched = watchedPods(() => clock.now);
	const pods = new Set<PlayedPod>();
	const due: { readonly at: EpochMs; readonly what: () => void }[] = [];
	let journal = new Journal(path, readers, { now: () => clock.now });
	let stage = startStage();
	let isUp = true;
	let unwatchedUntil = 0;
	const isWatching = () => clock.now >= unwatchedUntil;
	/** What was said to an agent that did not listen. */
	let unheard: (() => void)[] = [];

	function startStage() {
		return correlation({
			pods: watched.pods,
			sightings: journal.view,
			telemetry,
			options: { node, timeoutMs, hasJournald: true, directory: join(folder, 'cores') },
			now: () => clock.now,
			readTraces: readTracesIn(files),
		});
	}

	async function work(): Promise<void> {
		if (!isUp) return;
		const signal = new AbortController().signal;
		for (let claim = journal.claim('correlation'); claim; claim = journal.claim('correlation'))
			journal.settle(claim, await stage.handle(claim.event as Parameters<typeof stage.handle>[0], signal));
	}

	const at = (time: EpochMs, what: () => void) => void due.push({ at: Math.floor(time), what });

	function hear(event: () => Event): void {
		const told = () => void journal.append(event());
		if (isUp) told();
		else unheard.push(told);
	}

	function look(pod: PlayedPod): void {
		if (isUp && isWatching() && pods.has(pod)) journal.append(...watched.look(pod));
	}

	/** Lists what is there. */
	function list(): void {
		if (!isUp || !isWatching()) return;
		for (const pod of pods) look(pod);
		for (const { pod } of [...watched.pods.all()]) if (![...pods].some(({ uid }) => uid === pod.uid)) watched.remove({ uid: pod.uid });
		watched.pods.isComplete = true;
		watched.pods.isBehind = false;
	}

	return {
		node,
		clock,
		at,
		/** A pod is there; unless it begins just now, the agent saw it when it began. */
		add(pod: PlayedPod, isNew: boolean): void {
			pods.add(pod);
			if (isNew) look(pod);
			else if (isUp) watched.look(pod);
		},
		/** The kubelet tells that something has changed; the agent may hear of it later. */
		changed: (pod: PlayedPod, delayMs: number) => at(clock.now + delayMs, () => look(pod)),
		/** It is deleted; its last state may tell of an end. */
		remove(pod: PlayedPod): void {
			look(pod);
			pods.delete(pod);
			if (isUp && isWatching()) watched.remove(pod);
		},
		tell: (time: EpochMs, event: (now: EpochMs) => Event) => at(time, () => hear(() => event(clock.now))),
		/** The watch of pods is broken for so long, which the agent notices, or not. */
		unwatched(ms: number, isNoticed: boolean): void {
			if (isNoticed) watched.pods.isBehind = true;
			unwatchedUntil = Math.max(unwatchedUntil, clock.now + ms);
			at(clock.now + ms, list);
		},
		/** The agent is down for so long, and then lists the pods. */
		down(ms: number, listMs: number): void {
			if (!isUp) return;
			isUp = false;
			at(clock.now + ms, () => {
				journal[Symbol.dispose]();
				journal = new Journal(path, readers, { now: () => clock.now });
				watched.restart();
				stage = startStage();
				isUp = true;
				for (const told of unheard) told();
				unheard = [];
				at(clock.now + listMs, list);
			});
		},
		/** Lets all happen that is to happen. */
		async run(): Promise<void> {
			let end = clock.now + restMs;
			for (; clock.now < end; clock.now += stepMs) {
				const next = clock.now + stepMs;
				for (let one = take(due, next); one; one = take(due, next)) {
					clock.now = Math.max(clock.now, one.at);
					one.what();
					await work();
					end = Math.max(end, ...due.map(({ at }) => at + restMs));
				}
				clock.now = Math.floor(clock.now / stepMs) * stepMs;
				await work();
			}
		},
		get view(): Sightings & { report(id: string): CrashReport | undefined; reports(): Iterable<CrashReport> } {
			return journal.view;
		},
		async [Symbol.asyncDispose]() {
			journal[Symbol.dispose]();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

/** Takes the first that is due before a time. */
function take<T extends { readonly at: EpochMs }>(due: T[], before: EpochMs): T | undefined {
	let first = -1;
	for (const [index, one] of due.entries()) if (one.at < before && (first < 0 || one.at < (due[first]?.at ?? 0))) first = index;
	return first < 0 ? undefined : due.splice(first, 1)[0];
}
