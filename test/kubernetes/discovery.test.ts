import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/crash.ts';
import { discoveryOn } from '../support/discovery.ts';
import { pathOf, type Stored } from '../support/kubernetes/api.ts';
import { type Cluster, unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { operatorDeployment, operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { unmanagedPod } from '../support/kubernetes/unmanaged-pod.ts';

const milvusLabels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'search', component: 'querynode' };

const containerOf = (pod: Stored) => pod.spec.containers[0].name as string;

/** Gives the API what it gives who has these rights only. */
async function withRights(cluster: Cluster, namespace: string, rules: readonly object[]) {
	const name = unique('agent');
	await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
	const role = await cluster.create({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules });
	const binding = await cluster.create({
		...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name } },
		...{ roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name } },
		subjects: [{ kind: 'ServiceAccount', name, namespace }],
	});
	return {
		kubeconfig: await cluster.kubeconfigOf(namespace, name),
		give: (all: readonly object[]) => cluster.call('PATCH', pathOf(role), { rules: all }),
		async [Symbol.asyncDispose]() {
			for (const object of [binding, role]) await cluster.call('DELETE', pathOf(object));
		},
	};
}

const readPods = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] };
const readWorkloads = { apiGroups: ['apps'], resources: ['replicasets', 'deployments', 'statefulsets'], verbs: ['get'] };

describeKubernetes('discovery', () => {
	test('tells of the crashes of Milvus on its node, whose they were and how they ended, and of no others', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const [node, elsewhere] = [await cluster.node(), await cluster.node()];
		const place = { namespace: namespace.name, node };
		const release = await helmRelease(cluster, {
			...{ ...place, release: 'search', chart: 'milvus-5.0.19', components: { querynode: 1, proxy: 1 } },
			...{ attu: true, woodpecker: true, dependencies: ['etcd', 'minio', 'pulsarv3', 'kafka'] },
		});
		const renamed = await helmRelease(cluster, {
			...{ ...place, release: 'vectors', chart: 'milvus-4.2.8', components: { standalone: 1 }, nameOverride: 'vectordb' },
		});
		const operated = await operatorInstance(cluster, {
			...place,
			name: 'small',
			mode: 'standalone',
			ownedByMilvusCluster: true,
			dependencies: ['etcd', 'pulsar'],
		});
		const operator = await operatorDeployment(cluster, place);
		const bare = await unmanagedPod(cluster, place);
		const forged = await unmanagedPod(cluster, {
			...{ ...place, name: 'forged' },
			labels: { ...milvusLabels, 'app.kubernetes.io/managed-by': 'milvus-operator', 'milvus.io/instance': 'small' },
		});
		const away = await unmanagedPod(cluster, { ...place, name: 'away', node: elsewhere });
		const all = [...release.pods, ...renamed.pods, ...operated.pods, ...operator.pods, bare, forged, away];
		const kubelets = new Map(all.map((pod) => [pod, playKubelet(cluster, pod)]));
		for (const kubelet of kubelets.values()) await kubelet.run(new Date(Date.now() - 3600_000));

		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		expect([...agent.pods().all()]).toHaveLength(all.length - 1);
		const ids = new Map([...kubelets].map(([pod, kubelet]) => [pod.metadata.uid, kubelet.containerId().replace('containerd://', '')]));
		for (const kubelet of kubelets.values()) await kubelet.crash({ exitCode: 139 });
		const restarts = await agent.restartsAre(6);
		const where = restarts.map(({ association: { instanceKind, instance, component, container } }) =>
			[instanceKind, instance, component, container].join(' '),
		);
		expect(where.toSorted()).toEqual([
			'helm search proxy proxy',
			'helm search querynode querynode',
			'helm vectors standalone standalone',
			'operator small standalone standalone',
			'unmanaged small querynode milvus',
			'unmanaged test-crash-pod  milvus',
		]);
		const [pod] = release.pods.filter(({ metadata }) => metadata.labels?.component === 'querynode');
		expect(restarts.find(({ association }) => association.component === 'querynode' && association.instanceKind === 'helm')).toMatchObject({
			association: {
				...{ method: 'container status', confidence: 'exact', node, namespace: namespace.name, pod: pod?.metadata.name },
				...{ podUid: pod?.metadata.uid, containerId: ids.get(pod?.metadata.uid ?? ''), image: 'milvusdb/milvus:v2.6.15' },
				...{ restartCount: 1, exitCode: 139, reason: 'Error' },
			},
			host: pod?.metadata.name,
			restart: { signal: { number: 11, name: 'SIGSEGV' }, isPanic: false, isStartUp: false, isHealed: false, missed: 0 },
			log: null,
		});
		expect(agent.lines.filter(({ msg }) => msg.includes('ended: Error, exit code 139'))).toHaveLength(6);
		// Nobody asks who owns what can't be Milvus, and once for all that is known.
		expect(agent.requests.filter(({ verb, resource }) => verb === 'get' && resource === 'milvuses.milvus.io')).toHaveLength(1);
	});

	test('lives on with pods whose owners are made up', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		for (const [index, name] of ['..', 'a/b', 'Ä'].entries()) {
			const pod = await cluster.create({
				apiVersion: 'v1',
				kind: 'Pod',
				metadata: {
					...{ name: `p${index}`, namespace: namespace.name, labels: milvusLabels },
					ownerReferences: [
						{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: '6d2f7a1e-0000-4000-8000-000000000000', controller: true },
					],
				},
				spec: { nodeName: node, containers: [{ name: 'querynode', image: 'milvusdb/milvus:v2.6.15' }] },
			});
			const kubelet = playKubelet(cluster, pod);
			await kubelet.run();
			await kubelet.crash({ exitCode: 139 });
			await agent.restartsAre(index + 1);
		}
		for (const { association } of agent.restarts()) expect(association).toMatchObject({ instance: 'search', instanceKind: 'unmanaged' });
	});

	test('keeps a bug that one pod brings about to that pod, and tries again', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const place = { namespace: namespace.name, node, labels: milvusLabels };
		const pods = await Promise.all(['one', 'two'].map((name) => unmanagedPod(cluster, { ...place, name })));
		const kubelets = pods.map((pod) => playKubelet(cluster, pod));
		for (const kubelet of kubelets) await kubelet.run();
		let failures = 0;
		await using agent = await discoveryOn({
			...{ kubeconfig: cluster.kubeconfig, node, scanIntervalMs: 200 },
			beforeAppend({ body }) {
				if (!('association' in body && body.association?.pod === 'one') || failures >= 3) return;
				failures++;
				throw new TypeError('a bug');
			},
		});
		for (const kubelet of kubelets) await kubelet.crash({ exitCode: 139 });
		const restarts = await agent.restartsAre(2);
		expect(restarts.map(({ association }) => association.pod)).toEqual(['two', 'one']);
		const told = agent.lines.filter(({ level }) => level === 'error').map(({ msg, err }) => [msg, (err as Error).message]);
		expect(told).toEqual(Array(3).fill(['unexpected error in discovery', 'a bug']));
	});

	test('tells of each restart once, however it is seen, and how many were not', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, labels: milvusLabels });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		await kubelet.end({ exitCode: 134 });
		await agent.restartsAre(1);
		await kubelet.backOff();
		await kubelet.restart();
		await kubelet.crash({ exitCode: 139 });
		await agent.restartsAre(2);
		// Seen for the first time while it waits for its next run.
		await kubelet.crash({ exitCode: 1 });
		await kubelet.end({ exitCode: 80 });
		await kubelet.backOff();
		await agent.restartsAre(4);
		await kubelet.restart();
		await kubelet.crash({ exitCode: 137, reason: 'OOMKilled' }, undefined, 5);
		await agent.restartsAre(5);
		await kubelet.end({ exitCode: 0 });
		await kubelet.restart();
		await kubelet.crash({ exitCode: 2 });
		const restarts = await agent.restartsAre(6);
		expect(restarts.map(({ association, restart }) => [association.restartCount, association.exitCode, restart.missed])).toEqual([
			...[
				[1, 134, 0],
				[2, 139, 0],
				[3, 1, 0],
				[4, 80, 0],
				[9, 137, 4],
				[11, 2, 0],
			],
		]);
		expect(new Set(agent.keys()).size).toBe(6);
	});

	test('tells nothing twice after a restart of the agent, and what happened meanwhile', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, labels: milvusLabels });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		await kubelet.crash({ exitCode: 139 });
		await agent.restartsAre(1);
		await agent.restart();
		await agent.complete();
		await kubelet.crash({ exitCode: 139 });
		await agent.restartsAre(2);
		await agent.stop();
		await kubelet.crash({ exitCode: 139 }, undefined, 3);
		await agent.restart();
		expect((await agent.restartsAre(3))[2]).toMatchObject({ association: { restartCount: 5 }, restart: { missed: 2 } });
		// Died after it told, before it remembered that.
		await agent.restart((journal) => journal.setBookmark('restarts', '{}'));
		await agent.complete();
		await kubelet.crash({ exitCode: 134 });
		const restarts = await agent.restartsAre(4);
		expect(restarts.map(({ association }) => association.restartCount)).toEqual([1, 2, 5, 6]);
	});

	test('tells of what ended before it first looked, if that is not of another age', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const place = { namespace: namespace.name, node, labels: milvusLabels };
		const [fresh, old] = [await unmanagedPod(cluster, { ...place, name: 'fresh' }), await unmanagedPod(cluster, { ...place, name: 'old' })];
		const kubelets = [fresh, old].map((pod) => playKubelet(cluster, pod));
		for (const kubelet of kubelets) await kubelet.run(new Date(Date.now() - 30 * 24 * 3600_000));
		await kubelets[0]?.crash({ exitCode: 139, finishedAt: new Date(Date.now() - 3600_000) }, undefined, 300);
		await kubelets[1]?.crash({ exitCode: 139, finishedAt: new Date(Date.now() - 25 * 3600_000) }, undefined, 300);
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		const [restart] = await agent.restartsAre(1);
		expect(restart).toMatchObject({ association: { pod: 'fresh', restartCount: 300 }, restart: { missed: 0 } });
		await kubelets[1]?.crash({ exitCode: 139 });
		expect((await agent.restartsAre(2))[1]).toMatchObject({ association: { pod: 'old', restartCount: 301 }, restart: { missed: 0 } });
	});

	test('is silent of sidecars, of init containers, and of pods of other namespaces', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using other = await cluster.namespace();
		const node = await cluster.node();
		const image = 'milvusdb/milvus:v2.6.15';
		const pod = await cluster.create({
			apiVersion: 'v1',
			kind: 'Pod',
			metadata: { name: 'p', namespace: namespace.name, labels: milvusLabels },
			spec: {
				nodeName: node,
				initContainers: [
					{ name: 'config', image },
					{ name: 'vector', image, restartPolicy: 'Always' },
				],
				containers: [
					{ name: 'istio-proxy', image },
					{ name: 'querynode', image },
				],
			},
		});
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		const abroad = playKubelet(cluster, await unmanagedPod(cluster, { namespace: other.name, node, labels: milvusLabels }));
		await abroad.run();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, namespaces: [namespace.name] });
		await agent.complete();
		const terminated = { exitCode: 139, reason: 'Error', startedAt: '2026-11-23T06:00:00Z', finishedAt: new Date().toISOString() };
		await cluster.call('PATCH', `${pathOf(pod)}/status`, {
			status: {
				initContainerStatuses: ['config', 'vector'].map((name) => ({
					...{ name, image, imageID: '', ready: false, restartCount: 5, state: {}, lastState: { terminated } },
				})),
			},
		});
		await kubelet.crash({ exitCode: 139 }, 'istio-proxy');
		await abroad.crash({ exitCode: 139 });
		await kubelet.crash({ exitCode: 134 }, 'querynode');
		const restarts = await agent.restartsAre(1);
		expect(restarts).toMatchObject([{ association: { container: 'querynode', exitCode: 134, namespace: namespace.name } }]);
	});

	test('takes no end for a crash that came with the deletion of its pod, but for what the process did wrong itself', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const place = { namespace: namespace.name, node, labels: milvusLabels };
		const pods = await Promise.all(['killed', 'stopped', 'faulty'].map((name) => unmanagedPod(cluster, { ...place, name })));
		const kubelets = pods.map((pod) => playKubelet(cluster, pod));
		for (const kubelet of kubelets) await kubelet.run(new Date(Date.now() - 3600_000));
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		for (const pod of pods) await cluster.call('DELETE', `${pathOf(pod)}?gracePeriodSeconds=30`);
		for (const [index, exitCode] of [137, 143, 139].entries()) await kubelets[index]?.end({ exitCode });
		for (const pod of pods) await cluster.call('DELETE', `${pathOf(pod)}?gracePeriodSeconds=0`);
		const gone = () => [...agent.pods().all()].filter(({ goneAt }) => goneAt !== undefined).length;
		await expect.poll(gone, { timeout: 20_000 }).toBe(3);
		expect(await agent.restartsAre(1)).toMatchObject([{ association: { pod: 'faulty', exitCode: 139 } }]);
		// Remembered for cores that turn up late.
		expect(agent.pods().byUid(pods[2]?.metadata.uid ?? '')).toMatchObject({ ends: [{ termination: { exitCode: 139 } }], membership: {} });
	});

	test('tells apart the pod that came back under the same name', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		const uids: string[] = [];
		for (const round of [1, 2]) {
			const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, name: 'search-querynode-0', labels: milvusLabels });
			uids.push(pod.metadata.uid);
			const kubelet = playKubelet(cluster, pod);
			await kubelet.run();
			await kubelet.crash({ exitCode: 139 });
			await agent.restartsAre(round);
			await cluster.call('DELETE', `${pathOf(pod)}?gracePeriodSeconds=0`);
		}
		expect(agent.restarts().map(({ association }) => [association.pod, association.podUid, association.restartCount])).toEqual(
			uids.map((uid) => ['search-querynode-0', uid, 1]),
		);
		expect(agent.pods().byHostname('search-querynode-0')).toHaveLength(2);
	});

	test('tells once of each restart after which a container is ready again', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, labels: milvusLabels });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await agent.complete();
		await kubelet.end({ exitCode: 1 });
		expect((await agent.restartsAre(1))[0]?.restart).toMatchObject({ isStartUp: true, isHealed: false });
		expect(agent.recoveries()).toEqual([]);
		await kubelet.restart();
		await expect.poll(agent.recoveries, { timeout: 20_000 }).toHaveLength(1);
		expect(agent.recoveries()).toMatchObject([{ podUid: pod.metadata.uid, container: containerOf(pod), restartCount: 1 }]);
		await agent.restart();
		await agent.complete();
		await kubelet.crash({ exitCode: 1 });
		await expect.poll(() => agent.recoveries().map(({ restartCount }) => restartCount), { timeout: 20_000 }).toEqual([1, 2]);
	});

	test('believes labels where the API does not tell who owns a pod, says so once, and asks again later', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const { pods } = await helmRelease(cluster, {
			...{ namespace: namespace.name, node, release: 'search', chart: 'milvus-5.0.19', components: { querynode: 1, standalone: 1 } },
			fullnameOverride: 'db',
		});
		const kubelets = pods.map((pod) => playKubelet(cluster, pod));
		for (const kubelet of kubelets) await kubelet.run();
		await using user = await withRights(cluster, namespace.name, [readPods]);
		await using agent = await discoveryOn({ kubeconfig: user.kubeconfig, node, scanIntervalMs: 200 });
		await agent.complete();
		for (const kubelet of kubelets) await kubelet.crash({ exitCode: 139 });
		const restarts = await agent.restartsAre(2);
		for (const { association } of restarts) expect(association).toMatchObject({ instance: 'search', instanceKind: 'helm' });
		const told = () => agent.lines.filter(({ msg }) => msg.includes('labels are believed'));
		expect(told().map(({ level }) => level)).toEqual(['warn', 'warn']);
		expect(told()[0]?.msg).toMatch(/^what ReplicaSet \S+\/db-\S+ belongs to can't be found out, .*replicasets.*forbidden/);
		const asked = () => agent.requests.filter(({ resource }) => resource === 'replicasets.apps').length;
		expect(asked()).toBe(2);
		agent.clock.aheadMs += 60_000;
		await expect.poll(asked, { timeout: 20_000 }).toBe(4);
		await user.give([readPods, readWorkloads]);
		const membership = () => agent.pods().byUid(pods[0]?.metadata.uid ?? '')?.membership;
		const answered = () => agent.requests.filter(({ resource, status }) => resource === 'deployments.apps' && status === 200).length;
		await expect
			.poll(
				() => {
					agent.clock.aheadMs += 60_000;
					return answered();
				},
				{ timeout: 20_000 },
			)
			.toBe(2);
		expect(membership()).toMatchObject({ instance: { kind: 'helm', name: 'search' } });
		expect(told()).toHaveLength(2);
	});

	test('finds a pod of Milvus by its owner as soon as the API tells of that, without any change of the pod', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const { pods } = await helmRelease(cluster, {
			...{
				namespace: namespace.name,
				node,
				release: 'vectors',
				chart: 'milvus-5.0.19',
				components: { standalone: 1 },
				nameOverride: 'vectordb',
			},
		});
		const [pod] = pods;
		if (!pod) throw new Error('no pod');
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await kubelet.crash({ exitCode: 139 });
		await using user = await withRights(cluster, namespace.name, [readPods]);
		await using agent = await discoveryOn({ kubeconfig: user.kubeconfig, node, scanIntervalMs: 200 });
		await agent.complete();
		expect(agent.pods().byUid(pod.metadata.uid)?.membership).toBeUndefined();
		expect(agent.restarts()).toEqual([]);
		await user.give([readPods, readWorkloads]);
		await expect
			.poll(
				() => {
					agent.clock.aheadMs += 60_000;
					return agent.restarts().length;
				},
				{ timeout: 20_000 },
			)
			.toBe(1);
		expect(agent.restarts()).toMatchObject([{ association: { instance: 'vectors', instanceKind: 'helm', component: 'standalone' } }]);
	});

	test('takes the log from the folder of the node, with the line that proves a panic', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using logs = await temporaryFolder();
		const node = await cluster.node();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, labels: milvusLabels });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run(new Date(Date.now() - 3600_000));
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, podLogsPath: logs.path });
		await agent.complete();
		const own = join(logs.path, `${namespace.name}_${pod.metadata.name}_${pod.metadata.uid}`, containerOf(pod));
		mkdirSync(own, { recursive: true });
		const line = (text: string) => `2026-11-23T06:25:58.1Z stderr F ${text}\n`;
		writeFileSync(join(own, '0.log'), line('panic: assignment to entry in nil map') + line('') + line('goroutine 1 [running]:'));
		writeFileSync(join(own, '1.log'), line('all is well'));
		// Waiting for its next run: the log is still that of the present one.
		await kubelet.end({ exitCode: 134 });
		await kubelet.backOff();
		const [restart] = await agent.restartsAre(1);
		expect(restart).toMatchObject({
			restart: { isPanic: true, panicLine: 'panic: assignment to entry in nil map', isStartUp: false },
			log: { path: join(agent.folder, 'logs', `${agent.keys()[0]}.log`) },
		});
		expect(readFileSync(restart?.log?.path ?? '', 'utf8')).toBe(readFileSync(join(own, '0.log'), 'utf8'));
		await kubelet.restart();
		await kubelet.end({ exitCode: 139 });
		await kubelet.backOff();
		const [, second] = await agent.restartsAre(2);
		expect(readFileSync(second?.log?.path ?? '', 'utf8')).toContain('all is well');
		expect(second?.restart.isPanic).toBe(false);
		// There was no need to ask the API.
		expect(agent.requests.filter(({ resource }) => resource === 'pods/log')).toEqual([]);
	});

	test('tells of a crash although its log can be neither read nor kept', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using folder = await temporaryFolder();
		const node = await cluster.node();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name, node, labels: milvusLabels });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		writeFileSync(join(folder.path, 'file'), '');
		const podLogsPath = join(folder.path, 'pods');
		const own = join(podLogsPath, `${namespace.name}_${pod.metadata.name}_${pod.metadata.uid}`, containerOf(pod));
		mkdirSync(join(own, '0.log'), { recursive: true }); // a folder can't be read as a file
		writeFileSync(join(own, '1.log'), 'panic: no\n\ngoroutine 1 [running]:\n');
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, podLogsPath, logFolder: join(folder.path, 'file/logs') });
		await agent.complete();
		await kubelet.crash({ exitCode: 139 });
		await agent.restartsAre(1);
		await kubelet.crash({ exitCode: 134 });
		const restarts = await agent.restartsAre(2);
		expect(restarts.map(({ log, restart }) => [log, restart.panicLine])).toEqual([
			[null, undefined],
			[null, 'panic: no'],
		]);
		const told = agent.lines.filter(({ msg }) => /can't be (had|kept)/.test(msg)).map(({ level, msg }) => `${level} ${msg}`);
		expect(told).toEqual([
			expect.stringMatching(/^debug what milvus of .* wrote last can't be had: is a directory$/),
			expect.stringMatching(/^debug what milvus of .* wrote last can't be had: /), // the API has no kubelet to ask
			expect.stringMatching(/^warn the log of a container that ended can't be kept: ENOTDIR/),
		]);
	});
});
