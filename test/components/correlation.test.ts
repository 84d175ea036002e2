import { cpSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Event } from '../../src/domain/events.ts';
import type { EpochMs } from '../../src/domain/stage.ts';
import { correlating, recordOf, systemdName } from '../support/correlating.ts';
import { type Crash, crash, crashTest, program, temporaryFolder } from '../support/crash.ts';
import { etcdLabels, hexOf, type PlayedPod } from '../support/node.ts';

const second = 1_000;
const minute = 60 * second;
const iso = (at: EpochMs) => new Date(at).toISOString();

const crashes = new Map<string, Promise<Crash>>();
afterAll(async () => {
	for (const one of crashes.values()) await (await one)[Symbol.asyncDispose]();
});

type CoreOptions = {
	readonly name?: string;
	readonly fault?: string;
	readonly environment?: Readonly<Record<string, string>>;
};

/** A core that a real program of that name left. */
async function core({ name = 'milvus', fault = 'null', environment = {} }: CoreOptions = {}): Promise<string> {
	const key = JSON.stringify([name, fault, environment]);
	const known = crashes.get(key) ?? crashNow(name, fault, environment);
	crashes.set(key, known);
	return (await known).core;
}

async function crashNow(name: string, fault: string, environment: Readonly<Record<string, string>>): Promise<Crash> {
	await using folder = await temporaryFolder();
	cpSync(await program('faults.c'), join(folder.path, name));
	return await crash(join(folder.path, name), [fault], { environment });
}

const inPod = ({ host, namespace }: PlayedPod) => ({ environment: { HOSTNAME: host, POD_NAMESPACE: namespace } });
const hostOnly = ({ host }: PlayedPod) => ({ environment: { HOSTNAME: host } });

type Home = Awaited<ReturnType<typeof correlating>>;

/** The kernel left a core under a pattern that tells pid and time. */
async function leave(home: Home, given: CoreOptions, at: EpochMs = home.clock.now, pid = 4711): Promise<void> {
	await home.core({ from: await core(given), name: systemdName(pid, at), writtenAt: at + 300 });
}

const short = (home: Home) =>
	home.reports().map(({ evidence, association: { pod, method, confidence, exitCode }, revision }) => ({
		...{ evidence: evidence.join('+'), pod, by: `${method}, ${confidence}`, exitCode, revision },
	}));
const both = (pod: PlayedPod, by: string, revision = 1) => ({ evidence: 'core+restart', pod: pod.name, by, exitCode: 139, revision });

/** By the pid in the name of each core. */
const paired = (home: Home) =>
	home
		.reports()
		.map(
			({ core, association, evidence }) =>
				[Number(/\.(\d+)\.\d+$/.exec(core?.path ?? '')?.[1]), association.podUid, evidence.join('+')] as const,
		)
		.toSorted(([one], [other]) => one - other);

describe('core and restart make one report', () => {
	crashTest('at once, when the restart comes while the core waits', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		await leave(home, inPod(pod));
		expect(home.reports()).toEqual([]);
		await home.after(second);
		await home.end(pod);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
		await home.after(minute);
		expect(home.reports()).toHaveLength(1);
	});

	crashTest('at once, when the core comes while the restart waits', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await home.after(second);
		await home.end(pod);
		await home.after(5 * second);
		expect(home.reports()).toEqual([]);
		await leave(home, inPod(pod), at);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
		expect(home.reports()[0]?.time).toBe(iso(at));
		await home.after(minute);
		expect(home.reports()).toHaveLength(1);
	});

	crashTest('when the restart comes an hour late: the API server was away', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await leave(home, inPod(pod));
		await home.after(minute);
		expect(short(home)).toEqual([{ evidence: 'core', pod: pod.name, by: 'host name, weak', exitCode: undefined, revision: 1 }]);
		await home.after(60 * minute);
		await home.end(pod, 139, at + second);
		expect(short(home)).toEqual([both(pod, 'host name, strong', 2)]);
		await home.after(minute);
		expect(home.reports()).toHaveLength(1);
	});

	crashTest('when the core comes late: the restart is reported, and gets it', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await home.end(pod);
		await home.after(minute);
		expect(short(home)).toEqual([{ evidence: 'restart', pod: pod.name, by: 'container status, exact', exitCode: 139, revision: 1 }]);
		await leave(home, inPod(pod), at);
		expect(short(home)).toEqual([both(pod, 'host name, strong', 2)]);
		await home.after(minute);
		expect(home.reports()).toHaveLength(1);
	});

	crashTest('when the pod is known only late: the agent started while the API server was away', async () => {
		await using home = await correlating();
		const at = home.clock.now;
		const pod = await home.pod('search-querynode-0');
		home.restart();
		await leave(home, inPod(pod));
		await home.after(minute);
		expect(short(home)).toMatchObject([{ evidence: 'core', pod: undefined, by: 'none, none' }]);
		await home.after(10 * minute);
		await home.end(pod, 139, at + second);
		home.watched.pods.isComplete = true;
		await home.after(minute);
		expect(short(home)).toEqual([both(pod, 'host name, strong', 2)]);
	});

	crashTest('when writing the core took minutes', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await home.after(4 * minute);
		await home.core({ from: await core(inPod(pod)), name: systemdName(4711, at), writtenAt: home.clock.now - 500 });
		await home.end(pod);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
	});

	crashTest('when the agent was restarted in between, in either order', async () => {
		for (const isCoreFirst of [true, false]) {
			await using home = await correlating();
			const pod = await home.pod('search-querynode-0');
			const at = home.clock.now;
			if (isCoreFirst) await leave(home, inPod(pod));
			else await home.end(pod, 139, at + second);
			home.restart();
			await home.after(2 * second);
			if (isCoreFirst) await home.end(pod, 139, at + second);
			else await home.look(pod);
			home.watched.pods.isComplete = true;
			if (!isCoreFirst) await leave(home, inPod(pod), at);
			await home.after(second);
			expect(short(home)).toEqual([both(pod, 'host name, strong')]);
			await home.after(minute);
			expect(home.reports()).toHaveLength(1);
		}
	});

	crashTest('each its own, in a crash loop of more runs than are looked at in a pod', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		const from = await core(inPod(pod));
		for (let run = 0; run < 60; run++) {
			if (run > 0) pod.run(home.clock.now);
			const at = home.clock.now + 2 * second;
			await home.after(3 * second);
			await home.core({ from, name: systemdName(1000 + run, at), writtenAt: at + 100 });
			await home.end(pod, 139, at + 600);
			await home.after(2 * second);
		}
		await home.after(minute);
		expect(new Set(short(home).map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(both(pod, 'host name, strong'))]));
		expect(home.reports().map(({ association }) => association.restartCount)).toEqual(Array.from({ length: 60 }, (_, run) => run + 1));
	});
});

describe('what systemd-coredump recorded', () => {
	crashTest('makes it certain, whether it comes before the core, or while that waits', async () => {
		for (const isFirst of [true, false]) {
			await using home = await correlating({ hasJournald: true });
			const [pod, twin] = [await home.pod('milvus-0', { namespace: 'one' }), await home.pod('milvus-0', { namespace: 'other' })];
			const at = home.clock.now;
			for (const one of [pod, twin]) await home.end(one);
			if (isFirst) await home.journald(recordOf(twin, 4711, at));
			await leave(home, hostOnly(twin));
			if (!isFirst) {
				await home.after(second);
				expect(home.reports()).toEqual([]);
				await home.journald(recordOf(twin, 4711, at));
			}
			await home.after(minute);
			const [crash, other, ...more] = home.reports().toSorted((a, b) => b.evidence.length - a.evidence.length);
			expect(more).toEqual([]);
			expect(crash).toMatchObject({ evidence: ['core', 'restart'], association: { confidence: 'exact', podUid: twin.uid, exitCode: 139 } });
			expect(other).toMatchObject({ evidence: ['restart'], association: { podUid: pod.uid } });
		}
	});

	crashTest('comes late, and amends what was guessed', async () => {
		await using home = await correlating({ hasJournald: true });
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await leave(home, inPod(pod));
		await home.end(pod);
		await home.after(6 * second);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
		await home.after(10 * minute);
		await home.journald(recordOf(pod, 4711, at));
		expect(short(home)).toEqual([both(pod, 'cgroup, exact', 2)]);
		await home.after(minute);
		expect(short(home)).toEqual([both(pod, 'cgroup, exact', 2)]);
	});

	crashTest('comes late, and gives back an end that was taken for that of another', async () => {
		await using home = await correlating({ hasJournald: true });
		const [pod, host] = [await home.pod('search-querynode-0'), await home.pod('search-proxy-0', { isHostNetwork: true })];
		const at = home.clock.now;
		// Of a child of the querynode, without a host name in its environment.
		await leave(home, {}, at, 4711);
		await home.end(host);
		await home.after(minute);
		expect(short(home)).toMatchObject([both(host, 'time, weak')]);
		await home.journald(recordOf(pod, 4711, at));
		await home.after(minute);
		expect(short(home).toSorted((a, b) => a.evidence.localeCompare(b.evidence))).toEqual([
			{ evidence: 'core', pod: pod.name, by: 'cgroup, exact', exitCode: undefined, revision: 2 },
			{ evidence: 'restart', pod: host.name, by: 'container status, exact', exitCode: 139, revision: 1 },
		]);
	});

	crashTest('is not believed from anybody else, who may name any pod', async () => {
		await using home = await correlating({ hasJournald: true });
		const [pod, victim] = [await home.pod('search-querynode-0'), await home.pod('search-querynode-1')];
		const at = home.clock.now;
		const forged = { _EXE: '/usr/bin/logger', _SYSTEMD_UNIT: 'cri-containerd-1.scope' };
		expect(await home.journald(recordOf(victim, 4711, at, forged))).toBe('disbelieved');
		await leave(home, inPod(pod));
		await home.end(pod);
		await home.after(minute);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
	});

	test('of a core that is lost makes a crash with the reason, in one report with its restart, whichever comes first or late', async () => {
		const lost = { COREDUMP_FILENAME: undefined };
		for (const order of ['record', 'restart', 'record late', 'restart late']) {
			await using home = await correlating({ hasJournald: true });
			const pod = await home.pod('search-querynode-0');
			const at = home.clock.now;
			const record = () => home.journald(recordOf(pod, 4711, at, lost));
			const restart = () => home.end(pod, 139, at);
			if (order.startsWith('record')) await restart();
			else await record();
			await home.after(order.endsWith('late') ? minute : second);
			if (order.startsWith('record')) await record();
			else await restart();
			await home.after(minute);
			const by = { evidence: 'restart', pod: pod.name, by: 'cgroup, exact', exitCode: 139 };
			expect([order, short(home)]).toEqual([order, [{ ...by, revision: order.endsWith('late') ? 2 : 1 }]]);
			expect(home.reports()[0]?.lostCore).toMatchObject({ reason: 'no core: systemd-coredump stored none', signal: 11 });
		}
	});

	crashTest('of a core that was found only after it had been given up for lost amends the report', async () => {
		await using home = await correlating({ hasJournald: true });
		const pod = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await home.journald(recordOf(pod, 4711, at));
		await home.end(pod);
		await home.after(minute);
		expect(home.reports()).toMatchObject([{ core: null, lostCore: { reason: 'no core: its file was gone before it was found' } }]);
		await leave(home, inPod(pod), at);
		await home.after(minute);
		expect(short(home)).toEqual([both(pod, 'cgroup, exact', 2)]);
		expect(home.reports()[0]?.lostCore).toBeNull();
	});

	crashTest('of a core whose file is there, but was left alone, is none of a lost core', async () => {
		await using home = await correlating({ hasJournald: true });
		const pod = await home.pod('search-querynode-0');
		cpSync(await core(inPod(pod)), join(home.directory, systemdName(4711, home.clock.now)));
		await home.journald(recordOf(pod, 4711, home.clock.now));
		await home.after(minute);
		expect(home.reports()).toEqual([]);
	});

	crashTest('of a cut core stands in its report', async () => {
		await using home = await correlating({ hasJournald: true });
		const pod = await home.pod('search-querynode-0');
		await home.journald(recordOf(pod, 4711, home.clock.now, { COREDUMP_TRUNCATED: '1' }));
		await leave(home, inPod(pod));
		await home.end(pod);
		expect(home.reports()).toMatchObject([{ evidence: ['core', 'restart'], lostCore: { reason: 'core cut by systemd-coredump' } }]);
	});

	test('of a process of the machine, or of another pod, is left alone', async () => {
		await using home = await correlating({ hasJournald: true });
		const etcd = await home.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] });
		const lost = { COREDUMP_FILENAME: undefined, COREDUMP_EXE: '/usr/bin/thing', COREDUMP_COMM: 'thing' };
		await home.journald(recordOf(etcd, 1, home.clock.now, lost));
		await home.journald(
			recordOf(etcd, 2, home.clock.now, { ...lost, COREDUMP_CGROUP: '/system.slice/sshd.service', COREDUMP_HOSTNAME: 'node-1' }),
		);
		await home.after(minute);
		expect(home.reports()).toEqual([]);
	});
});

describe('two things that look alike', () => {
	crashTest('two pods of one name in two namespaces crash at once: each core finds its own, by the namespace', async () => {
		await using home = await correlating();
		const pods = [await home.pod('milvus-0', { namespace: 'one' }), await home.pod('milvus-0', { namespace: 'other' })];
		for (const [index, pod] of pods.toReversed().entries()) await leave(home, inPod(pod), home.clock.now, 4711 + index);
		for (const pod of pods) await home.end(pod);
		await home.after(minute);
		expect(paired(home)).toEqual(pods.toReversed().map(({ uid }, index) => [4711 + index, uid, 'core+restart']));
	});

	crashTest('and without it none: the end that is seen first is not taken for that of the other', async () => {
		await using home = await correlating();
		const [one, other] = [await home.pod('milvus-0', { namespace: 'one' }), await home.pod('milvus-0', { namespace: 'other' })];
		const at = home.clock.now;
		await leave(home, hostOnly(one));
		await home.end(other);
		await home.after(3 * second);
		await home.end(one, 139, at);
		await home.after(minute);
		expect(
			short(home)
				.map(({ evidence, by }) => `${evidence}: ${by}`)
				.sort(),
		).toEqual(['core: none, none', 'restart: container status, exact', 'restart: container status, exact']);
	});

	crashTest('two pods crash in one second: each core goes to its own, whatever order', async () => {
		await using home = await correlating();
		const pods = [await home.pod('search-querynode-0'), await home.pod('search-querynode-1')];
		for (const [index, pod] of pods.entries()) await leave(home, inPod(pod), home.clock.now, 4711 + index);
		for (const pod of pods.toReversed()) await home.end(pod);
		expect(paired(home)).toEqual(pods.map(({ uid }, index) => [4711 + index, uid, 'core+restart']));
		await home.after(minute);
		expect(short(home)).toHaveLength(2);
	});

	crashTest('two pods crash in one second and nothing tells whose the core is: nobody’s, also when one end is seen later', async () => {
		await using home = await correlating();
		const [one, other] = [await home.pod('search-querynode-0'), await home.pod('search-querynode-1')];
		const at = home.clock.now;
		await leave(home, {});
		await home.end(one);
		await home.after(5 * second);
		await home.end(other, 139, at);
		await home.after(minute);
		expect(home.reports().find((report) => report.core)?.association).toEqual({ method: 'none', confidence: 'none' });
	});

	crashTest('a child crashed a moment before its parent: the end is the parent’s, and both are crashes', async () => {
		for (const [apartMs, hasJournald] of [
			[second, false],
			[second, true],
			[6 * second, false],
		] as const) {
			await using home = await correlating({ hasJournald });
			const pod = await home.pod('search-querynode-0');
			const at = home.clock.now;
			await leave(home, inPod(pod), at, 20);
			await home.after(apartMs);
			await leave(home, inPod(pod), home.clock.now, 7);
			await home.after(200);
			await home.end(pod);
			await home.after(minute);
			expect(paired(home)).toEqual([
				[7, pod.uid, 'core+restart'],
				[20, pod.uid, 'core'],
			]);
		}
	});

	crashTest('a child crashed and its container lives on, and is killed for its memory later: two crashes', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		await leave(home, inPod(pod));
		await home.after(minute);
		await home.end(pod, 137, home.clock.now, { reason: 'OOMKilled' });
		await home.after(minute);
		expect(short(home)).toEqual([
			{ evidence: 'core', pod: pod.name, by: 'host name, weak', exitCode: undefined, revision: 1 },
			{ evidence: 'restart', pod: pod.name, by: 'container status, exact', exitCode: 137, revision: 1 },
		]);
	});

	crashTest('the shell of a probe crashes with Milvus: the end is that of Milvus', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		await home.end(pod);
		await leave(home, { ...inPod(pod), name: 'sh' }, home.clock.now, 20);
		await leave(home, inPod(pod), home.clock.now, 7);
		await home.after(minute);
		expect(paired(home)).toEqual([
			[7, pod.uid, 'core+restart'],
			[20, pod.uid, 'core'],
		]);
	});

	crashTest('a pod of a StatefulSet came back under its name, and crashed too', async () => {
		await using home = await correlating();
		const first = await home.pod('search-querynode-0');
		const at = home.clock.now;
		await leave(home, inPod(first), at, 1);
		await home.end(first);
		home.watched.remove(first);
		const second = await home.pod('search-querynode-0', { startedAt: at + 2_000 });
		await home.after(8_000);
		await leave(home, inPod(second), at + 7_000, 2);
		await home.end(second, 139, at + 7_500);
		await home.after(minute);
		expect(home.reports().map(({ evidence, association }) => [evidence.length, association.podUid])).toEqual([
			[2, first.uid],
			[2, second.uid],
		]);
	});
});

describe('the name of a core', () => {
	crashTest('tells the host, where the pattern of the kernel has it', async () => {
		await using home = await correlating({ corePattern: '/cores/core-%e-%h-%P-%t' });
		const [pod] = [await home.pod('search-querynode-0'), await home.pod('search-querynode-1')];
		const at = Math.floor(home.clock.now / 1000);
		await home.core({ from: await core(), name: `core-MILVUS_FUTURE_C-${pod.host}-4711-${at}`, writtenAt: home.clock.now });
		await home.end(pod);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
	});

	crashTest('is all that is left of a core that is gone before it is looked at', async () => {
		await using home = await correlating({ corePattern: '/cores/core-%e-%h-%P-%t' });
		const pod = await home.pod('search-querynode-0');
		const name = `core-milvus-${pod.host}-4711-${Math.floor(home.clock.now / 1000)}`;
		await home.core({ from: await core(), name, writtenAt: home.clock.now });
		unlinkSync(join(home.directory, name));
		await home.end(pod);
		expect(short(home)).toEqual([both(pod, 'host name, strong')]);
	});
});

describe('left alone', () => {
	crashTest('are cores of other pods, of sidecars and of the machine, and no end is taken by them', async () => {
		await using home = await correlating();
		const etcd = await home.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] });
		const pod = await home.pod('search-querynode-0', { containers: ['querynode', 'proxy-agent'] });
		await leave(home, { ...inPod(etcd), name: 'etcd' }, home.clock.now, 1);
		await home.end(etcd);
		await leave(home, { ...inPod(pod), name: 'proxy-agent' }, home.clock.now, 2);
		await home.end(pod, 139, home.clock.now, { container: 'proxy-agent' });
		await leave(home, { name: 'sshd', environment: { HOSTNAME: 'node-1' } }, home.clock.now, 3);
		await leave(home, { name: 'cron' }, home.clock.now, 4);
		await home.end(pod);
		await home.after(minute);
		expect(short(home)).toEqual([{ evidence: 'restart', pod: pod.name, by: 'container status, exact', exitCode: 139, revision: 1 }]);
		expect(home.lines.filter(({ msg }) => msg === 'file left alone: not of Milvus')).toHaveLength(4);
	});

	crashTest('of a program that may be of any pod only when the pods are known', async () => {
		await using home = await correlating();
		const [pod, etcd] = [await home.pod('crasher'), await home.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] })];
		home.restart();
		await leave(home, { ...inPod(pod), name: 'crasher' }, home.clock.now, 1);
		await leave(home, { ...inPod(etcd), name: 'etcd' }, home.clock.now, 2);
		await home.after(10 * minute);
		expect([home.reports(), home.lines.length]).toEqual([[], 0]);
		for (const one of [pod, etcd]) await home.look(one);
		home.watched.pods.isComplete = true;
		await home.after(minute);
		expect(short(home)).toMatchObject([{ evidence: 'core', pod: 'crasher', by: 'host name, weak' }]);
		expect(home.lines).toHaveLength(1);
	});

	crashTest('but not a core of Milvus whose pod nobody knows', async () => {
		await using home = await correlating();
		await leave(home, { environment: { HOSTNAME: 'search-querynode-9' } });
		await home.after(minute);
		expect(home.reports().map(({ association }) => association)).toEqual([
			{ method: 'none', confidence: 'none', host: 'search-querynode-9' },
		]);
	});
});

describe('a restart without a core', () => {
	const alone = async (home: Home, exitCode: number, given: { reason?: string } = {}) => {
		const pod = await home.pod('search-querynode-0');
		await home.end(pod, exitCode, home.clock.now, given);
		return pod;
	};

	test.each([
		[137, { reason: 'OOMKilled' }],
		[80, {}],
		[1, {}],
		[2, {}],
	])('of a kind that leaves none (%i) is reported at once', async (exitCode, given) => {
		await using home = await correlating();
		await alone(home, exitCode, given);
		expect(home.reports()).toMatchObject([{ evidence: ['restart'], association: { exitCode }, lostCore: null }]);
		await home.after(minute);
		expect(home.reports()).toHaveLength(1);
	});

	test.each([134, 139])('of a kind that leaves one (%i) waits for it, and no longer than that', async (exitCode) => {
		await using home = await correlating();
		await alone(home, exitCode);
		await home.after(29 * second);
		expect(home.reports()).toEqual([]);
		await home.after(second);
		expect(home.reports()).toMatchObject([{ evidence: ['restart'], association: { exitCode } }]);
	});

	crashTest('of a panic takes its core', async () => {
		await using home = await correlating();
		const pod = await alone(home, 134);
		await leave(home, { ...inPod(pod), fault: 'abort' });
		expect(home.reports()).toMatchObject([{ evidence: ['core', 'restart'], association: { exitCode: 134, confidence: 'strong' } }]);
	});

	test('tells why, where the machine noted it of no other', async () => {
		const note = (at: EpochMs, name: string, reason: string): Event => ({
			kind: 'CoreNote',
			key: hexOf(name + reason, 12),
			body: { time: iso(at), pid: 7, name, lost: { reason, advice: 'do something' } },
		});
		await using home = await correlating();
		await home.pod('search-etcd-0', { labels: etcdLabels, containers: ['etcd'] });
		const at = home.clock.now;
		await home.append(note(at - minute, 'milvus', 'long before'), note(at, 'etcd', 'of etcd'));
		await home.append(note(at - second, 'MILVUS_FUTURE_C', 'no core: over core_pipe_limit'));
		await alone(home, 139);
		await home.after(minute);
		expect(home.reports()).toMatchObject([{ evidence: ['restart'], lostCore: { reason: 'no core: over core_pipe_limit' } }]);
	});
});

describe('a restart of the start-up', () => {
	const recovery = (pod: PlayedPod, restartCount: number, at: EpochMs): Event => ({
		kind: 'RecoveryEvent',
		key: `${pod.uid}/querynode/${restartCount}`,
		body: { podUid: pod.uid, container: 'querynode', restartCount, time: iso(at) },
	});

	test.each([
		['after it was reported', 1, 40 * second],
		['while it waits for its core', 134, 3 * second],
	])('is marked as healed by a recovery %s', async (_, exitCode, passedMs) => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0', { startedAt: home.clock.now - minute });
		pod.end(home.clock.now, { exitCode });
		const events = home.watched
			.look(pod)
			.map((event) => ({ ...event, body: { ...event.body, restart: { ...event.body.restart, isStartUp: true } } }));
		await home.append(...events);
		await home.after(passedMs);
		await home.append(recovery(pod, 1, home.clock.now));
		await home.after(minute);
		expect(home.reports()).toMatchObject([{ restart: { isStartUp: true, isHealed: true } }]);
		const [{ revision } = { revision: 0 }] = home.reports();
		await home.append(recovery(pod, 2, home.clock.now));
		expect(home.reports()).toMatchObject([{ revision }]);
	});

	test('of later, or of another kind, is not', async () => {
		await using home = await correlating();
		const pod = await home.pod('search-querynode-0');
		await home.end(pod, 1);
		await home.append(recovery(pod, 1, home.clock.now));
		expect(home.reports()).toMatchObject([{ restart: { isStartUp: false, isHealed: false }, revision: 1 }]);
	});
});
