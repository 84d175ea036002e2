import { expect, test } from 'vitest';
import type { Owner } from '../../src/domain/pod.ts';
import { events as eventsOf } from '../support/events.ts';
import { emptyJournal } from '../support/journal.ts';
import { type Manifest, ownedBy, type Stored } from '../support/kubernetes/api.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { installDefinitions } from '../support/kubernetes/definitions.ts';
import { crash, podsOf, publishing, store } from '../support/publishing.ts';

const soon = { timeout: 20_000 };

/** A namespace with a pod of a Deployment in it, of which no controller makes pods. */
async function scene() {
	const cluster = await sharedControlPlane();
	await installDefinitions(cluster);
	const namespace = await cluster.namespace();
	const opened = await emptyJournal(undefined, { now: Date.now });
	const create = (manifest: Manifest) => cluster.create({ ...manifest, metadata: { ...manifest.metadata, namespace: namespace.name } });
	const container = { name: 'querynode', image: 'milvusdb/milvus:v2.6.15' };
	const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } };
	const selector = { matchLabels: { a: 'b' } };
	const deployment = await create({
		apiVersion: 'apps/v1',
		kind: 'Deployment',
		metadata: { name: 'my-release-querynode' },
		spec: { replicas: 0, selector, template },
	});
	const labels = { a: 'b', 'pod-template-hash': '5c7d' };
	const replicaSet = await create({
		apiVersion: 'apps/v1',
		kind: 'ReplicaSet',
		metadata: { name: 'my-release-querynode-5c7d', labels, ownerReferences: [ownedBy(deployment)] },
		spec: { replicas: 0, selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
	});
	const pod = await create({
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: { name: 'my-release-querynode-5c7d-x' },
		spec: { nodeName: await cluster.node(), containers: [container] },
	});
	const { uid } = pod.metadata;
	const association = {
		node: 'node-1',
		namespace: namespace.name,
		pod: pod.metadata.name,
		podUid: uid,
		container: 'querynode',
		instance: 'my-release',
		component: 'querynode',
	} as const;
	const ownerOf = ({ apiVersion, kind, metadata }: Stored): Owner => ({ apiVersion, kind, name: metadata.name, uid: metadata.uid });
	return {
		cluster,
		namespace: namespace.name,
		opened,
		options: { node: unique('node'), namespace: 'default', eventIntervalMs: 300 },
		association,
		pods: podsOf({ [uid]: { namespace: namespace.name, owner: ownerOf(replicaSet) } }),
		all: () => cluster.list(`/api/v1/namespaces/${namespace.name}/events?fieldSelector=source=milvus-coredump-agent`),
		[Symbol.asyncDispose]: async () => {
			await opened[Symbol.asyncDispose]();
			await namespace[Symbol.asyncDispose]();
		},
	};
}

const told = (events: readonly Stored[]) =>
	events.map(({ involvedObject, reason, count }) => `${involvedObject.kind} ${reason} ${count}`).sort();

describeKubernetes('Events', () => {
	test('tell of a crash where kubectl describes the pod and the workload', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, association, pods, options, all } = scenery;
		const id = crash(opened.journal, { index: 1, association });
		store(opened.journal, id);
		await using running = await publishing(cluster.kubeconfig, opened.journal, options, pods);
		const expected = ['Deployment CoredumpCollected 1', 'Deployment CrashDetected 1', 'Pod CoredumpCollected 1', 'Pod CrashDetected 1'];
		await expect.poll(async () => told(await all()), soon).toEqual(expected);
		for (const [kind, name] of [
			['pod', association.pod],
			['deployment', 'my-release-querynode'],
		] as const) {
			const text = await cluster.kubectl('-n', namespace, 'describe', kind, name);
			expect(text).toMatch(
				new RegExp(
					`Warning +CrashDetected .*milvus-coredump-agent.* querynode crashed: SIGSEGV at 0x10 in search \\(search.cc:42\\), crash ${id}; more by kubectl -n ${namespace} describe crash ${association.pod}-${id}\n`,
				),
			);
			expect(text).toMatch(
				new RegExp(
					`Warning +CoredumpCollected .* The core dump of crash ${id} \\(SIGSEGV in search\\) is stored as x.core.zst; more by .*\n`,
				),
			);
		}
		const command = /more by kubectl (.*)/.exec((await all())[0]?.message)?.[1]?.split(' ') ?? [];
		await expect.poll(running.problem, soon).toBe('');
		expect(await cluster.kubectl(...command)).toContain('SIGSEGV at 0x10 in search');
	});

	test('count what happens again, in the same object, also after a restart of the agent', async () => {
		await using scenery = await scene();
		const { cluster, opened, association, pods, options, all } = scenery;
		const time = Date.now();
		const expected = (count: number) =>
			[...(count > 5 ? [`Deployment CrashLoop ${count}`] : []), `Deployment CrashDetected ${count}`, `Pod CrashDetected ${count}`].sort();
		for (const count of [1, 3, 6, 7]) {
			await using _running = await publishing(cluster.kubeconfig, opened.reopen(), options, pods);
			while (
				opened.journal.outbox.tally({ all: 'pod', of: { method: 'none', confidence: 'none', ...association } }, 0).crashes.count < count
			) {
				const index = opened.journal.outbox.changedSince(0, 99).length;
				crash(opened.journal, { index, time: time - 60_000 + index * 1000, association });
			}
			await expect.poll(async () => told(await all()), soon).toEqual(expected(count));
		}
		const [loop] = (await all()).filter(({ reason }) => reason === 'CrashLoop');
		expect(loop?.message).toMatch(
			/^my-release crashed 7 times on this node within 60 min, the last time by crash \w+ \(SIGSEGV in search\); all by kubectl/,
		);
		expect(Date.parse(loop?.lastTimestamp) - Date.parse(loop?.firstTimestamp)).toBe(6000);
	});

	test('say why there is no core, and what to do about it', async () => {
		await using scenery = await scene();
		const { cluster, opened, association, pods, options, all } = scenery;
		const { found, analysed } = eventsOf();
		const full = { method: 'cgroup', confidence: 'exact', ...association } as const;
		const time = new Date().toISOString();
		const lostCore = { reason: 'over core_pipe_limit', advice: 'raise it: sysctl -w kernel.core_pipe_limit=16' };
		opened.journal.append(
			{ ...found, body: { ...found.body, core: null, time, association: full, lostCore } },
			{ ...analysed, body: { core: null, analysis: { ...analysed.body.analysis, association: full, score: null } } },
		);
		await using _running = await publishing(cluster.kubeconfig, opened.journal, options, pods);
		await expect
			.poll(
				async () => (await all()).find(({ reason, involvedObject }) => reason === 'CoreLost' && involvedObject.kind === 'Pod')?.message,
				soon,
			)
			.toMatch(/^There is no core dump of crash 3f9c00000001 \(SIGSEGV in search\): over core_pipe_limit; raise it: sysctl/);
	});

	test('are of the custom resource where there is one, and of the pod where nothing stands behind it', async () => {
		await using scenery = await scene();
		const { cluster, namespace, opened, association, options, all } = scenery;
		const owner = { apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', name: 'my-milvus', uid: 'uid-of-my-milvus' };
		const pods = podsOf({ [association.podUid]: { namespace, owner } });
		for (const index of [1, 2])
			crash(opened.journal, { index, association: { ...association, component: ['', 'proxy', 'querynode'][index] ?? '' } });
		const lone = { ...association, pod: 'alone', podUid: 'uid-of-alone', instance: 'alone' };
		for (const index of [3, 4]) crash(opened.journal, { index, association: lone });
		await using _running = await publishing(
			cluster.kubeconfig,
			opened.journal,
			{ ...options, crashLoop: { moreThan: 1, windowMs: 60_000 } },
			pods,
		);
		await expect
			.poll(async () => (await all()).map(({ involvedObject: { name }, reason, count }) => `${name} ${reason} ${count}`).sort(), soon)
			.toEqual([
				'alone CrashDetected 2',
				'alone CrashLoop 2',
				'my-milvus CrashDetected 2',
				'my-milvus CrashLoop 2',
				`${association.pod} CrashDetected 2`,
			]);
	});

	test('are not made of crashes that are long over, of crashes without a pod, or where the namespace is gone', async () => {
		await using scenery = await scene();
		const { cluster, opened, association, pods, options, all } = scenery;
		crash(opened.journal, { index: 1, association, time: Date.now() - 61 * 60_000 });
		crash(opened.journal, { index: 2, association: {} });
		crash(opened.journal, { index: 3, association: { ...association, namespace: 'never-was', podUid: 'x' } });
		await using running = await publishing(cluster.kubeconfig, opened.journal, options, pods);
		await expect.poll(() => opened.journal.outbox.told(), soon).toBe(opened.journal.outbox.changedSince(0, 99).at(-1)?.change);
		expect(await all()).toEqual([]);
		await expect.poll(running.problem, soon).toBe('');
		const last = crash(opened.journal, { index: 4, association });
		await expect.poll(async () => (await all()).filter(({ message }) => message.includes(last)), soon).toHaveLength(2);
	});
});
