import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { installation } from '../support/agent.ts';
import { program, setCorePattern, withoutRights } from '../support/crash.ts';
import { image, podOnNode } from '../support/kubernetes/pod-on-node.ts';
import { describeRealNode, realNode } from '../support/kubernetes/real-node.ts';

describeRealNode('the core of a Milvus that is not root, written by the kernel itself', () => {
	test('is refused to uid 0 without capabilities, with what to do, and read with DAC_READ_SEARCH', async () => {
		await using home = await installation({ collector: { correlationTimeout: '20s', journaldPath: '/nowhere' } });
		const cores = home.place('cores');
		chmodSync(cores, 0o1777);
		await using _pattern = await setCorePattern(`${cores}/core.%e.%P.%h.%t`);
		await using node = await realNode();
		home.configure({ discovery: { podLogsPath: node.podLogs } });
		await node.importImage(image, { '/milvus/bin/milvus': await program('faults.c', ['-g', '-static', '-pthread']) });
		const start = (rights: readonly string[]) =>
			home.start({}, rights, ['--config', home.config, '--kubeconfig', node.kubeconfig, '--node', node.nodeName]);
		const without = await start(withoutRights);
		await without.line('discovery is ready');
		const pod = 'search-milvus-querynode-0';
		await podOnNode(
			node,
			pod,
			['null'],
			{ volumeMounts: [{ name: 'cores', mountPath: cores }], securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false } },
			{ volumes: [{ name: 'cores', hostPath: { path: cores } }] },
		);
		const { msg } = await without.line("core file can't be read");
		expect(msg).toBe(
			"core file can't be read: it is uid 1000's, and uid 0 may not read it without the capability DAC_READ_SEARCH: set nodeAgent.readForeignCores=true in the chart's values, or let systemd-coredump keep the cores of the node",
		);
		await without.stop();
		expect(home.reports().filter(({ evidence }) => evidence.includes('core'))).toEqual([]);

		const only = 'dac_read_search';
		await start(['setpriv', `--bounding-set=-all,+${only}`, `--inh-caps=-all,+${only}`, `--ambient-caps=-all,+${only}`]);
		const stored = () => home.reports().filter(({ association, storage }) => association.pod === pod && storage?.form === 'full');
		await expect.poll(() => stored().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(1);
	});
});
