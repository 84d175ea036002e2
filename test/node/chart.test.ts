import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { exec } from '../support/crash.ts';
import { agentImage, buildTimeoutMs, describeImage } from '../support/image/image.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { chart, helm } from '../support/kubernetes/helm.ts';
import { find } from '../support/kubernetes/programs.ts';
import { describeRealNode, realNode } from '../support/kubernetes/real-node.ts';

const name = 'milvus-coredump-agent';
const soon = { timeout: 60_000 };

describeRealNode('the chart on a real node', () => {
	describeImage('with the real image', () => {
		test(
			'runs, has what it needs and no more, and goes again',
			async () => {
				const { archive } = await agentImage();
				await using node = await realNode();
				await exec('ctr', ['-a', join(dirname(dirname(node.kubeconfig)), 'containerd.sock'), '-n', 'k8s.io', 'images', 'import', archive]);
				const onCluster = ['--kubeconfig', node.kubeconfig, '--namespace', 'crashes'];
				const kubectl = (...args: readonly string[]) => node.kubectl('-n', 'crashes', ...args);
				await node.kubectl('create', 'namespace', 'crashes');
				await helm('install', 'crashes', chart, ...onCluster, '--set', 'image.pullPolicy=Never');
				await rolledOut(node, 'daemonset', name);
				await rolledOut(node, 'deployment', `${name}-controller`);
				expect(await helm('test', 'crashes', ...onCluster, '--timeout', '1m')).toMatch(/Phase: +Succeeded/);

				// The roots of other containers are seen, and may not be entered.
				const inAgent = (script: string) =>
					kubectl('exec', `ds/${name}`, '-c', 'node-agent', '--', 'sh', '-c', script).catch((error: { stderr: string }) => error.stderr);
				const roots =
					'grep -c " /host/run/containerd/io.containerd.runtime.v2.task/k8s.io/[0-9a-f]*/rootfs .*upperdir=" /proc/self/mountinfo';
				expect(Number(await inAgent(roots))).toBeGreaterThan(2);
				expect(await inAgent('ls /host/run/containerd')).toContain('Permission denied');
				expect(
					await inAgent('for way in "chmod 755 /host/run/containerd" "touch /host/var/log/x" "touch /x"; do $way && echo done; done; true'),
				).not.toContain('done');
				expect(await inAgent('grep -h ^Cap /proc/self/status | sort -u -k2')).toMatch(/^CapInh:\s+0+\n$/);

				expect(await kubectl('get', 'daemonset', name)).toContain(name);
				expect(await kubectl('logs', '-l', `app=${name}`, '--tail', '50')).toContain('is ready');
				await using ports = await forwarded(node);
				expect(await (await fetch(`${ports.at(8080)}/metrics`)).text()).toContain('milvus_coredump_agent_up');
				expect((await fetch(`${ports.at(8081)}/readyz`)).status).toBe(200);

				const values = 'image.pullPolicy=Never,config.log.level=debug';
				await helm('upgrade', 'crashes', chart, ...onCluster, '--set', values);
				// Then the kubelet brings the ConfigMap at once, and not within a minute.
				await kubectl('annotate', 'pods', '-l', `app=${name}`, 'looked-at=yes');
				await expect.poll(() => kubectl('logs', `ds/${name}`), soon).toContain('configuration changed: log.level');

				await helm('upgrade', 'crashes', chart, ...onCluster, '--set', `${values},roles=together`);
				await rolledOut(node, 'daemonset', name);
				const [pod = ''] = (await kubectl('get', 'pods', '-l', 'app.kubernetes.io/component=node-agent', '-o', 'name')).trim().split('\n');
				const holder = () => kubectl('get', 'lease', `${name}-controller`, '-o', 'jsonpath={.spec.holderIdentity}');
				await expect.poll(holder, soon).toContain(pod.replace('pod/', ''));

				await helm('uninstall', 'crashes', ...onCluster);
				await expect.poll(() => kubectl('get', 'pods', '-o', 'name'), soon).toBe('');
			},
			buildTimeoutMs,
		);
	});
});

const rolledOut = (node: Cluster, kind: string, of: string) =>
	node.kubectl('-n', 'crashes', 'rollout', 'status', `${kind}/${of}`, '--timeout', '120s');

/** As `kubectl port-forward ds/milvus-coredump-agent 8080:8080 8081:8081`, to ports that are free here. @returns addresses by the agent's ports */
async function forwarded(node: Cluster): Promise<AsyncDisposable & { readonly at: (port: number) => string }> {
	const args = ['--kubeconfig', node.kubeconfig, '-n', 'crashes', 'port-forward', `ds/${name}`, ':8080', ':8081'];
	const child = spawn(join(await find('kubernetes'), 'kubectl'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
	const local = new Map<number, string>();
	for await (const line of createInterface({ input: child.stdout })) {
		const [, here = '', there] = /^Forwarding from (127\.0\.0\.1:\d+) -> (\d+)$/.exec(line) ?? [];
		if (there !== undefined) local.set(Number(there), here);
		if (local.size === 2) break;
	}
	return {
		at: (port) => `http://${local.get(port)}`,
		async [Symbol.asyncDispose]() {
			child.kill();
			await once(child, 'exit');
		},
	};
}
