import { recordEvent } from '../../src/components/collector/recorder.ts';
import type { Event } from '../../src/domain/events.ts';
import { crashId } from '../../src/domain/identity.ts';
import type { EpochMs } from '../../src/domain/stage.ts';
import { parseEntry } from '../../src/readers/journald/journald.ts';
import { etcdLabels, milvusLabels, type PlayedPod, playPod } from '../../test/support/node.ts';
import { bootId, type Channel, type Files, leaveCore, type Process } from './files.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** What truly happened. */
export type Truth = {
	readonly situation: string;
	readonly diedAt: EpochMs;
	readonly overAt: EpochMs;
	readonly signal: number | undefined;
	/** None: a process of the machine itself. */
	readonly pod: PlayedPod | undefined;
	/** Whether it is to be told of at all. */
	readonly isOfMilvus: boolean;
	/** Of what was left or recorded of it. */
	readonly core?: { readonly key: string; readonly host: string | undefined; readonly namespace: string | undefined };
	/** The end of the container that it led to. */
	end?: TrueEnd;
};

export type TrueEnd = {
	/** Of the `RestartEvent` that tells of it, if the agent sees it. */
	readonly key: string;
	readonly pod: PlayedPod;
	readonly isOfMilvus: boolean;
	readonly startedAt: EpochMs;
	readonly finishedAt: EpochMs;
	readonly signal: number | undefined;
};

export type CrashOptions = {
	readonly situation: string;
	readonly pod: PlayedPod;
	readonly channel: Channel;
	readonly container?: string | undefined;
	/** Its death is the end of the container. */
	readonly isMain?: boolean;
	readonly isOfMilvus?: boolean;
	readonly executable?: string;
	readonly signal?: number;
	readonly dumpMs?: number;
	/** How its container ends, if otherwise than by its signal. */
	readonly exitCode?: number;
	/** Where its pod tells its processes the namespace. */
	readonly hasNamespace?: boolean;
	/** No file is left, only the record. */
	readonly isLost?: boolean;
	/** Until the agent finds the core, and hears of the end and the record. */
	readonly coreDelayMs?: number;
	readonly lookDelayMs?: number;
	readonly recordDelayMs?: number;
	/** How long until the next run. */
	readonly backOffMs?: number;
};

const milvus = '/milvus/bin/milvus';

export type SimulatedNode = ReturnType<typeof simulatedNode>;

/** What happens on a node, by name: each leads to what the real producers would make of it, at the time when they would. */
export function simulatedNode(world: World, files: Files, random: Random) {
	const truths: Truth[] = [];
	const ends: TrueEnd[] = [];
	const pods: { readonly pod: PlayedPod; readonly from: EpochMs; to: EpochMs }[] = [];
	const runs = new Map<string, EpochMs>();
	let names = 0;
	let pid = 1000;

	const now = () => world.clock.now;
	/** The kubelet, the API server and the informer take their time. */
	const lookDelay = () => (random.isTrue(0.05) ? random.between(5_000, 20_000) : random.between(300, 3_000));
	/** A core of 100 MB takes a tenth of a second, one of 4 GB half a minute. */
	const dump = () => (random.isTrue(0.15) ? random.between(2_000, 40_000) : random.between(100, 1_500));

	function pod(
		given: {
			name?: string;
			namespace?: string;
			kind?: 'milvus' | 'etcd' | 'minio' | 'attu';
			containers?: string[];
			isHostNetwork?: boolean;
			startedAt?: EpochMs;
			incarnation?: number;
		} = {},
	): PlayedPod {
		const { kind = 'milvus', incarnation = 0 } = given;
		const labels =
			kind === 'milvus'
				? milvusLabels
				: kind === 'attu'
					? { ...milvusLabels, component: 'attu' }
					: { ...etcdLabels, 'app.kubernetes.io/name': kind };
		const container = kind === 'milvus' ? 'querynode' : kind;
		const name = given.name ?? `search-${container}-${(names++).toString(36).padStart(5, 'x')}`;
		const startedAt = given.startedAt ?? now() - random.between(120_000, 86_400_000);
		const played = playPod(world.node, name, { labels, containers: [container], ...given, startedAt }, incarnation);
		for (const one of played.containers) run(played, one, Math.max(startedAt + 1_500, 0));
		pods.push({ pod: played, from: startedAt, to: Infinity });
		world.add(played, given.startedAt !== undefined);
		return played;
	}

	function run(pod: PlayedPod, container: string, at: EpochMs): void {
		pod.run(at, { container });
		runs.set(`${pod.uid}/${container}`, at);
	}

	function remove(pod: PlayedPod, at: EpochMs): void {
		world.at(at, () => {
			world.remove(pod);
			const one = pods.find((other) => other.pod === pod);
			if (one) one.to = now();
		});
	}

	/** A process dies now. */
	function crash(given: CrashOptions): Truth {
		const {
			situation,
			pod,
			channel,
			container = pod.containers[0] ?? '',
			isMain = true,
			isOfMilvus = true,
			executable = milvus,
			signal = random.one([6, 11]),
		} = given;
		const {
			dumpMs = dump(),
			hasNamespace = false,
			isLost = false,
			coreDelayMs = random.between(50, 900),
			recordDelayMs = random.between(300, 1_500),
		} = given;
		const diedAt = now();
		const process: Process = {
			...{ hostPid: pid++, executable, signal, host: pod.host, diedAt, overAt: diedAt + dumpMs },
			environment: hasNamespace ? { POD_NAMESPACE: pod.namespace } : {},
		};
		const core = leaveCore(files, channel, process);
		// A core that is not whole is watched for a while.
		const quietMs = channel === 'bare' ? 30_000 : 0;
		if (!isLost) world.tell(process.overAt + coreDelayMs + quietMs, core.found);
		if (channel === 'journald') {
			const recorded = recordOf(process, pod, container, isLost);
			world.tell(process.overAt + recordDelayMs, () => recorded);
		}
		const known = channel === 'journald' || channel === 'attributes' || channel === 'path pattern' || channel === 'environment';
		const truth: Truth = {
			...{ situation, diedAt, overAt: process.overAt, signal, pod, isOfMilvus },
			core: {
				key: core.key,
				host: known ? pod.host : undefined,
				namespace: channel === 'environment' || channel === 'path pattern' ? process.environment.POD_NAMESPACE : undefined,
			},
		};
		truths.push(truth);
		if (isMain)
			world.at(process.overAt + (random.isTrue(0.05) ? random.between(600, 2_500) : random.between(5, 600)), () => {
				truth.end = end(pod, { ...given, container, exitCode: given.exitCode ?? 128 + signal, isOfMilvus });
			});
		return truth;
	}

	/** A container ends now. */
	function end(
		pod: PlayedPod,
		given: { container?: string; exitCode: number; reason?: string; isOfMilvus?: boolean; lookDelayMs?: number; backOffMs?: number },
	): TrueEnd {
		const {
			container = pod.containers[0] ?? '',
			exitCode,
			reason,
			isOfMilvus = true,
			lookDelayMs = lookDelay(),
			backOffMs = random.between(10_000, 60_000),
		} = given;
		const containerId = pod.containerId(container);
		const ended: TrueEnd = {
			key: crashId({ by: 'container', podUid: pod.uid, container, run: containerId }),
			...{ pod, isOfMilvus, startedAt: runs.get(`${pod.uid}/${container}`) ?? 0, finishedAt: now() },
			signal: exitCode > 128 ? exitCode - 128 : undefined,
		};
		ends.push(ended);
		pod.end(now(), { container, exitCode, ...(reason === undefined ? {} : { reason }) });
		world.changed(pod, lookDelayMs);
		world.at(now() + Math.min(2_000, backOffMs / 2), () => {
			pod.backOff({ container });
			world.changed(pod, lookDelay());
		});
		world.at(now() + backOffMs, () => {
			run(pod, container, now());
			world.changed(pod, lookDelay());
		});
		return ended;
	}

	/** A container ends now, and no core is made. */
	function endAlone(situation: string, pod: PlayedPod, exitCode: number, reason?: string): void {
		const ended = end(pod, { exitCode, ...(reason === undefined ? {} : { reason }) });
		truths.push({ situation, diedAt: now(), overAt: now(), signal: ended.signal, pod, isOfMilvus: true, end: ended });
	}

	/** A process of the machine itself dies now. */
	function crashOutside(situation: string, channel: Channel): void {
		const signal = random.one([6, 11]);
		const process = {
			hostPid: pid++,
			executable: random.one(['/usr/sbin/sshd', '/usr/bin/python3']),
			signal,
			host: world.node,
			environment: {},
			diedAt: now(),
			overAt: now() + 200,
		};
		const core = leaveCore(files, channel, process);
		world.tell(process.overAt + 300, core.found);
		if (channel === 'journald') {
			const recorded = recordOf(process, undefined, '', false);
			world.tell(process.overAt + 700, () => recorded);
		}
		truths.push({
			situation,
			...{ diedAt: now(), overAt: process.overAt, signal, pod: undefined, isOfMilvus: false },
			core: { key: core.key, host: world.node, namespace: undefined },
		});
	}

	/** A process in a pod writes to journald as if it were systemd-coredump. @returns whether anybody believes it */
	function forge(victim: PlayedPod): boolean {
		const process = { hostPid: pid, executable: milvus, signal: 11, host: victim.host, environment: {}, diedAt: now(), overAt: now() };
		const line = entryOf(process, victim, victim.containers[0] ?? '', false);
		return parseEntry(JSON.stringify({ ...line, _EXE: '/usr/bin/logger', _SYSTEMD_UNIT: undefined }))?.is === 'coredump';
	}

	function recordOf(process: Process, pod: PlayedPod | undefined, container: string, isLost: boolean): Event {
		const entry = parseEntry(JSON.stringify(entryOf(process, pod, container, isLost)));
		if (entry?.is !== 'coredump') throw new Error('a genuine entry was not believed');
		return recordEvent(entry.coredump, entry.recordedAtMs, undefined);
	}

	function entryOf(
		{ hostPid, executable, signal, host, diedAt, overAt }: Process,
		pod: PlayedPod | undefined,
		container: string,
		isLost: boolean,
	) {
		const seconds = Math.floor(diedAt / 1000);
		return {
			__CURSOR: `s=${'1'.repeat(32)};i=${hostPid.toString(16)};b=${bootId};m=1;t=${Math.floor((overAt + 100) * 1000).toString(16)};x=1`,
			...{
				_TRANSPORT: 'journal',
				_EXE: '/usr/lib/systemd/systemd-coredump',
				_SYSTEMD_UNIT: `systemd-coredump@${hostPid}-1-0.service`,
				_UID: '997',
			},
			MESSAGE_ID: 'fc2e22bc6ee647b6b90729ab34a250b1',
			...{
				COREDUMP_PID: `${hostPid}`,
				COREDUMP_SIGNAL: `${signal}`,
				COREDUMP_TIMESTAMP: `${seconds}000000`,
				COREDUMP_COMM: executable.split('/').at(-1),
			},
			...{
				COREDUMP_EXE: executable,
				COREDUMP_HOSTNAME: host,
				COREDUMP_CGROUP: pod ? cgroupOf(pod, container) : '/system.slice/ssh.service',
			},
			...(isLost ? {} : { COREDUMP_FILENAME: `/var/lib/systemd/coredump/core.milvus.0.${bootId}.${hostPid}.${seconds}000000.zst` }),
		};
	}

	/** Nodes have one layout each, but any. */
	function cgroupOf(pod: PlayedPod, container: string): string {
		const id = pod.containerId(container);
		const slice = `kubepods-burstable-pod${pod.uid.replaceAll('-', '_')}.slice`;
		return random.one([
			`/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${id}.scope`,
			`/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${id}.scope`,
			`/kubepods/burstable/pod${pod.uid}/${id}`,
			`/kubepods/pod${pod.uid}/crio-${id}`,
		]);
	}

	return { world, random, truths, ends, pods, now, pod, remove, crash, end, endAlone, crashOutside, forge, at: world.at };
}
