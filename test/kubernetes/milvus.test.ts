import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { collectionOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { operatorDeployment, operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { unmanagedPod } from '../support/kubernetes/unmanaged-pod.ts';

// What is expected here was seen of the real chart and the real operator.
describeKubernetes('what stands in for Milvus in the tests', () => {
	test('a release of the chart is labelled as Helm labels it', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const { workloads, pods, secret } = await helmRelease(cluster, {
			...{ namespace: namespace.name, release: 'a', chart: 'milvus-5.0.19', labels: { team: 'search' }, attu: true, woodpecker: true },
			...{ components: { mixcoord: 1, querynode: 2, cdc: 0 }, dependencies: ['etcd', 'minio', 'pulsarv3'] },
		});
		const [mixcoord] = workloads;
		const own = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'a' };
		const release = { 'meta.helm.sh/release-name': 'a', 'meta.helm.sh/release-namespace': namespace.name };
		expect(mixcoord?.metadata).toMatchObject({ name: 'a-milvus-mixcoord', annotations: release });
		expect(mixcoord?.metadata.labels).toEqual({
			...{ ...own, component: 'mixcoord', team: 'search' },
			...{ 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/version': '2.6.15', 'helm.sh/chart': 'milvus-5.0.19' },
		});
		const pod = podOf(pods, 'a-milvus-mixcoord');
		expect(pod.metadata.labels).toEqual({ ...own, component: 'mixcoord', team: 'search', 'pod-template-hash': expect.any(String) });
		expect(pod.metadata.annotations).toBeUndefined();
		const sets = await cluster.list(collectionOf({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: pod.metadata }));
		const set = sets.find(({ metadata }) => metadata.uid === pod.metadata.ownerReferences?.[0]?.uid);
		expect(set?.metadata.annotations).toMatchObject(release);
		expect(set?.metadata.labels).toEqual(pod.metadata.labels);
		expect(podOf(pods, 'a-milvus-woodpecker').metadata.labels).toMatchObject({ ...own, component: 'woodpecker' });
		expect(podOf(pods, 'a-pulsarv3-proxy').metadata.labels).toMatchObject({ app: 'pulsarv3', release: 'a', component: 'proxy' });
		expect(Object.keys(podOf(pods, 'a-pulsarv3-pulsar-init').metadata.labels ?? {})).toEqual(
			expect.arrayContaining(['controller-uid', 'job-name']),
		);
		expect(pods).toHaveLength(1 + 2 + 1 + 1 + 1 + 1 + 6);
		const record = JSON.parse(gunzipSync(Buffer.from(Buffer.from(secret.data.release, 'base64').toString(), 'base64')).toString());
		expect(record).toMatchObject({ name: 'a', namespace: namespace.name, version: 1, info: { status: 'deployed' } });
		expect(record.chart.metadata).toMatchObject({ name: 'milvus', version: '5.0.19' });
	});

	test('an instance of the operator belongs to its custom resource, and has components that do not run', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const { workloads, pods, milvus, milvusCluster } = await operatorInstance(cluster, {
			...{ namespace: namespace.name, name: 'b', mode: 'cluster', ownedByMilvusCluster: true, dependencies: ['etcd'] },
		});
		expect(milvus.metadata.ownerReferences).toMatchObject([{ kind: 'MilvusCluster', uid: milvusCluster?.metadata.uid, controller: true }]);
		expect(workloads.filter(({ spec }) => spec.replicas === 0).map(({ metadata }) => metadata.name)).toEqual([
			'b-milvus-querynode-1',
			'b-milvus-standalone',
		]);
		expect(workloads[0]?.metadata.ownerReferences).toMatchObject([
			{ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', uid: milvus.metadata.uid },
		]);
		expect(podOf(pods, 'b-milvus-proxy').metadata.labels).toEqual({
			'app.kubernetes.io/name': 'milvus',
			'app.kubernetes.io/instance': 'b',
			'app.kubernetes.io/component': 'proxy',
			'app.kubernetes.io/managed-by': 'milvus-operator',
			'milvus.io/service': 'true',
			'pod-template-hash': expect.any(String),
		});
		expect(podOf(pods, 'b-etcd').metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': 'b-etcd', 'helm.sh/chart': 'etcd-8.12.0' });
		expect(await cluster.kubectl('get', 'mi', '-n', namespace.name, '-o', 'jsonpath={.items[*].status.status}')).toBe('Healthy');
	});

	test('the operator and a pod made by hand are there, with their look of Milvus', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const { pods } = await operatorDeployment(cluster, { namespace: namespace.name });
		expect(podOf(pods, 'milvus-operator').spec.containers).toMatchObject([{ name: 'manager', command: ['/manager'] }]);
		const pod = await unmanagedPod(cluster, { namespace: namespace.name });
		expect(pod.metadata.ownerReferences).toBeUndefined();
	});

	test('a played kubelet counts restarts, and keeps what the last end was', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const pod = await unmanagedPod(cluster, { namespace: namespace.name });
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run(new Date('2026-11-23T06:00:00Z'));
		const first = kubelet.containerId();
		await kubelet.crash({ exitCode: 139, signal: 11, finishedAt: new Date('2026-11-23T06:00:59.900Z') });
		expect((await cluster.read(pod)).status).toMatchObject({
			phase: 'Running',
			containerStatuses: [
				{
					restartCount: 1,
					containerID: kubelet.containerId(),
					state: { running: { startedAt: '2026-11-23T06:00:59Z' } },
					lastState: {
						terminated: {
							...{ exitCode: 139, signal: 11, reason: 'Error', containerID: first },
							...{ startedAt: '2026-11-23T06:00:00Z', finishedAt: '2026-11-23T06:00:59Z' },
						},
					},
				},
			],
		});
		const second = kubelet.containerId();
		await kubelet.end({ exitCode: 137, reason: 'OOMKilled' });
		await kubelet.backOff();
		expect((await cluster.read(pod)).status.containerStatuses).toMatchObject([
			{
				restartCount: 1,
				state: { waiting: { reason: 'CrashLoopBackOff' } },
				lastState: { terminated: { exitCode: 137, containerID: second } },
			},
		]);
		await kubelet.restart();
		await kubelet.crash({ exitCode: 134 }, undefined, 3);
		expect((await cluster.read(pod)).status.containerStatuses).toMatchObject([
			{ restartCount: 5, lastState: { terminated: { exitCode: 134 } } },
		]);
	});
});

/** The pod whose name begins with that of its workload. */
function podOf(pods: readonly Stored[], workload: string): Stored {
	const pod = pods.find(({ metadata }) => metadata.name.startsWith(workload));
	if (!pod) throw new Error(`no pod of ${workload} among ${pods.map(({ metadata }) => metadata.name).join(', ')}`);
	return pod;
}
