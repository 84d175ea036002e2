import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { keepCorePattern, program } from '../support/crash.ts';
import { describeRealNode, realNode } from '../support/kubernetes/real-node.ts';

describeRealNode('the real node of the tests', () => {
	test('runs a pod that crashes, counts its restarts, keeps its logs, and leaves nothing behind', async () => {
		await using _pattern = await keepCorePattern();
		const node = await realNode();
		const { podLogs } = node;
		const [, group = ''] = /pids:\/([^/]+)/.exec(readFileSync(`/proc/${node.processes()[0]}/cgroup`, 'utf8')) ?? [];
		const groups = globSync(`/sys/fs/cgroup/*/${group}`);
		expect(groups).toContain(`/sys/fs/cgroup/memory/${group}`);
		await node.importImage('localhost/crash:1', { '/milvus/bin/milvus': await program('faults.c', ['-g', '-static', '-pthread']) });
		const { metadata } = await node.create({
			apiVersion: 'v1',
			kind: 'Pod',
			metadata: { name: 'crasher', namespace: 'default', labels: { 'app.kubernetes.io/name': 'milvus' } },
			spec: {
				containers: [{ name: 'querynode', image: 'localhost/crash:1', imagePullPolicy: 'Never', command: ['/milvus/bin/milvus', 'null'] }],
			},
		});
		const status = async () => (await node.call('GET', '/api/v1/namespaces/default/pods/crasher')).status.containerStatuses?.[0];
		await expect.poll(async () => (await status())?.restartCount, { timeout: 60_000 }).toBeGreaterThan(1);
		const last = (await status()).lastState.terminated;
		expect(last).toMatchObject({ exitCode: 139, reason: 'Error', containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) });
		expect(globSync(`default_crasher_${metadata.uid}/querynode/*.log`, { cwd: podLogs })).not.toEqual([]);
		const processes = node.processes();
		await node[Symbol.asyncDispose]();
		expect(processes.filter((id) => existsSync(`/proc/${id}`))).toEqual([]);
		expect(groups.filter((path) => existsSync(path))).toEqual([]);
		expect(existsSync(dirname(podLogs))).toBe(false);
	});
});
