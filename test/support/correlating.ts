import { copyFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type CorrelationOptions, correlation } from '../../src/components/collector/correlation.ts';
import { examine, half } from '../../src/components/collector/examine.ts';
import { recordEvent } from '../../src/components/collector/recorder.ts';
import type { Event } from '../../src/domain/events.ts';
import type { CrashReport } from '../../src/domain/report.ts';
import type { EpochMs } from '../../src/domain/stage.ts';
import type { Readers } from '../../src/journal/journal.ts';
import { parseEntry } from '../../src/readers/journald/journald.ts';
import { temporaryFolder } from './crash.ts';
import { emptyJournal } from './journal.ts';
import { type Entry, genuineEntry } from './journald.ts';
import { type PlayedPod, type PodOptions, playPod, watchedPods } from './node.ts';
import { listening } from './telemetry.ts';

export const node = 'node-1';
export const bootId = '3a370f5b76c84d819f904db94345159d';

const readers: Readers = Object.fromEntries(
	['FoundCore', 'CoreRecord', 'RestartEvent', 'RecoveryEvent'].map((kind) => [kind, ['correlation']]),
);

/** A real core, by which process of which machine it is. */
export type LeftCore = { readonly from: string; readonly name: string; readonly writtenAt: EpochMs };

/** The correlation of one node with a real journal, fed by what its neighbours would tell, and a clock that stands until the test moves it. */
export async function correlating(options: Partial<CorrelationOptions> = {}) {
	const opened = await emptyJournal(readers);
	const folder = await temporaryFolder();
	const { clock } = opened;
	const { telemetry, lines } = listening();
	const watched = watchedPods(() => clock.now);
	const start = () =>
		correlation({
			pods: watched.pods,
			sightings: opened.journal.view,
			telemetry,
			options: { node, timeoutMs: 30_000, hasJournald: false, directory: folder.path, ...options },
			now: () => clock.now,
		});
	let stage = start();
	const incarnations = new Map<string, number>();

	async function work(): Promise<void> {
		for (let claim = opened.journal.claim('correlation'); claim; claim = opened.journal.claim('correlation')) {
			const outcome = await stage.handle(claim.event as Parameters<typeof stage.handle>[0], new AbortController().signal);
			opened.journal.settle(claim, outcome);
			if (outcome.is === 'wait' && outcome.until <= clock.now) throw new Error(`${claim.event.kind} waits for the past`);
		}
	}

	async function append(...events: readonly Event[]): Promise<void> {
		opened.journal.append(...events);
		await work();
	}

	const look = (pod: PlayedPod) => append(...watched.look(pod));
	const home = {
		clock,
		lines,
		watched,
		append,
		look,
		directory: folder.path,
		/** As things are so much later. */
		async after(ms: number): Promise<void> {
			clock.now += ms;
			await work();
		},
		/** A pod of this node whose containers run for an hour. */
		async pod(name: string, given: Partial<PodOptions> = {}): Promise<PlayedPod> {
			const startedAt = given.startedAt ?? clock.now - 3600_000;
			const key = `${given.namespace}/${name}`;
			const incarnation = incarnations.get(key) ?? 0;
			incarnations.set(key, incarnation + 1);
			const pod = playPod(node, name, { ...given, startedAt }, incarnation);
			for (const container of pod.containers) pod.run(startedAt + 2_000, { container });
			await look(pod);
			return pod;
		},
		/** A container ends, and the agent sees it. */
		async end(pod: PlayedPod, exitCode = 139, at: EpochMs = clock.now, given: { reason?: string; container?: string } = {}): Promise<void> {
			pod.end(at, { exitCode, ...given });
			await look(pod);
		},
		/** A core is there, whole. */
		async core({ from, name, writtenAt }: LeftCore): Promise<void> {
			const path = join(folder.path, name);
			await copyFile(from, path);
			await utimes(path, writtenAt / 1000, writtenAt / 1000);
			await append(half(await examine(path, { corePattern: options.corePattern, now: clock.now })));
		},
		/** journald hands out an entry. @returns what became of it */
		async journald(entry: Entry): Promise<string> {
			const parsed = parseEntry(JSON.stringify(entry));
			if (parsed?.is === 'coredump') await append(recordEvent(parsed.coredump, parsed.recordedAtMs, undefined));
			return parsed?.is ?? 'nothing';
		},
		/** The oldest first. */
		reports: (): CrashReport[] => [...opened.journal.view.reports()].reverse(),
		/** The agent ends, and starts anew; pods are not listed yet. */
		restart(): void {
			opened.reopen();
			watched.restart();
			stage = start();
		},
		async [Symbol.asyncDispose]() {
			await opened[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
	return home;
}

/** As systemd-coredump calls its files. */
export const systemdName = (pid: number, at: EpochMs, process = 'milvus') =>
	`core.${process}.0.${bootId}.${pid}.${Math.floor(at / 1000)}000000`;

/** What systemd-coredump records of the crash of a process in a container. */
export function recordOf(pod: PlayedPod, pid: number, at: EpochMs, fields: Entry = {}): Entry {
	const seconds = Math.floor(at / 1000);
	const slice = `kubepods-burstable-pod${pod.uid.replaceAll('-', '_')}.slice`;
	return {
		...genuineEntry('systemd-252', 'pod-burstable-thread-segv'),
		__CURSOR: `s=${'1'.repeat(32)};i=${pid.toString(16)};b=${bootId};m=1;t=${((seconds * 1000 + 700) * 1000).toString(16)};x=${pid.toString(16)}`,
		_BOOT_ID: bootId,
		COREDUMP_PID: `${pid}`,
		COREDUMP_TIMESTAMP: `${seconds}000000`,
		COREDUMP_HOSTNAME: pod.host,
		COREDUMP_CGROUP: `/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${pod.containerId()}.scope`,
		COREDUMP_FILENAME: `/var/lib/systemd/coredump/${systemdName(pid, at)}`,
		...fields,
	};
}
