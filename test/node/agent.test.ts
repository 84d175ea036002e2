import { expect, test } from 'vitest';
import { crashReport } from '../../src/domain/report.ts';
import { installation } from '../support/agent.ts';
import { program, setCorePattern } from '../support/crash.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode, type RealNode, realNode } from '../support/kubernetes/real-node.ts';

/** A pod whose process crashes as soon as it runs; the node's folder of cores is mounted where the pattern of the node says. */
const crashingPod = (node: RealNode, cores: string, name: string, kind: string) =>
	podOnNode(
		node,
		name,
		[kind],
		{ volumeMounts: [{ name: 'cores', mountPath: cores }] },
		{ volumes: [{ name: 'cores', hostPath: { path: cores } }] },
	);

describeRealNode('an agent on a real node', () => {
	test('makes one report of core, log and restart, for each crash of a pod', async () => {
		await using home = await installation({ collector: { correlationTimeout: '20s', journaldPath: '/nowhere' } });
		await using _pattern = await setCorePattern(`${home.place('cores')}/core.%e.%P.%h.%t`);
		await using node = await realNode();
		home.configure({ discovery: { podLogsPath: node.podLogs } });
		await node.importImage(image, { '/milvus/bin/milvus': await program('faults.c', ['-g', '-static', '-pthread']) });
		const agent = await home.startOn(node.kubeconfig, node.nodeName);
		await agent.line('discovery is ready');
		const pods = {
			'search-milvus-querynode-0': await crashingPod(node, home.place('cores'), 'search-milvus-querynode-0', 'null'),
			'search-milvus-querynode-1': await crashingPod(node, home.place('cores'), 'search-milvus-querynode-1', 'assert'),
		};
		const settledOf = (name: string) => home.reports().filter(({ association, storage }) => association.pod === name && storage !== null);
		for (const name of Object.keys(pods)) await expect.poll(() => settledOf(name).length, { timeout: 90_000 }).toBeGreaterThanOrEqual(2);
		await agent.stop();
		for (const [name, { metadata }] of Object.entries(pods)) {
			const reports = settledOf(name).map((report) => crashReport.parse(report));
			const counts = reports.map(({ association }) => association.restartCount);
			expect(new Set(counts).size).toBe(counts.length);
			for (const { association } of reports) {
				expect(association).toMatchObject({
					...{ method: 'host name', confidence: 'strong', namespace: 'default', pod: name, podUid: metadata.uid, node: 'node-1' },
					...{ container: 'querynode', instance: 'search', instanceKind: 'unmanaged', component: 'querynode' },
					...{ exitCode: 139, reason: 'Error', image, containerId: expect.stringMatching(/^[0-9a-f]{64}$/) },
				});
			}
		}
		expect(settledOf('search-milvus-querynode-0')[0]).toMatchObject({
			...{ evidence: ['core', 'restart'], status: 'stored', signal: { name: 'SIGSEGV', address: '0x10' } },
			restart: { signal: { name: 'SIGSEGV' }, isPanic: false },
			storage: { name: expect.stringMatching(/^default\.search\/\d{8}T\d{6}Z-[0-9a-f]{6}_search-milvus-querynode-0_querynode$/) },
		});
		// abort() in pid 1 of a container ends as a fault.
		expect(settledOf('search-milvus-querynode-1')[0]).toMatchObject({
			...{ evidence: ['core', 'log', 'restart'], status: 'stored', kind: 'assertion', message: expect.stringContaining('rows == 7') },
			restart: { signal: { name: 'SIGSEGV' }, isPanic: true, panicLine: expect.stringContaining("Assertion `rows == 7' failed") },
		});
	});
});
