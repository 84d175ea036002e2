import { afterAll, beforeAll, expect } from 'vitest';
import { crashReport } from '../../src/domain/report.ts';
import { installation } from '../support/agent.ts';
import { ways } from '../support/core-ways.ts';
import { program, temporaryFolder } from '../support/crash.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode, type RealNode, realNode } from '../support/kubernetes/real-node.ts';
import { testUnless } from '../support/needed.ts';

describeRealNode('a core of a pod is stored, and its pod known, where the node keeps cores by', () => {
	let node: RealNode;
	beforeAll(async () => {
		node = await realNode();
		await node.importImage(image, { '/milvus/bin/milvus': await program('faults.c', ['-g', '-static', '-pthread']) });
	}, 120_000);
	afterAll(async () => node?.[Symbol.asyncDispose](), 30_000);

	for (const [index, { name, missing, take }] of ways.entries()) {
		testUnless(name, missing, async () => {
			await using folder = await temporaryFolder('cores-');
			await using way = await take(folder.path);
			await using home = await installation({
				collector: { coredumpPath: way.cores, correlationTimeout: '20s', journaldPath: way.journal ?? '/nowhere' },
				discovery: { podLogsPath: node.podLogs },
			});
			const agent = await home.startOn(node.kubeconfig, node.nodeName);
			await agent.line('discovery is ready');
			const pod = `search-milvus-querynode-${index}`;
			const { metadata } = await podOnNode(
				node,
				pod,
				['null'],
				way.isWrittenInPod ? { volumeMounts: [{ name: 'cores', mountPath: way.cores }] } : {},
				way.isWrittenInPod ? { volumes: [{ name: 'cores', hostPath: { path: way.cores } }] } : {},
			);
			const how = way.journal === undefined ? { method: 'host name', confidence: 'strong' } : { method: 'cgroup', confidence: 'exact' };
			const stored = () => home.reports().filter(({ association, storage }) => association.pod === pod && storage?.form === 'full');
			const known = () => stored().filter(({ association }) => association.method === how.method);
			await expect.poll(() => known().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
			await node.kubectl('delete', 'pod', pod, '--now');
			await agent.stop();
			for (const report of known().map((report) => crashReport.parse(report))) {
				expect(report).toMatchObject({
					...{ status: 'stored', evidence: ['core', 'restart'], signal: { name: 'SIGSEGV', address: '0x10' } },
					association: {
						...how,
						...{ namespace: 'default', pod, podUid: metadata.uid, container: 'querynode', instance: 'search', exitCode: 139 },
					},
				});
			}
		});
	}
});
