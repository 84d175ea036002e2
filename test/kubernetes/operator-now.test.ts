import { expect, test } from 'vitest';
import { look } from '../../src/components/cleaner/look.ts';
import { type OperatorNow, operatorNow } from '../../src/components/cleaner/operator-now.ts';
import { connect, KubernetesRefused, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import { type Manifest, pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { operatorDeployment, operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { playKubelet, setStatus } from '../support/kubernetes/played-kubelet.ts';

const soon = { timeout: 30_000 };
const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
const notReady = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
const ofChart = { 'app.kubernetes.io/name': 'milvus-operator', 'app.kubernetes.io/instance': 'milvus-operator' };
const ofKubebuilder = { 'control-plane': 'controller-manager' };

// The whole cluster is looked at: of others, operators could be there too.
describeKubernetes('the Milvus operator', () => {
	const own = ownControlPlane();

	/** A namespace without pods, as long as the block goes on, in a cluster without operator. */
	async function scene() {
		const { cluster } = own;
		const space = await cluster.namespace();
		const asked: RequestMade[] = [];
		const connection = await connect({ kubeconfig: cluster.kubeconfig, environment: {}, onRequest: (made) => asked.push(made) });
		const now = () => operatorNow(connection, AbortSignal.timeout(20_000));
		return {
			...{ cluster, namespace: space.name, now, asked },
			/** A pod of an operator that a person installed without its chart. */
			pod: (name: string, labels: Readonly<Record<string, string>>, image = 'milvusdb/milvus-operator:v0.7.0') =>
				cluster.node().then((nodeName) =>
					cluster.create({
						...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: space.name, labels } },
						spec: { nodeName, containers: [{ name: 'manager', image, command: ['/manager'] }] },
					} as Manifest),
				),
			async [Symbol.asyncDispose]() {
				await space[Symbol.asyncDispose]();
				const is = async () => (await now()).is;
				await expect.poll(is, soon).toBe('not found');
				connection[Symbol.dispose]();
			},
		};
	}

	test('is not found where there is none, though its Milvus are there, and controllers of others', async () => {
		await using here = await scene();
		await setStatus(here.cluster, await here.pod('other', ofKubebuilder, 'registry:5000/milvus-operator/cert-manager:v1'), ready);
		const { pods } = await operatorInstance(here.cluster, { namespace: here.namespace, name: 'vectors', mode: 'standalone' });
		await setStatus(here.cluster, pods[0] as Stored, ready);
		expect(await here.now()).toEqual({
			is: 'not found',
			veto: 'there is no pod of the Milvus operator (app.kubernetes.io/name=milvus-operator, or control-plane=controller-manager): the custom resource would hang in deletion',
		} satisfies OperatorNow);
	});

	test('runs as long as a pod of its chart is ready', async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		const { pods, workloads } = await operatorDeployment(cluster, { namespace });
		const [pod] = pods as [Stored];
		const { name } = pod.metadata;
		expect(await here.now(), 'it is being made').toEqual(notRunning(`pod ${name} in namespace ${namespace} is not ready (Pending)`));
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await setStatus(cluster, pod, ready);
		here.asked.length = 0;
		expect(await here.now()).toEqual({ is: 'running' });
		expect(here.asked.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(['list pods']);
		await kubelet.end({ exitCode: 1 });
		await kubelet.backOff();
		await setStatus(cluster, pod, notReady);
		expect(await here.now()).toEqual(notRunning(`pod ${name} in namespace ${namespace} is not ready (CrashLoopBackOff)`));
		const [deployment] = workloads as [Stored];
		await cluster.call('PATCH', pathOf(deployment), { spec: { replicas: 0 } });
		await expect.poll(here.now, soon).toEqual(notRunning(`pod ${name} in namespace ${namespace} is being deleted`));
		await cluster.call('DELETE', `${pathOf(pod)}?gracePeriodSeconds=0`);
		await expect.poll(here.now, soon).toMatchObject({ is: 'not found' });
	});

	test('does not run while its only pod is ending, though that is still ready, and runs as soon as another is', async () => {
		await using here = await scene();
		const [ending, next] = [await here.pod('ending', ofChart), await here.pod('next', ofChart)];
		await setStatus(here.cluster, ending, ready);
		expect(await here.now()).toEqual({ is: 'running' });
		await here.cluster.call('DELETE', pathOf(ending));
		const pod = (name: string) => `pod ${name} in namespace ${here.namespace}`;
		expect(await here.now()).toEqual(notRunning(`${pod('ending')} is being deleted; ${pod('next')} is not ready (Pending)`));
		await setStatus(here.cluster, next, ready);
		expect(await here.now()).toEqual({ is: 'running' });
	});

	test('is known by its image where it has but the label that kubebuilder gives all', async () => {
		await using here = await scene();
		await setStatus(here.cluster, await here.pod('other', ofKubebuilder, 'example.org/other-operator:v1'), ready);
		const pod = await here.pod('manager', ofKubebuilder, 'registry:5000/mirror/milvus-operator@sha256:00');
		expect(await here.now()).toEqual(notRunning(`pod manager in namespace ${here.namespace} is not ready (Pending)`));
		await setStatus(here.cluster, pod, ready);
		expect(await here.now()).toEqual({ is: 'running' });
	});

	test('is not what was evicted and left lying', async () => {
		await using here = await scene();
		await setStatus(here.cluster, await here.pod('evicted', ofChart), { ...ready, phase: 'Failed', reason: 'Evicted' });
		expect(await here.now()).toMatchObject({ is: 'not found' });
	});

	test('is not told of where the pods of the cluster may not be seen', async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace } });
		using connection = await connect({ kubeconfig: await cluster.kubeconfigOf(namespace, 'nobody'), environment: {} });
		const signal = AbortSignal.timeout(20_000);
		await expect(operatorNow(connection, signal)).rejects.toThrow(KubernetesRefused);
		// That speaks against a deletion, and stops nothing else.
		expect(await look(connection, async () => [], signal).operator()).toMatch(/^whether the Milvus operator runs is not known: .*pods/);
	});
});

const notRunning = (pods: string): OperatorNow => ({
	is: 'not running',
	veto: `the Milvus operator is not running (${pods}): the custom resource would hang in deletion`,
});
