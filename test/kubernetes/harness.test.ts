import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { type ApiError, collectionOf, type Manifest } from '../support/kubernetes/api.ts';
import { clusterOf } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { kwok } from '../support/kubernetes/kwok.ts';

describeKubernetes('the control plane of the tests', () => {
	test('is a real Kubernetes of the version that go.mod names, and ready', async () => {
		const cluster = await sharedControlPlane();
		expect(await cluster.call('GET', '/version')).toMatchObject({ gitVersion: 'v1.35.4', major: '1', minor: '35' });
		expect(await cluster.kubectl('get', '--raw', '/readyz')).toBe('ok');
		expect(JSON.parse(await cluster.kubectl('version', '-o', 'json')).clientVersion.gitVersion).toBe('v1.35.4');
	});

	test('makes of a Deployment a ReplicaSet with its annotations, and pods', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const deployment = deploymentIn(namespace.name, await cluster.node());
		await cluster.create(deployment);
		const pods = collectionOf({ ...deployment, apiVersion: 'v1', kind: 'Pod' });
		await expect.poll(() => cluster.list(pods), { timeout: 20_000 }).toHaveLength(2);
		const [replicaSet] = await cluster.list(collectionOf({ ...deployment, kind: 'ReplicaSet' }));
		expect(replicaSet?.metadata.annotations).toMatchObject({ 'meta.helm.sh/release-name': 'a' });
		expect((await cluster.list(pods)).map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)).toEqual(
			Array(2).fill(replicaSet?.metadata.uid),
		);
	});

	test('gives a service account only the rights that it has', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'agent', namespace: namespace.name } });
		const kubeconfig = await cluster.kubeconfigOf(namespace.name, 'agent');
		const agent = clusterOf(kubeconfig);
		expect(await agent.call('GET', '/version')).toMatchObject({ gitVersion: 'v1.35.4' });
		await expect(agent.list(`/api/v1/namespaces/${namespace.name}/pods`)).rejects.toMatchObject({
			status: 403,
		} satisfies Partial<ApiError>);
	});

	test('can lose its API server and have it back with the same data, under the same address', async () => {
		await using plane = await controlPlane();
		await using namespace = await plane.namespace();
		await plane.stopApi();
		await expect(plane.call('GET', '/readyz')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
		await plane.startApi();
		expect(await plane.call('GET', `/api/v1/namespaces/${namespace.name}`)).toMatchObject({ status: { phase: 'Active' } });
	});

	test('can forget what a watch would go on from', async () => {
		await using plane = await controlPlane();
		const { metadata } = await plane.call<{ metadata: { resourceVersion: string } }>('GET', '/api/v1/pods');
		await using _namespace = await plane.namespace();
		await plane.stopApi();
		await plane.forgetHistory();
		await plane.startApi();
		// The stream begins well, and says it in its first event.
		const watch = `/api/v1/pods?watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=5`;
		expect(await plane.call('GET', watch)).toMatchObject({ type: 'ERROR', object: { code: 410 } });
	});

	test('has nodes on which pods run and crash, counted as a kubelet counts', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await using many = await kwok(cluster);
		await many.nodes(2);
		const [name] = await many.pods(4, { namespace: namespace.name, crash: { exitCode: 139, every: '1s' } });
		const pod: Manifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: name ?? '', namespace: namespace.name } };
		const status = async () => (await cluster.read(pod)).status.containerStatuses?.[0];
		await expect.poll(async () => (await status())?.state.running, { timeout: 20_000 }).toBeDefined();
		const { containerID } = await status();
		await expect.poll(async () => (await status()).restartCount, { timeout: 20_000 }).toBe(1);
		expect(await status()).toMatchObject({ lastState: { terminated: { exitCode: 139, reason: 'Error', containerID } } });
		expect((await status()).containerID).not.toBe(containerID);
		await expect.poll(async () => (await status()).restartCount, { timeout: 20_000 }).toBeGreaterThan(2);
		expect((await cluster.list(collectionOf(pod))).map(({ status }) => status.phase)).toEqual(Array(4).fill('Running'));
	});

	test('leaves nothing behind', async () => {
		const plane = await controlPlane();
		const processes = plane.processes();
		expect(processes).toHaveLength(4);
		await plane[Symbol.asyncDispose]();
		expect(processes.filter((id) => existsSync(`/proc/${id}`))).toEqual([]);
		expect(existsSync(dirname(plane.kubeconfig))).toBe(false);
	});
});

function deploymentIn(namespace: string, nodeName: string): Manifest {
	const labels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'a' };
	return {
		apiVersion: 'apps/v1',
		kind: 'Deployment',
		metadata: { name: 'a-milvus-proxy', namespace, labels, annotations: { 'meta.helm.sh/release-name': 'a' } },
		spec: {
			replicas: 2,
			selector: { matchLabels: labels },
			template: { metadata: { labels }, spec: { nodeName, containers: [{ name: 'proxy', image: 'milvusdb/milvus:v2.6.15' }] } },
		},
	};
}
