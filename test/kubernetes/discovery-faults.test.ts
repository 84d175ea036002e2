import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/crash.ts';
import { discoveryOn } from '../support/discovery.ts';
import { freezingProxy } from '../support/freezing-proxy.ts';
import { pathOf } from '../support/kubernetes/api.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { unmanagedPod } from '../support/kubernetes/unmanaged-pod.ts';

const labels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'search', component: 'querynode' };

/** Pods of Milvus that run on a node. */
async function running(cluster: Cluster, namespace: string, node: string, names: readonly string[]) {
	return Promise.all(
		names.map(async (name) => {
			const pod = await unmanagedPod(cluster, { namespace, node, name, labels });
			const kubelet = playKubelet(cluster, pod);
			await kubelet.run(new Date(Date.now() - 3600_000));
			return { ...kubelet, pod };
		}),
	);
}

/** A kubelet of that node that takes connections and never says a word. */
async function silentKubelet(cluster: Cluster, node: string) {
	const sockets = new Set<Socket>();
	const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	const { port } = server.address() as { port: number };
	await cluster.call('PATCH', `/api/v1/nodes/${node}/status`, {
		status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
	});
	return {
		asked: () => sockets.size,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
}

describeKubernetes('discovery, when the API server has its troubles,', () => {
	test('misses no restart while the API server is away, and starts without it', async () => {
		await using cluster = await controlPlane();
		const node = await cluster.node();
		const [one, two] = await running(cluster, 'default', node, ['one', 'two']);
		await cluster.stopApi();
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node });
		await expect.poll(() => agent.lines.some(({ msg }) => msg.startsWith('discovery is not ready: ')), { timeout: 20_000 }).toBe(true);
		expect(agent.pods().isComplete).toBe(false);
		await cluster.startApi();
		await agent.complete();
		await one?.crash({ exitCode: 139 });
		await agent.restartsAre(1);
		for (let round = 0; round < 2; round++) {
			await cluster.stopApi();
			await cluster.startApi();
			await one?.crash({ exitCode: 134 });
		}
		await two?.crash({ exitCode: 139 }, undefined, 4);
		const restarts = await agent.restartsAre(4, 60_000);
		const counts = (name: string) =>
			restarts
				.filter(({ association }) => association.pod === name)
				.map(({ association, restart }) => [association.restartCount, restart.missed]);
		expect(counts('one')).toEqual([
			[1, 0],
			[2, 0],
			[3, 0],
		]);
		expect(counts('two')).toEqual([[4, 3]]);
		expect(agent.lines.at(-1)?.msg).not.toContain('not ready');
	});

	test('finds what happened while it was cut off, also when the API server has forgotten that: 410 Gone', async () => {
		await using cluster = await controlPlane();
		await using folder = await temporaryFolder();
		await using network = await freezingProxy(cluster.kubeconfig, join(folder.path, 'config'));
		const node = await cluster.node();
		const [one, two, three] = await running(cluster, 'default', node, ['one', 'two', 'three']);
		await using agent = await discoveryOn({ kubeconfig: network.kubeconfig, node, timeoutMs: 2_000 });
		await agent.complete();
		await one?.crash({ exitCode: 139 });
		await agent.restartsAre(1);
		network.freeze();
		await one?.crash({ exitCode: 139 }, undefined, 3);
		await two?.crash({ exitCode: 134 });
		if (three) await cluster.call('DELETE', `${pathOf(three.pod)}?gracePeriodSeconds=0`);
		const four = (await running(cluster, 'default', node, ['four']))[0];
		await four?.crash({ exitCode: 1 }, undefined, 2);
		await cluster.stopApi();
		await cluster.forgetHistory();
		await cluster.startApi();
		network.thaw();
		network.cut();
		const restarts = await agent.restartsAre(4, 60_000);
		const told = restarts.map(({ association, restart }) => [association.pod, association.restartCount, restart.missed].join(' '));
		expect(told[0]).toBe('one 1 0');
		expect(told.slice(1).toSorted()).toEqual(['four 2 0', 'one 4 2', 'two 1 0']);
		expect(agent.pods().byUid(three?.pod.metadata.uid ?? '')?.goneAt).toBeDefined();
		await one?.crash({ exitCode: 139 });
		await agent.restartsAre(5);
	});

	test('takes up what the API says of pods while logs are waited for, and tells of all crashes in time', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		await using _kubelet = await silentKubelet(cluster, node);
		const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
		const pods = await running(cluster, namespace.name, node, names);
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, timeoutMs: 4_000 });
		await agent.complete();
		await Promise.all(pods.map((pod) => pod.crash({ exitCode: 139 })));
		// Those that are looked at first wait for their logs now.
		await expect.poll(() => _kubelet.asked(), { timeout: 20_000 }).toBeGreaterThan(0);
		expect(agent.restarts()).toEqual([]);
		const late = (await running(cluster, namespace.name, node, ['late']))[0];
		await expect.poll(() => agent.pods().byUid(late?.pod.metadata.uid ?? '')?.membership, { timeout: 3_000 }).toBeDefined();
		expect(agent.restarts()).toEqual([]);
		const restarts = await agent.restartsAre(20, 20_000);
		expect(restarts.map(({ association }) => association.pod).toSorted()).toEqual(names.toSorted());
		expect(restarts.every(({ log }) => log === null)).toBe(true);
		// After those nobody asked for a while.
		expect(agent.requests.filter(({ resource }) => resource === 'pods/log')).toHaveLength(4);
	});

	test('ends at once when it is told to, whatever it waits for, and tells later what it did not', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		await using kubelet = await silentKubelet(cluster, node);
		const [pod] = await running(cluster, namespace.name, node, ['p']);
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, timeoutMs: 8_000 });
		await agent.complete();
		await pod?.crash({ exitCode: 139 });
		await expect.poll(() => kubelet.asked(), { timeout: 20_000 }).toBeGreaterThan(0);
		const asked = performance.now();
		await agent.stop();
		expect(performance.now() - asked).toBeLessThan(6_000);
		expect(agent.restarts()).toEqual([]);
		await agent.restart();
		expect(await agent.restartsAre(1)).toMatchObject([{ association: { restartCount: 1 }, restart: { missed: 0 } }]);
	});

	test('goes on after an API server that does not answer for a while', async () => {
		await using cluster = await controlPlane();
		const node = await cluster.node();
		const pods = await running(cluster, 'default', node, ['one', 'two', 'three']);
		await using agent = await discoveryOn({ kubeconfig: cluster.kubeconfig, node, timeoutMs: 2_500 });
		await agent.complete();
		await cluster.pauseApi();
		const crashes = Promise.all(pods.map((pod) => pod.crash({ exitCode: 137 })));
		// Long enough for a request to be given up.
		await agent.restart();
		await expect.poll(() => agent.lines.filter(({ msg }) => msg.includes('not ready')).length, { timeout: 20_000 }).toBeGreaterThan(0);
		await cluster.resumeApi();
		await crashes;
		await agent.restartsAre(3, 30_000);
		await pods[0]?.crash({ exitCode: 139 });
		await agent.restartsAre(4, 30_000);
	});
});
