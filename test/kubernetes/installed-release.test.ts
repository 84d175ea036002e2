import { expect, test } from 'vitest';
import { instancesIn } from '../../src/components/discovery/discovery.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import type { Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { endingPods } from '../support/kubernetes/ending-pods.ts';
import { helm } from '../support/kubernetes/helm.ts';
import { installedRelease } from '../support/kubernetes/installed-release.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { presentIn } from '../support/kubernetes/present.ts';

const inTime = { timeout: 60_000 };

/** The instances that discovery finds in a namespace. */
async function instances(kubeconfig: string, namespace: string) {
	using asked = await connect({ kubeconfig, environment: {} });
	const selectors = configSchema(nodeDefaults).parse({}).discovery;
	return instancesIn(asked, { namespace, namespaces: 'all', selectors }, AbortSignal.timeout(30_000));
}

describeKubernetes('a release that helm has installed', () => {
	test('is an instance whose pods crash as their kubelets tell, and is gone when it is uninstalled, but for its volumes', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const { name } = namespace;
		await using _kubelets = endingPods(cluster, [name]);
		const node = await cluster.node();
		const made = await installedRelease(cluster, { namespace: name, release: 'search', node });
		expect(made.workloads.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
			...['Deployment search-milvus-standalone', 'StatefulSet search-etcd', 'StatefulSet search-pulsarv3-bookie'],
		]);
		expect(made.pods.map(({ spec }) => spec.nodeName)).toEqual(Array(1 + 2 + 2).fill(node));
		expect(made.secret.metadata.labels).toMatchObject({ name: 'search', status: 'deployed', version: '1' });

		const [pod] = made.pods as [Stored];
		const kubelet = playKubelet(cluster, pod);
		await kubelet.run();
		await kubelet.crash({ exitCode: 139 }, undefined, 8);
		await kubelet.end({ exitCode: 139 });
		await kubelet.backOff();
		const found = await instances(cluster.kubeconfig, name);
		expect(found).toMatchObject([
			{
				instance: { namespace: name, name: 'search', kind: 'helm' },
				pods: [{ uid: pod.metadata.uid, component: 'standalone', ends: 9, isBackingOff: true, areOwnersKnown: true }],
			},
		]);
		expect(found[0]?.pods[0]?.owners.map(({ kind }) => kind)).toEqual(['ReplicaSet', 'Deployment']);

		await helm('uninstall', 'search', '--namespace', name, '--kubeconfig', cluster.kubeconfig);
		const kinds = 'deployments,replicasets,statefulsets,pods,services,configmaps,secrets,persistentvolumeclaims';
		await expect
			.poll(() => presentIn(cluster, name, kinds), inTime)
			.toEqual([
				'ConfigMap search-buckets',
				...['data-search-etcd-0', 'data-search-etcd-1', 'data-search-pulsarv3-bookie-0', 'data-search-pulsarv3-bookie-1'].map(
					(claim) => `PersistentVolumeClaim ${claim}`,
				),
				...['PersistentVolumeClaim search-milvus', 'PersistentVolumeClaim search-milvus-logs'],
			]);
		expect(await instances(cluster.kubeconfig, name)).toEqual([]);
	});

	test('is named by its release, and runs the components that it is told to', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const values = { components: ['mixcoord', 'proxy', 'querynode'] };
		const { workloads } = await installedRelease(cluster, { namespace: namespace.name, release: 'my-milvus', values });
		expect(workloads.slice(0, 3).map(({ metadata }) => metadata.name)).toEqual([
			'my-milvus-mixcoord',
			'my-milvus-proxy',
			'my-milvus-querynode',
		]);
		const [instance, ...others] = await instances(cluster.kubeconfig, namespace.name);
		expect([instance?.instance.name, instance?.pods.map(({ component }) => component).toSorted(), others]).toEqual([
			...['my-milvus', ['mixcoord', 'proxy', 'querynode'], []],
		]);
	});
});
