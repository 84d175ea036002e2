import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepCorePattern, program } from '../support/crash.ts';
import { discoveryOn } from '../support/discovery.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode, realNode } from '../support/kubernetes/real-node.ts';

describeRealNode('discovery on a real node', () => {
	test('tells how containers ended, what they wrote and what the kubelet said, as these were', async () => {
		await using _pattern = await keepCorePattern();
		await using node = await realNode();
		await node.importImage(image, { '/milvus/bin/milvus': await program('faults.c', ['-g', '-static', '-pthread']) });
		const { kubeconfig, nodeName } = node;
		// One that has the node's folder of logs, and one that must ask the API.
		await using near = await discoveryOn({ kubeconfig, node: nodeName, podLogsPath: node.podLogs });
		await using far = await discoveryOn({ kubeconfig, node: nodeName });
		await near.complete();
		await far.complete();
		const fault = await podOnNode(node, 'fault', ['null']);
		await podOnNode(node, 'assertion', ['assert']);
		await podOnNode(node, 'hungry', ['wait'], {
			env: [{ name: 'FILL_MB', value: '200' }],
			resources: { limits: { memory: '48Mi' } },
		});
		await podOnNode(node, 'hanging', ['wait'], { livenessProbe: { tcpSocket: { port: 9091 }, periodSeconds: 1, failureThreshold: 1 } });

		const of = (agent: typeof near, pod: string) => agent.restarts().filter(({ association }) => association.pod === pod);
		for (const agent of [near, far])
			for (const pod of ['fault', 'assertion', 'hungry', 'hanging'])
				await expect.poll(() => of(agent, pod).length, { timeout: 90_000, message: pod }).toBeGreaterThanOrEqual(2);
		for (const agent of [near, far]) {
			// Each run is told of once, by the id that the runtime gave it.
			expect(new Set(agent.keys()).size).toBe(agent.keys().length);
			const ids = of(agent, 'fault').map(({ association }) => association.containerId);
			expect(new Set(ids).size).toBe(ids.length);
			for (const { association, restart } of of(agent, 'fault')) {
				expect(association).toMatchObject({
					...{ node: nodeName, podUid: fault.metadata.uid, container: 'querynode', image, exitCode: 139, reason: 'Error' },
					...{ instance: 'search', instanceKind: 'unmanaged', containerId: expect.stringMatching(/^[0-9a-f]{64}$/) },
				});
				expect(restart).toMatchObject({ signal: { number: 11, name: 'SIGSEGV' }, isPanic: false, isStartUp: false });
			}
			expect(of(agent, 'fault').map(({ association, restart }) => (association.restartCount ?? 0) - restart.missed)).toEqual(
				of(agent, 'fault').map((_, index, all) => (all[index - 1]?.association.restartCount ?? 0) + 1),
			);
			expect(of(agent, 'hungry')[0]).toMatchObject({
				association: { exitCode: 137, reason: 'OOMKilled' },
				restart: { signal: { name: 'SIGKILL' }, isPanic: false, isStartUp: false },
			});
			expect(of(agent, 'hungry')[0]?.restart.killMessage).toBeUndefined();
			expect(of(agent, 'hanging')[0]).toMatchObject({
				association: { exitCode: 137, reason: 'Error' },
				restart: { killMessage: 'Container querynode failed liveness probe, will be restarted', isPanic: false },
			});
			const told = of(agent, 'assertion');
			expect(told[0]).toMatchObject({
				restart: {
					isPanic: true,
					panicLine: expect.stringMatching(/^milvus: .*faults\.c:\d+: fail_assert: Assertion `rows == 7' failed\.$/),
				},
			});
			const text = readFileSync(told[0]?.log?.path ?? '', 'utf8');
			expect(text).toContain("Assertion `rows == 7' failed.");
			expect(told[0]?.log?.sizeBytes).toBe(text.length);
			const words = of(agent, 'hanging').flatMap(({ log }) => (log ? [readFileSync(log.path, 'utf8')] : []));
			for (const one of words) expect(one.match(/waiting/g)).toHaveLength(1);
			expect(words.length).toBeGreaterThan(0);
		}
		// The runtime's own framing tells where it came from.
		expect(readFileSync(of(near, 'assertion')[0]?.log?.path ?? '', 'utf8')).toMatch(/^\S+Z stderr F milvus: /);
		expect(near.requests.filter(({ resource }) => resource === 'pods/log')).toEqual([]);
		const shown = (await node.call('GET', '/api/v1/namespaces/default/pods/fault')).status.containerStatuses[0];
		const id = (shown.lastState.terminated ?? shown.state.terminated).containerID.replace('containerd://', '');
		await expect.poll(() => of(near, 'fault').map(({ association }) => association.containerId), { timeout: 20_000 }).toContain(id);

		// Of a file that is gone the kubelet says so in its place, and of a container.
		const { metadata } = await podOnNode(node, 'once', ['assert'], {}, { restartPolicy: 'Never' });
		await expect.poll(() => of(near, 'once').length, { timeout: 30_000 }).toBe(1);
		expect(of(near, 'once')).toMatchObject([{ association: { restartCount: 1 }, restart: { isPanic: true } }]);
		rmSync(join(node.podLogs, `default_once_${metadata.uid}/querynode/0.log`));
		await using late = await discoveryOn({ kubeconfig, node: nodeName });
		await expect.poll(() => of(late, 'once').length, { timeout: 30_000 }).toBe(1);
		expect(of(late, 'once')).toMatchObject([{ log: null, restart: { isPanic: false } }]);
		expect(late.lines.find(({ msg, pod }) => pod === 'default/once' && msg.includes("can't be had"))?.reason).toMatch(
			/^failed to try resolving symlinks in path /,
		);
	});
});
