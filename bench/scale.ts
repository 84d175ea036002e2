// What one node's agent costs in a cluster of 50 nodes and in one of 500. Writes docs/reference/scale.md.
//
// node bench/scale.ts [NODES [MINUTES]]: of the large cluster, and how long each agent is measured.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { formatBytes } from '../src/base/quantity.ts';
import { root, temporaryFolder } from '../test/support/crash.ts';
import { pathOf } from '../test/support/kubernetes/api.ts';
import { type ControlPlane, controlPlane } from '../test/support/kubernetes/control-plane.ts';
import { installDefinitions } from '../test/support/kubernetes/definitions.ts';
import { helmRelease } from '../test/support/kubernetes/helm-release.ts';
import { crashAnnotations, kwok } from '../test/support/kubernetes/kwok.ts';
import { until } from '../test/support/until.ts';

const page = join(root, 'docs/reference/scale.md');

/** As most pods of Milvus are labelled, wherever they come from. */
const labels = { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'elsewhere', component: 'querynode' };
const podsOnNode = 20;
const crashesOnNode = 2;
const crash = { exitCode: 139, every: '30s' };
/** Until the agent has looked at all pods, and what was compiled and allocated for that is settled. */
const warmUpMs = 60_000;

type Size = { readonly nodes: number; readonly pods: number; readonly crashing: number };

/** What an agent has used up to a moment. */
type Sample = {
	readonly cpuSeconds: number;
	readonly residentBytes: number;
	readonly anonymousBytes: number;
	/** By verb, resource and status. */
	readonly requests: ReadonlyMap<string, number>;
	readonly restarts: number;
};

type Measured = Size & { readonly minutes: number; readonly from: Sample; readonly to: Sample; readonly crashesElsewhere: number };

async function measure(nodes: number, minutes: number): Promise<Measured> {
	const size = { nodes, pods: nodes * podsOnNode, crashing: nodes * crashesOnNode };
	await using cluster = await controlPlane();
	await installDefinitions(cluster);
	await using many = await kwok(cluster);
	say(`${nodes} nodes`);
	await many.nodes(nodes - 1);
	const others = nodes - 1;
	for (const [count, options] of [
		[others * (podsOnNode - crashesOnNode), {}],
		[others * crashesOnNode, { crash }],
	] as const)
		for (let made = 0; made < count; made += others) await many.pods(others, { namespace: 'default', labels, ...options });
	const [node = ''] = await many.nodes(1);
	await ownPods(cluster, node);
	await until(
		'pods that run',
		() => countOf(cluster, 'Running'),
		(running) => running === size.pods,
		30 * 60_000,
	);
	say(`${size.pods} pods run`);

	// The first that ever starts has its source to compile.
	await using compiling = await agentOn(cluster.kubeconfig, node);
	await compiling.ready();
	await compiling.stop();
	await using agent = await agentOn(cluster.kubeconfig, node);
	await agent.ready();
	await delay(warmUpMs);
	const before = await restartsIn(cluster);
	const from = await agent.sample();
	await delay(minutes * 60_000);
	const to = await agent.sample();
	const crashesElsewhere = (await restartsIn(cluster)) - before - (to.restarts - from.restarts);
	say(`measured for ${minutes} min`);
	return { ...size, minutes, from, to, crashesElsewhere };
}

/** Two releases of the chart, of which the query nodes crash: their pods have owners that the agent must find out. */
async function ownPods(cluster: ControlPlane, node: string): Promise<void> {
	const place = { namespace: 'default', node, chart: 'milvus-5.0.19' } as const;
	await helmRelease(cluster, {
		...place,
		release: 'one',
		components: { mixcoord: 1, proxy: 2, datanode: 3, streamingnode: 3, querynode: 1 },
	});
	const { pods } = await helmRelease(cluster, {
		...place,
		release: 'two',
		components: { mixcoord: 1, proxy: 4, datanode: 4, querynode: 1 },
	});
	const crashing = [
		...pods,
		...(await cluster.list('/api/v1/namespaces/default/pods?labelSelector=app.kubernetes.io/instance=one')),
	].filter(({ metadata }) => metadata.labels?.component === 'querynode');
	if (crashing.length !== crashesOnNode) throw new Error(`${crashing.length} pods are to crash`);
	for (const pod of crashing) await cluster.call('PATCH', pathOf(pod), { metadata: { annotations: crashAnnotations(crash) } });
}

type Page = {
	readonly items: readonly {
		readonly status: { readonly phase?: string; readonly containerStatuses?: readonly { readonly restartCount: number }[] };
	}[];
};
const allPods = (cluster: ControlPlane) => cluster.call<Page>('GET', '/api/v1/pods?resourceVersion=0');

async function countOf(cluster: ControlPlane, phase: string): Promise<number> {
	await delay(2_000);
	return (await allPods(cluster)).items.filter(({ status }) => status.phase === phase).length;
}

const restartsIn = async (cluster: ControlPlane) =>
	(await allPods(cluster)).items.reduce((sum, { status }) => sum + (status.containerStatuses?.[0]?.restartCount ?? 0), 0);

/** The agent as a user starts it, but for its folders. */
async function agentOn(kubeconfig: string, node: string) {
	const folder = await temporaryFolder();
	const place = (name: string) => join(folder.path, name);
	const config = place('config.yaml');
	const sections = {
		collector: { coredumpPath: folder.path, journaldPath: '/nowhere' },
		analyzer: { scratchPath: place('scratch') },
		storage: { localPath: place('stored') },
		journal: { path: place('journal.db') },
		monitor: { metricsPort: 0, healthPort: 0 },
	};
	writeFileSync(config, JSON.stringify(sections)); // which is YAML
	const child = spawn(join(root, 'bin/milvus-coredump-agent'), ['agent', '--kubeconfig', kubeconfig, '--node', node, '--config', config], {
		env: { PATH: process.env.PATH },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const ended = once(child, 'exit');
	const lines: { readonly msg: string; readonly metrics?: number }[] = [];
	createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
	const line = async (words: string) => {
		await until(`the line "${words}"`, () => lines.some(({ msg }) => msg.includes(words)), Boolean);
		return lines.find(({ msg }) => msg.includes(words));
	};
	return {
		ready: () => line('discovery is ready'),
		async sample(): Promise<Sample> {
			const { metrics: port } = (await line('listening')) ?? {};
			const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
			return { ...usageOf(child), ...countsIn(text) };
		},
		async stop() {
			child.kill('SIGTERM');
			await ended;
		},
		async [Symbol.asyncDispose]() {
			await this.stop();
			await folder[Symbol.asyncDispose]();
		},
	};
}

/** proc(5). Clock ticks are hundredths of a second on Linux. */
function usageOf({ pid }: ChildProcess): Pick<Sample, 'cpuSeconds' | 'residentBytes' | 'anonymousBytes'> {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
		.replace(/^.*\) /, '')
		.split(' ');
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
	return {
		cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
		residentBytes: kibibytes('VmRSS') * 1024,
		anonymousBytes: kibibytes('RssAnon') * 1024,
	};
}

function countsIn(text: string): Pick<Sample, 'requests' | 'restarts'> {
	const requests = new Map<string, number>();
	let restarts = 0;
	for (const [, name, list = '', value] of text.matchAll(
		/^milvus_coredump_agent_(kubernetes_requests_total|restart_counts)\{(.*)\} (\d+)$/gm,
	)) {
		const label = (key: string) => new RegExp(`${key}="([^"]*)"`).exec(list)?.[1];
		if (name === 'restart_counts') restarts += Number(value);
		else requests.set(`${label('verb')} ${label('resource')} ${label('status')}`, Number(value));
	}
	return { requests, restarts };
}

const total = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((sum, count) => sum + count, 0);

function scalePage(small: Measured, large: Measured): string {
	const row = (what: string, of: (one: Measured) => number, show: (value: number) => string = String) =>
		`| ${what} | ${show(of(small))} | ${show(of(large))} | ${ratio(of(small), of(large))} |`;
	const inBetween = ({ from, to }: Measured, key: string) => (to.requests.get(key) ?? 0) - (from.requests.get(key) ?? 0);
	const keys = [...new Set([...small.to.requests.keys(), ...large.to.requests.keys()])].sort();
	const seconds = (value: number) => `${value.toFixed(2)} s`;
	const { minutes } = large;
	return `# Scale

What one node agent costs must not depend on how large the cluster is: it watches the pods of its own node, and asks for nothing else but their owners, logs and events, and for the crash reports of its own node. Measured by \`npm run bench:scale\`, which writes this page: a real API server with etcd and controllers, whose nodes and pods are played by kwok, and the agent as it is started on a node. ${podsOnNode} pods of two Helm releases are on its node, of which ${crashesOnNode} crash every ${crash.every.replace('s', ' s')}; so it is on all nodes. After a minute to settle it is measured for ${minutes} min.

Measured on ${availableParallelism()} processors, which all parts share. To repeat it: \`npm run bench:scale\`, a quarter of an hour and about 2 GB of memory; \`node bench/scale.ts 50 1\` does the same with a tenth of the nodes in a few minutes, and writes nothing.

| | ${small.nodes} nodes | ${large.nodes} nodes | ratio |
| --- | ---: | ---: | ---: |
${[
	row('pods in the cluster', ({ pods }) => pods),
	row('of these crash-looping', ({ crashing }) => crashing),
	row('crashes on other nodes meanwhile', ({ crashesElsewhere }) => crashesElsewhere),
	row('crashes on its node, told', ({ from, to }) => to.restarts - from.restarts),
	row('**memory, resident**', ({ to }) => to.residentBytes, formatBytes),
	row('memory, anonymous', ({ to }) => to.anonymousBytes, formatBytes),
	row(`**processor time** in ${minutes} min`, ({ from, to }) => to.cpuSeconds - from.cpuSeconds, seconds),
	row('processor time of the start and the first minute', ({ from }) => from.cpuSeconds, seconds),
	row(`**requests** in ${minutes} min`, ({ from, to }) => total(to.requests) - total(from.requests)),
	row('requests of the start and the first minute', ({ from }) => total(from.requests)),
].join('\n')}

Requests to the API server, by verb, resource and status of the answer:

| | start, ${small.nodes} nodes | start, ${large.nodes} nodes | then, ${small.nodes} nodes | then, ${large.nodes} nodes |
| --- | ---: | ---: | ---: | ---: |
${keys.map((key) => `| ${key} | ${[small.from, large.from].map(({ requests }) => requests.get(key) ?? 0).join(' | ')} | ${[small, large].map((one) => inBetween(one, key)).join(' | ')} |`).join('\n')}

- What is compared are the ratios: they stay near 1 while the cluster grows tenfold, as nothing that the agent holds or asks for is of other nodes. That the API server's own work grows is none of the agent's doing: it finds the pods of one node by an index.
- A crash costs one request for its log where the node's folder of logs is not there, as here, and none where it is. Kubelets that are played have no logs to give, so each is refused.
- Owners are asked for once for all pods of a workload, and again after an hour.
- A crash writes its report and the Events of it.
- The watch is taken up anew every 5 to 10 min.
- \`test/kubernetes/scale.test.ts\` holds a smaller cluster to the same: that its requests do not grow.
`;
}

function ratio(one: number, other: number): string {
	return one === 0 ? '' : (other / one).toFixed(2);
}

const say = (words: string) => console.log(`${new Date().toISOString()} ${words}`);

const [largeNodes = 500, minutes = 5] = process.argv.slice(2).map(Number);
const small = await measure(Math.round(largeNodes / 10), minutes);
const large = await measure(largeNodes, minutes);
const text = scalePage(small, large);
console.log(text);
if (largeNodes === 500) writeFileSync(page, text);
