import { expect, test } from 'vitest';
import { type Installation, installation } from '../support/agent.ts';
import { crashReports } from '../support/crash-reports.ts';
import { collectionOf, pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { crashLoop } from '../support/kubernetes/crash-loop.ts';
import { freeLease, ownControlPlane } from '../support/kubernetes/definitions.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { operatorPod } from '../support/kubernetes/operator-stand-in/operator-pod.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';

const soon = { timeout: 60_000, interval: 500 };
const cleaner = { cleanupDelay: '3s' };
const keep = (value: string | null) => ({ metadata: { annotations: { 'diagnostics.milvus.io/keep': value } } });

describeKubernetes('instances that do nothing but crash', () => {
	const own = ownControlPlane();

	const start = (home: Installation, namespace: string, pod: string) =>
		home.start(
			{ POD_NAMESPACE: namespace, POD_NAME: pod, NODE_NAME: 'node-1' },
			[],
			[...['--config', home.config, '--kubeconfig', own.cluster.kubeconfig, '--role', 'controller']],
		);

	const cleanups = (namespace: string) => own.cluster.list(`/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/instancecleanups`);
	/** By the name of the instance. */
	const cleanupOf = async (namespace: string, instance: string) =>
		(await cleanups(namespace)).find(({ spec }) => spec.instance === instance);
	const phaseOf = async (namespace: string, instance: string) => (await cleanupOf(namespace, instance))?.status?.phase;

	/** All of a namespace that a cleaner could be after, as far as nobody but the cleaner would change it. */
	async function listing(namespace: string): Promise<readonly object[]> {
		const kinds = [
			...['Pod', 'Service', 'ConfigMap', 'Secret', 'PersistentVolumeClaim'].map((kind) => ({ apiVersion: 'v1', kind })),
			...['Deployment', 'ReplicaSet', 'StatefulSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
			{ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus' },
			{ apiVersion: 'diagnostics.milvus.io/v1alpha1', kind: 'CrashReport' },
		];
		const lists = await Promise.all(kinds.map((kind) => own.cluster.list(collectionOf({ ...kind, metadata: { name: '', namespace } }))));
		return lists.flat().map(({ kind, metadata: { name, uid, labels, deletionTimestamp }, spec, data }) => {
			return { kind, name, uid, labels, deletionTimestamp, spec, data };
		});
	}

	test('are said to be what would be removed, each by what it is, and nothing is removed; also when the leader is killed', async () => {
		const { cluster } = own;
		await using reports = await crashReports(cluster);
		const { namespace } = reports;
		await using agents = await cluster.namespace();
		await freeLease(own.cluster, agents.name);
		const node = await cluster.node();
		const helm = await helmRelease(cluster, {
			...{ namespace, node, release: 'search', chart: 'milvus-5.0.19', components: { standalone: 1, proxy: 1 } },
		});
		const operator = await operatorInstance(cluster, { namespace, node, name: 'vectors', mode: 'standalone' });
		await operatorPod(cluster, { namespace, node });
		const standalone = helm.pods.find(({ spec }) => spec.containers[0].name === 'standalone') as Stored;
		await crashLoop(cluster, { reports, pod: standalone, instance: { name: 'search', kind: 'helm' }, first: 0 });
		const [pod] = operator.pods as [Stored];
		const kubelet = await crashLoop(cluster, { reports, pod, instance: { name: 'vectors', kind: 'operator' }, first: 10 });
		const before = await listing(namespace);

		await using home = await installation({ cleaner: { ...cleaner, cleanupDelay: '40s' } });
		await using other = await installation({ cleaner });
		const first = await start(home, agents.name, 'controller-a');
		await first.line('this agent leads');
		await expect.poll(async () => (await cleanups(namespace)).map(({ status }) => status?.phase), soon).toEqual(['Pending', 'Pending']);
		const pending = (await cleanupOf(namespace, 'search')) as Stored;
		first.kill('SIGKILL');
		const second = await start(other, agents.name, 'controller-b');
		await expect.poll(() => phaseOf(namespace, 'search'), { ...soon, timeout: 90_000 }).toBe('DryRun');
		await expect.poll(() => phaseOf(namespace, 'vectors'), soon).toBe('DryRun');
		const decided = (await cleanupOf(namespace, 'search')) as Stored;
		expect(decided).toMatchObject({ metadata: { uid: pending.metadata.uid }, spec: pending.spec });
		expect(Date.parse(decided.status.since)).toBeGreaterThanOrEqual(Date.parse(decided.spec.dueAt));
		const workload = helm.workloads.find(({ metadata }) => metadata.uid === decided.spec.target.uid) as Stored;
		expect(decided.spec).toMatchObject({
			...{ instance: 'search', kind: 'helm', limit: 5, windowSeconds: 3600 },
			target: { apiVersion: 'helm.sh/v1', kind: 'Release', name: 'search', workload: { kind: 'Deployment', name: workload.metadata.name } },
		});
		expect(decided.status).toMatchObject({
			phase: 'DryRun',
			restarts: { counted: 8, shown: 8 },
			enforcement: expect.stringContaining(`${namespace} is not in cleaner.namespaces`),
			howToVeto: `kubectl -n ${namespace} annotate deployment ${workload.metadata.name} diagnostics.milvus.io/keep=true`,
			transitions: [{ phase: 'Pending' }, { phase: 'DryRun' }],
			contents: { is: 'known' },
		});
		const goes = decided.status.contents.goes.map(({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`);
		const parts = [...helm.workloads.map(({ metadata }) => `Deployment/${metadata.name}`), `Secret/${helm.secret.metadata.name}`];
		expect(goes.toSorted()).toEqual(parts.toSorted());
		expect(decided.status.restarts.reports.map(({ count }: { count: number }) => count)).toEqual([4, 1, 1, 1, 1]);
		expect((await cleanupOf(namespace, 'vectors'))?.spec.target).toEqual({
			...{ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', name: 'vectors', uid: operator.milvus.metadata.uid },
		});
		const printed = await cluster.kubectl('-n', namespace, 'get', 'cleanup');
		expect(printed).toMatch(/^NAME +INSTANCE +KIND +RESTARTS +PHASE +DUE +REASON +AGE\n/);
		expect(printed).toMatch(/^search-\w+ +search +helm +8 +DryRun +\S+Z +it still does nothing but crash/m);

		// The command that it names keeps the instance.
		const [, ...veto] = (await cleanupOf(namespace, 'vectors'))?.status.howToVeto.split(' ') ?? [];
		await cluster.kubectl(...veto);
		await expect.poll(() => phaseOf(namespace, 'vectors'), soon).toBe('Vetoed');
		const vetoed = (await cleanupOf(namespace, 'vectors')) as Stored;
		expect(vetoed.status.reason).toContain('diagnostics.milvus.io/keep is set on Milvus vectors');
		await cluster.call('PATCH', pathOf(operator.milvus), keep(null));
		await expect.poll(() => phaseOf(namespace, 'vectors'), soon).toBe('DryRun');
		const again = (await cleanupOf(namespace, 'vectors')) as Stored;
		expect(again.metadata.uid).toBe(vetoed.metadata.uid);
		expect(Date.parse(again.spec.dueAt)).toBeGreaterThan(Date.parse(vetoed.spec.dueAt));
		expect(again.status.transitions.map(({ phase }: { phase: string }) => phase)).toEqual([
			...['Pending', 'DryRun', 'Vetoed', 'Pending', 'DryRun'],
		]);

		// It runs again, and does not crash any more.
		await kubelet.restart();
		await expect.poll(() => phaseOf(namespace, 'vectors'), soon).toBe('Recovered');
		expect(await phaseOf(namespace, 'search')).toBe('DryRun');
		expect(await listing(namespace)).toEqual(before);
		expect(await second.stop()).toEqual({ code: 0, signal: null });
		expect([first.errors(), second.errors()]).toEqual(['', '']);
	});

	test('are found by one agent that does all: from the ends of a container to what would be removed', async () => {
		const { cluster } = own;
		await using place = await cluster.namespace();
		const namespace = place.name;
		await using agents = await cluster.namespace();
		await freeLease(own.cluster, agents.name);
		const node = await cluster.node();
		const { pods } = await helmRelease(cluster, {
			namespace,
			node,
			release: 'search',
			chart: 'milvus-5.0.19',
			components: { standalone: 1 },
		});
		const kubelet = playKubelet(cluster, pods[0] as Stored);
		await kubelet.run(new Date(Date.now() - 3600_000));
		await using home = await installation({ cleaner, collector: { correlationTimeout: '1s', journaldPath: '/nowhere' } });
		const args = ['--config', home.config, '--kubeconfig', cluster.kubeconfig, '--role', 'both'];
		const agent = await home.start({ POD_NAMESPACE: agents.name, POD_NAME: 'agent-a', NODE_NAME: node }, [], args);
		await agent.line('publisher is ready');
		const seen = () => agent.lines.filter(({ msg }) => msg.startsWith('container standalone of')).length;
		for (let ends = 1; ends <= 9; ends++) {
			if (ends === 5) await kubelet.crash({ exitCode: 137, reason: 'OOMKilled' });
			else if (ends < 9) await kubelet.crash({ exitCode: 139 });
			else await kubelet.end({ exitCode: 139 });
			await expect.poll(seen, soon).toBe(ends);
		}
		await kubelet.backOff();
		await expect.poll(() => phaseOf(namespace, 'search'), soon).toBe('DryRun');
		const restarts = async () => (await cleanupOf(namespace, 'search'))?.status.restarts;
		await expect.poll(async () => (await restarts())?.counted, soon).toBe(8);
		expect(await restarts()).toMatchObject({ shown: 8, notCounted: [{ why: expect.stringContaining('countOutOfMemory'), count: 1 }] });
		expect((await restarts())?.reports.map(({ count }: { count: number }) => count)).toEqual([4, 1, 1, 1, 1]);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.errors()).toBe('');
	});
});
