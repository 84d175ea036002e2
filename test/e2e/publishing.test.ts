import { expect, test } from 'vitest';
import { installation } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import type { Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { installDefinitions } from '../support/kubernetes/definitions.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';

const soon = { timeout: 60_000 };

describeKubernetes('an agent on a node of a cluster', () => {
	test('shows a crash as a CrashReport, and in Events of the pod and its Deployment', async () => {
		const cluster = await sharedControlPlane();
		await installDefinitions(cluster);
		await using namespace = await cluster.namespace();
		await using home = await installation({ collector: { correlationTimeout: '1s', journaldPath: '/nowhere' } });
		const node = await cluster.node();
		const components = { querynode: 1 };
		const { pods } = await helmRelease(cluster, { namespace: namespace.name, node, release: 'search', chart: 'milvus-5.0.19', components });
		const pod = pods[0] as Stored;
		const played = playKubelet(cluster, pod);
		await played.run(new Date(Date.now() - 3600_000));
		const agent = await home.startOn(cluster.kubeconfig, node);
		await agent.line('publisher is ready');
		await played.crash({ exitCode: 137, reason: 'OOMKilled' });

		const list = () => cli(['list', '--kubeconfig', cluster.kubeconfig, '--namespace', namespace.name]);
		await expect.poll(async () => (await list()).stdout, soon).toMatch(new RegExp(` search +${pod.metadata.name} +OOMKilled `));
		const events = () => cluster.list(`/api/v1/namespaces/${namespace.name}/events?fieldSelector=source=milvus-coredump-agent`);
		const told = async () => (await events()).map(({ reason, involvedObject: { kind } }) => `${kind} ${reason}`).sort();
		await expect.poll(told, soon).toEqual(['Deployment CrashDetected', 'Pod CrashDetected']);
		expect((await events())[0]?.message).toMatch(/^querynode crashed: OOMKilled .*; more by kubectl /);
		await agent.stop();
	});
});
