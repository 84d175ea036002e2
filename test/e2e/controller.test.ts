import { expect, test } from 'vitest';
import { type Installation, installation } from '../support/agent.ts';
import { crashReports, daysAgo } from '../support/crash-reports.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { freeLease, ownControlPlane } from '../support/kubernetes/definitions.ts';

const soon = { timeout: 45_000 };
const quickly = { collector: { correlationTimeout: '1s', journaldPath: '/nowhere' } };

type Agent = Awaited<ReturnType<Installation['start']>>;

/** What each agent deleted by age or number. */
const expired = (...agents: readonly Agent[]) =>
	agents.map(({ lines }) =>
		lines.flatMap(({ msg, object }) => (msg.startsWith('crash report') && msg.includes('expired') ? [object] : [])),
	);

async function health(agent: Agent) {
	const { health: port } = (await agent.line('listening')) as unknown as { readonly health: number };
	const response = await fetch(`http://127.0.0.1:${port}/readyz`);
	const { components } = (await response.json()) as { readonly components: readonly { readonly name: string; readonly reason?: string }[] };
	return {
		status: response.status,
		names: components.map(({ name }) => name),
		of: (name: string) => components.find((one) => one.name === name),
	};
}

async function metric(agent: Agent, name: string): Promise<string | undefined> {
	const { metrics: port } = (await agent.line('listening')) as unknown as { readonly metrics: number };
	const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
	return new RegExp(`^milvus_coredump_agent_${name} (.*)$`, 'm').exec(text)?.[1];
}

describeKubernetes('the agents of a cluster', () => {
	const own = ownControlPlane();

	/** Starts a controller in a namespace, under the name of a pod. */
	const start = (home: Installation, namespace: string, pod: string, role = 'controller') =>
		home.start(
			{ POD_NAMESPACE: namespace, POD_NAME: pod, NODE_NAME: 'node-1' },
			[],
			[...['--config', home.config, '--kubeconfig', own.cluster.kubeconfig, '--role', role]],
		);

	test('have one controller that expires crash reports, another when it is killed, and at once when it ends', async () => {
		await using reports = await crashReports(own.cluster);
		const { namespace } = reports;
		await freeLease(own.cluster, namespace);
		for (const index of [0, 1, 2]) await reports.create(index, daysAgo(index === 0 ? 31 : index));
		await using home = await installation(quickly);
		await using other = await installation(quickly);
		await using atNode = await installation(quickly);
		const node = await own.cluster.node();
		const first = await start(home, namespace, 'controller-a');
		await first.line('this agent leads as controller-a_');
		const agent = await atNode.startOn(own.cluster.kubeconfig, node);
		let second = await start(other, namespace, 'controller-b');
		await second.line('controller-a_');
		await expect.poll(() => reports.among(3), soon).toEqual([1, 2]);
		const told = await health(second);
		expect(told).toMatchObject({ status: 200, names: ['config', 'monitor', 'leader', 'expiry', 'retention', 'cleaner'] });
		expect(told.of('retention')).toMatchObject({ ready: true });
		expect(told.of('leader')).toMatchObject({ ready: true, reason: expect.stringMatching(/^controller-a_\w+ leads$/) });
		expect([await metric(first, 'leader'), await metric(second, 'leader')]).toEqual(['1', '0']);
		expect(await metric(first, 'crashreports_expired_total{reason="age"}')).toBe('1');

		await reports.create(3, daysAgo(60));
		await expect.poll(() => reports.among(4), soon).toEqual([1, 2]);
		first.kill('SIGKILL');
		const leads = () => second.lines.some(({ msg }) => msg.startsWith('this agent leads as controller-b_'));
		await expect.poll(leads, { timeout: 30_000 }).toBe(true);
		await reports.create(4, daysAgo(60));
		await expect.poll(() => reports.among(5), soon).toEqual([1, 2]);

		const third = await start(home, namespace, 'controller-a');
		await third.line('controller-b_');
		expect(await second.stop()).toEqual({ code: 0, signal: null });
		const released = second.lines.map(({ msg }) => msg);
		expect(released).toContain('the lead is given back: another may take it at once');
		await third.line('this agent leads as controller-a_');
		second = await start(other, namespace, 'controller-b');
		await second.line('controller-a_');
		await reports.create(5, daysAgo(60));
		await expect.poll(() => reports.among(6), soon).toEqual([1, 2]);
		expect(expired(first, third, agent).map(({ length }) => length)).toEqual([2, 1, 0]);
		for (const one of [agent, second, third]) expect(await one.stop()).toEqual({ code: 0, signal: null });
		expect([first, second, third, agent].map(({ errors }) => errors())).toEqual(['', '', '', '']);
	});

	test('take another configuration without giving up the lead', async () => {
		await using reports = await crashReports(own.cluster);
		const { namespace } = reports;
		await freeLease(own.cluster, namespace);
		for (const index of [0, 1, 2]) await reports.create(index, daysAgo(8.5 - index));
		// Known issues are for who analyses: their file need not be here.
		await using home = await installation({ analyzer: { knownIssues: ['/nowhere/issues.yaml'] } });
		const controller = await start(home, namespace, 'controller-a');
		const { cores, node, ...started } = await controller.line('agent started');
		expect(started).toMatchObject({ mode: 'cluster', role: 'controller', identity: expect.stringMatching(/^controller-a_/) });
		expect([cores, node]).toEqual([undefined, undefined]);
		await controller.line('this agent leads');
		await expect.poll(async () => (await health(controller)).status, soon).toBe(200);
		expect(await reports.among(3)).toEqual([0, 1, 2]);
		home.configure({ monitor: { crashReports: { retentionDays: 8 } } });
		await controller.line('configuration changed: monitor.crashReports.retentionDays');
		await expect.poll(() => reports.among(3), soon).toEqual([1, 2]);
		home.configure({ monitor: { crashReports: { retentionDays: 8, maxNumber: 1 } } });
		await expect.poll(() => reports.among(3), soon).toEqual([2]);
		home.configure({ analyzer: { valueThreshold: 9 } });
		await controller.line('configuration changed: analyzer.valueThreshold');
		expect(controller.lines.filter(({ msg }) => msg.startsWith('this agent leads'))).toHaveLength(1);
		expect(await controller.stop()).toEqual({ code: 0, signal: null });
		expect(controller.errors()).toBe('');
	});

	test('may do both in one process', async () => {
		await using reports = await crashReports(own.cluster);
		const { namespace } = reports;
		await freeLease(own.cluster, namespace);
		await reports.create(0, daysAgo(31));
		await using home = await installation(quickly);
		const agent = await start(home, namespace, unique('pod'), 'both');
		expect(await agent.line('agent started')).toMatchObject({ mode: 'cluster', role: 'both', node: 'node-1' });
		await expect.poll(() => reports.among(1), soon).toEqual([]);
		await agent.line('collector is ready');
		await agent.line('publisher is ready');
		await expect
			.poll(async () => (await health(agent)).names, soon)
			.toEqual([
				'config',
				'journal',
				'monitor',
				'collector',
				'analyzer',
				'storage',
				'opinion',
				'discovery',
				'publisher',
				'leader',
				'expiry',
				'retention',
				'cleaner',
			]);
		home.configure({ collector: { watchInterval: '2s' } });
		await agent.line('work stopped');
		expect(agent.lines.filter(({ msg }) => msg.startsWith('this agent leads'))).toHaveLength(1);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
	});
});
