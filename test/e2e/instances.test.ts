import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { temporaryFolder } from '../support/crash.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { defineMilvus, operatorDeployment, operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { unmanagedPod } from '../support/kubernetes/unmanaged-pod.ts';
import { type Labels, make, manifestOf } from '../support/kubernetes/workload.ts';

describeKubernetes('instances', () => {
	async function listed(kubeconfig: string, ...args: readonly string[]) {
		const { code, stdout, stderr } = await cli(['instances', '--json', '--kubeconfig', kubeconfig, ...args]);
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		return JSON.parse(stdout);
	}

	test('tells all apart that have a name in common, and leaves out what only looks like Milvus', async () => {
		const cluster = await sharedControlPlane();
		await using one = await cluster.namespace();
		await using two = await cluster.namespace();
		const [a, b] = [one.name, two.name];
		await helmRelease(cluster, {
			...{ namespace: a, release: 'milvus', chart: 'milvus-5.0.19', components: { mixcoord: 1, querynode: 2, proxy: 1, cdc: 0 } },
			...{ attu: true, woodpecker: true, dependencies: ['etcd', 'minio', 'pulsarv3'] },
		});
		await helmRelease(cluster, {
			namespace: b,
			release: 'search',
			chart: 'milvus-4.2.8',
			components: { standalone: 1 },
			dependencies: ['kafka'],
		});
		await helmRelease(cluster, {
			...{
				namespace: b,
				release: 'vectors',
				chart: 'milvus-5.0.19',
				components: { standalone: 1 },
				nameOverride: 'vectordb',
				woodpecker: true,
			},
		});
		await helmRelease(cluster, { namespace: b, release: 'asleep', chart: 'milvus-2.1.5', components: { standalone: 0 } });
		await operatorInstance(cluster, {
			namespace: a,
			name: 'milvus',
			mode: 'cluster',
			ownedByMilvusCluster: true,
		});
		await operatorInstance(cluster, { namespace: a, name: 'small', mode: 'standalone', dependencies: ['etcd', 'minio', 'pulsar'] });
		await operatorDeployment(cluster, { namespace: b });
		await unmanagedPod(cluster, { namespace: b });
		const ofThese = (await listed(cluster.kubeconfig)).filter(({ namespace }: { namespace: string }) => [a, b].includes(namespace));
		const expected = [
			{ namespace: a, name: 'milvus', kind: 'helm', components: ['mixcoord', 'proxy', 'querynode'] },
			{ namespace: a, name: 'milvus', kind: 'operator', components: ['datanode', 'mixcoord', 'proxy', 'querynode', 'streamingnode'] },
			{ namespace: a, name: 'small', kind: 'operator', components: ['standalone'] },
			{ namespace: b, name: 'asleep', kind: 'helm', components: [] },
			{ namespace: b, name: 'search', kind: 'helm', components: ['standalone'] },
			{ namespace: b, name: 'test-crash-pod', kind: 'unmanaged', components: [] },
			{ namespace: b, name: 'vectors', kind: 'helm', components: ['standalone'] },
		];
		const inOrder = a < b ? expected : [...expected.slice(3), ...expected.slice(0, 3)];
		expect(ofThese).toEqual(inOrder);
		expect(await listed(cluster.kubeconfig, '-n', b)).toEqual(expected.slice(3));
		const { stdout } = await cli(['instances', '--kubeconfig', cluster.kubeconfig, '-n', a]);
		expect(stdout.replaceAll(a, 'a').replaceAll(/ +/g, ' ').split('\n')).toEqual([
			'NAMESPACE NAME KIND COMPONENTS',
			'a milvus helm mixcoord,proxy,querynode',
			'a milvus operator datanode,mixcoord,proxy,querynode,streamingnode',
			'a small operator standalone',
			'',
		]);
	});

	test('of Deployments made by hand, lists those whose pods the agents find, by one name for all of them', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const milvus = { 'app.kubernetes.io/name': 'milvus' };
		const deployment = (name: string, labels: Labels, podLabels: Labels) =>
			manifestOf({
				...{ kind: 'Deployment', namespace: namespace.name, name, labels, node, selector: { app: name }, replicas: 2 },
				...{ podLabels: { app: name, ...podLabels }, container: { name: 'milvus', image: 'milvusdb/milvus:v2.6.15' } },
			});
		await make(cluster, [
			deployment('labelled', milvus, milvus),
			deployment('pods-only', {}, milvus),
			deployment('without-pods', milvus, {}),
		]);
		const unmanaged = { namespace: namespace.name, kind: 'unmanaged', components: [] };
		expect(await listed(cluster.kubeconfig, '-n', namespace.name)).toEqual([
			{ ...unmanaged, name: 'labelled' },
			{ ...unmanaged, name: 'pods-only' },
		]);
	});

	test('works where the operator was never installed, and lists a custom resource of which nothing has been made yet', async () => {
		await using cluster = await controlPlane();
		expect(await listed(cluster.kubeconfig)).toEqual([]);
		await defineMilvus(cluster);
		await cluster.create({ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', metadata: { name: 'new', namespace: 'default' }, spec: {} });
		expect(await listed(cluster.kubeconfig)).toEqual([{ namespace: 'default', name: 'new', kind: 'operator', components: [] }]);
	});

	test('believes labels where it may not see who owns a workload, and says so', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await operatorInstance(cluster, { namespace: namespace.name, name: 'small', mode: 'standalone' });
		const metadata = { name: 'viewer', namespace: namespace.name };
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
		await cluster.create({
			...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata },
			roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
			subjects: [{ kind: 'ServiceAccount', ...metadata }],
		});
		const kubeconfig = await cluster.kubeconfigOf(namespace.name, 'viewer');
		const { code, stdout, stderr } = await cli(['instances', '--json', '--kubeconfig', kubeconfig, '-n', namespace.name]);
		expect(code).toBe(0);
		expect(JSON.parse(stdout)).toEqual([{ namespace: namespace.name, name: 'small', kind: 'operator', components: ['standalone'] }]);
		expect(stderr).toMatch(/who owns Milvus .*small is not known, and labels are believed: .*forbidden/);
		expect(stderr).toMatch(/custom resources of which nothing runs are left out: .*forbidden/);
	});

	test('says in one line why it can not', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace: namespace.name } });
		const kubeconfig = await cluster.kubeconfigOf(namespace.name, 'nobody');
		const refused = await cli(['instances', '--kubeconfig', kubeconfig]);
		expect(refused.code).toBe(1);
		expect(refused.stderr).toMatch(/^milvus-coredump-agent: .*deployments.*forbidden.*\n$/);
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'config');
		writeFileSync(path, 'apiVersion: v1\nkind: Config\n');
		for (const named of [path, join(folder.path, 'nowhere')]) {
			const { code, stderr } = await cli(['instances', '--kubeconfig', named]);
			expect(code).toBe(2);
			expect(stderr.split('\n')).toHaveLength(2);
			expect(stderr).toContain(named);
		}
	});
});
