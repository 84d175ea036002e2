import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CrashReport, crashReport } from '../../src/domain/report.ts';
import { type Installation, installation } from '../support/agent.ts';
import { crash, program } from '../support/crash.ts';
import { type Entry, genuineEntry, journalTest, writeJournal } from '../support/journald.ts';
import type { Stored } from '../support/kubernetes/api.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { type PlayedPod, playKubelet } from '../support/kubernetes/played-kubelet.ts';

const bootId = '3a370f5b76c84d819f904db94345159d';

/** A release with one query node that has run for an hour, on a node of its own. */
async function onNode(cluster: Cluster, namespace: string) {
	const node = await cluster.node();
	const { pods } = await helmRelease(cluster, { namespace, node, release: 'search', chart: 'milvus-5.0.19', components: { querynode: 1 } });
	const pod = pods[0] as Stored;
	const played = playKubelet(cluster, pod);
	await played.run(new Date(Date.now() - 3600_000));
	return { node, pod, played };
}

/** A real core, as systemd-coredump would have left it. */
async function leaveCore(home: Installation, hostPid: number, at: Date): Promise<string> {
	const milvus = home.place('milvus');
	copyFileSync(await program('faults.c'), milvus);
	await using crashed = await crash(milvus, ['null']);
	const name = `core.milvus.0.${bootId}.${hostPid}.${Math.floor(at.getTime() / 1000)}000000`;
	copyFileSync(crashed.core, join(home.place('cores'), name));
	return name;
}

/** What systemd-coredump would have recorded of it. */
function record(hostPid: number, at: Date, { metadata }: Stored, played: PlayedPod, fields: Entry = {}): Entry {
	const seconds = Math.floor(at.getTime() / 1000);
	const slice = `kubepods-burstable-pod${metadata.uid.replaceAll('-', '_')}.slice`;
	return {
		...genuineEntry('systemd-252', 'pod-burstable-thread-segv'),
		_BOOT_ID: bootId,
		COREDUMP_PID: `${hostPid}`,
		COREDUMP_TIMESTAMP: `${seconds}000000`,
		COREDUMP_HOSTNAME: metadata.name,
		COREDUMP_CGROUP: `/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${played.containerId().replace('containerd://', '')}.scope`,
		__REALTIME_TIMESTAMP: `${seconds}500000`,
		__MONOTONIC_TIMESTAMP: `${seconds % 1_000_000}500000`,
		...fields,
	};
}

async function settledReports(home: Installation, count: number): Promise<CrashReport[]> {
	await expect.poll(() => home.reports().filter(({ storage }) => storage !== null).length, { timeout: 60_000 }).toBe(count);
	return home.reports().map((report) => crashReport.parse(report));
}

describeKubernetes('an agent on a node of a cluster', () => {
	test('tells of ends without a core, each once, also when it was not there', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using home = await installation({ collector: { correlationTimeout: '1s', journaldPath: '/nowhere' } });
		const { node, pod, played } = await onNode(cluster, namespace.name);
		const agent = await home.startOn(cluster.kubeconfig, node);
		await agent.line('discovery is ready');
		await played.crash({ exitCode: 137, reason: 'OOMKilled' });
		await settledReports(home, 1);
		await agent.stop();
		await played.crash({ exitCode: 80 });
		await played.crash({ exitCode: 0 });
		await played.crash({ exitCode: 139 }, undefined, 3);
		const again = await home.startOn(cluster.kubeconfig, node);
		const reports = await settledReports(home, 2);
		await again.stop();
		const [killed, fault] = reports.toSorted((a, b) => (a.association.restartCount ?? 0) - (b.association.restartCount ?? 0));
		expect(killed).toMatchObject({
			...{ kind: 'killed', signal: { name: 'SIGKILL' }, evidence: ['restart'], core: null, score: null, status: 'skipped' },
			reason: expect.stringMatching(/^OOMKilled: it used more memory than its limit/),
			association: {
				...{ method: 'container status', confidence: 'exact', namespace: namespace.name, pod: pod.metadata.name, podUid: pod.metadata.uid },
				...{ container: 'querynode', instance: 'search', instanceKind: 'helm', component: 'querynode', node },
				...{ image: 'milvusdb/milvus:v2.6.15', restartCount: 1, exitCode: 137, reason: 'OOMKilled' },
			},
		});
		expect(fault).toMatchObject({ kind: 'fault', signal: { name: 'SIGSEGV' }, association: { restartCount: 6 }, restart: { missed: 4 } });
	});

	journalTest('believes what systemd-coredump recorded of whose a core was', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using home = await installation({ collector: { correlationTimeout: '5s' } });
		const journald = home.place('journald');
		mkdirSync(join(journald, 'a'.repeat(32)), { recursive: true });
		home.configure({ collector: { journaldPath: journald } });
		const { node, pod, played } = await onNode(cluster, namespace.name);
		const file = (name: string) => join(journald, 'a'.repeat(32), name);
		const lostAt = new Date(Date.now() - 60_000);
		const stored = (name: string) => ({ COREDUMP_FILENAME: `/var/lib/systemd/coredump/${name}` });
		await writeJournal(file('system@1.journal'), [record(815, lostAt, pod, played, stored(`core.milvus.0.${bootId}.815.1.zst`))]);
		const agent = await home.startOn(cluster.kubeconfig, node);
		await agent.line("the host's journal is read");
		const at = new Date();
		const name = await leaveCore(home, 4711, at);
		await writeJournal(file('system@2.journal'), [record(4711, at, pod, played, stored(name))]);
		await played.crash({ exitCode: 139, finishedAt: at });
		// On a busy machine the end of the container may come after the report of the core, and amends it.
		await expect.poll(() => home.reports().some(({ core, restart }) => core !== null && restart !== null), { timeout: 60_000 }).toBe(true);
		const reports = await settledReports(home, 2);
		await agent.stop();
		const [kept, lost] = reports.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
		expect(kept).toMatchObject({
			...{ evidence: ['core', 'restart'], status: 'stored', signal: { name: 'SIGSEGV' }, lostCore: null },
			association: {
				method: 'cgroup',
				confidence: 'exact',
				pod: pod.metadata.name,
				container: 'querynode',
				exitCode: 139,
				restartCount: 1,
			},
		});
		// Of the same container, but an end of it is not known: a child process.
		expect(lost).toMatchObject({
			...{ evidence: [], core: null, restart: null, association: { method: 'cgroup', confidence: 'exact', pod: pod.metadata.name } },
			signal: { name: 'SIGSEGV' },
			lostCore: { reason: 'no core: its file was gone before it was found' },
			process: { hostPid: 815, name: 'milvus' },
		});
	});
});
