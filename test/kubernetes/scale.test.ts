import { expect, test } from 'vitest';
import { discoveryOn } from '../support/discovery.ts';
import { pathOf } from '../support/kubernetes/api.ts';
import { controlPlane, describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { crashAnnotations, kwok } from '../support/kubernetes/kwok.ts';

const labels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'elsewhere', component: 'querynode' };
const crash = { exitCode: 139, every: '1s' };

// What an agent costs in memory and time is measured by `npm run bench:scale`.
describeKubernetes('in a cluster that grows tenfold', () => {
	test('an agent asks the API server for no more than before, and knows no more pods than those of its node', async () => {
		await using cluster = await controlPlane();
		await using many = await kwok(cluster);
		const [node = ''] = await many.nodes(1);
		const { pods } = await helmRelease(cluster, {
			...{ namespace: 'default', node, release: 'search', chart: 'milvus-5.0.19' },
			...{ components: { querynode: 2, proxy: 2, mixcoord: 1 }, dependencies: ['etcd', 'minio', 'pulsarv3'] },
		});
		const crashing = pods.filter(({ metadata }) => metadata.labels?.component === 'querynode');
		for (const pod of crashing) await cluster.call('PATCH', pathOf(pod), { metadata: { annotations: crashAnnotations(crash) } });

		/** What an agent asks for until it has told of ten crashes, by verb and resource, and how many it asked for logs. */
		async function asked() {
			await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
			await agent.complete();
			await expect.poll(() => agent.restarts().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(10);
			const told = agent.restarts().length;
			const requests = agent.requests.map(({ verb, resource }) => `${verb} ${resource}`);
			expect([...agent.pods().all()].map(({ pod }) => pod.uid).toSorted()).toEqual(pods.map(({ metadata }) => metadata.uid).toSorted());
			const logs = requests.filter((one) => one === 'get pods/log').length;
			expect(logs).toBeLessThanOrEqual(told + 4); // four are looked at beside each other
			return requests.filter((one) => one !== 'get pods/log').toSorted();
		}

		const small = await asked();
		// Each is owned by a ReplicaSet of a Deployment, but for what is no Milvus at first sight.
		const ofOwners = ['get deployments.apps', 'get replicasets.apps'].flatMap((one) => Array<string>(3).fill(one));
		expect(small).toEqual([...ofOwners, 'get statefulsets.apps', 'list pods', 'watch pods']);
		await many.nodes(9);
		await many.pods(10 * pods.length, { namespace: 'default', labels });
		const elsewhere = await many.pods(20, { namespace: 'default', labels, crash });
		const own = await cluster.list(`/api/v1/pods?fieldSelector=spec.nodeName=${node}`);
		// kwok spreads over all nodes: those that came to this one go.
		const uids = new Set(pods.map(({ metadata }) => metadata.uid));
		for (const pod of own) if (!uids.has(pod.metadata.uid)) await cluster.call('DELETE', `${pathOf(pod)}?gracePeriodSeconds=0`);
		const restarts = async () =>
			(await cluster.list('/api/v1/namespaces/default/pods'))
				.filter(({ metadata }) => elsewhere.includes(metadata.name))
				.reduce((sum, { status }) => sum + (status.containerStatuses?.[0]?.restartCount ?? 0), 0);
		await expect.poll(restarts, { timeout: 60_000 }).toBeGreaterThan(20);
		expect(await asked()).toEqual(small);
	});
});
