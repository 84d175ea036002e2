import { expect, test } from 'vitest';
import { emptyJournal } from '../support/journal.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { installDefinitions } from '../support/kubernetes/definitions.ts';
import { crash, idOf, placeIn, podsOf, publishing } from '../support/publishing.ts';

const real = { now: Date.now };
const soon = { timeout: 30_000 };
const reports = 'crashreports.diagnostics.milvus.io';

const objectsIn = (cluster: Cluster, namespace: string) => () =>
	cluster.list(`/apis/diagnostics.milvus.io/v1alpha1/namespaces/${namespace}/crashreports`);
const countsIn = (cluster: Cluster, namespace: string) => async () =>
	(await objectsIn(cluster, namespace)()).map(({ status }) => status?.count).sort((a, b) => a - b);

describeKubernetes('a crash storm', () => {
	test('of a thousand crashes makes few objects and few writes, and every crash counts, also over restarts of the agent', async () => {
		const cluster = await sharedControlPlane();
		await installDefinitions(cluster);
		await using namespace = await cluster.namespace();
		await using opened = await emptyJournal(undefined, real);
		const options = { node: unique('node'), namespace: 'default', foldedIntervalMs: 500, eventIntervalMs: 500 };
		const pods = podsOf({ 'uid-of-my-release-querynode-0': { namespace: namespace.name } });
		let writes = 0;
		const started = performance.now();
		for (const part of [0, 1, 2, 3]) {
			await using running = await publishing(cluster.kubeconfig, opened.reopen(), options, pods);
			for (let index = 0; index < 250; index++) {
				crash(opened.journal, { index: part * 250 + index, association: placeIn(namespace.name) });
				if (index % 10 === 0) await new Promise(setImmediate); // other work goes on
			}
			if (part === 3) {
				await expect.poll(countsIn(cluster, namespace.name), soon).toEqual([1, 1, 1, 1, 996]);
				const events = () => cluster.list(`/api/v1/namespaces/${namespace.name}/events`);
				const counts = async () => Object.fromEntries((await events()).map(({ reason, count }) => [reason, count]));
				await expect.poll(counts, soon).toEqual({ CrashDetected: 1000, CrashLoop: 1000 });
				expect(await events()).toHaveLength(2);
			}
			writes += running.writes();
		}
		const seconds = (performance.now() - started) / 1000;
		expect(writes).toBeLessThanOrEqual(4 * 20 + 5 * seconds); // each agent has its burst
		expect(writes).toBeLessThan(100);
	});
});

describeKubernetes('an API server', () => {
	test('that was away misses nothing, and needs no more writes than one that was there', async () => {
		await using plane = await controlPlane();
		await installDefinitions(plane);
		await using namespace = await plane.namespace();
		await using opened = await emptyJournal(undefined, real);
		const publish = () => publishing(plane.kubeconfig, opened.journal, { node: 'node-1', namespace: 'default' });
		const ids = async () => (await objectsIn(plane, namespace.name)()).map(({ spec }) => spec.id).sort();
		{
			await using running = await publish();
			crash(opened.journal, { index: 1, association: placeIn(namespace.name) });
			await expect.poll(ids, soon).toEqual([idOf(1)]);
			await expect.poll(running.problem, soon).toBe('');
			await plane.stopApi();
			for (const index of [2, 3]) crash(opened.journal, { index, association: placeIn(namespace.name) });
			await expect.poll(running.problem, soon).toMatch(/^can't patch crashreports.*: nothing listens there \(connection refused\)$/);
		}
		// The agent is restarted meanwhile.
		opened.reopen();
		await using running = await publish();
		await expect.poll(running.problem, soon).toMatch(/^can't list crashreports.*: nothing listens there/);
		crash(opened.journal, { index: 4, association: placeIn(namespace.name) });
		await plane.startApi();
		await expect.poll(ids, soon).toEqual([1, 2, 3, 4].map(idOf).sort());
		await expect.poll(running.problem, soon).toBe('');
		await expect.poll(() => opened.journal.outbox.unpublished(0, 9), soon).toEqual([]);
		const done = running.requests.filter(({ verb, resource, status }) => verb === 'patch' && resource === reports && status !== undefined);
		expect(done).toHaveLength(3);
	});

	test('that does not know CrashReports is told of in one line, until it does', async () => {
		await using plane = await controlPlane();
		await using namespace = await plane.namespace();
		await using opened = await emptyJournal(undefined, real);
		crash(opened.journal, { index: 1, association: placeIn(namespace.name) });
		await using running = await publishing(plane.kubeconfig, opened.journal, { node: 'node-1', namespace: 'default' });
		await expect.poll(running.problem, soon).toMatch(/^the cluster does not know CrashReport in .*: install it by kubectl apply [^\n]*$/);
		// Events do not need them.
		await expect.poll(() => plane.list(`/api/v1/namespaces/${namespace.name}/events`), soon).toHaveLength(1);
		await installDefinitions(plane);
		await expect.poll(countsIn(plane, namespace.name), soon).toEqual([1]);
		await expect.poll(running.problem, soon).toBe('');
		const told = running.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('publisher is not ready'));
		expect(told[0]).toContain('install it by');
		expect(told.slice(1).filter((msg) => !msg.includes('storage is (re)initializing'))).toEqual([]); // the API server takes it up
	});
});

describeKubernetes('rights', () => {
	test('that lack in one namespace hold up no other, and are asked for in one line', async () => {
		const cluster = await sharedControlPlane();
		await installDefinitions(cluster);
		await using open = await cluster.namespace();
		await using shut = await cluster.namespace();
		const user = unique('agent');
		await cluster.kubectl('-n', open.name, 'create', 'serviceaccount', user);
		const account = `${open.name}:${user}`;
		await cluster.kubectl('create', 'clusterrole', `${user}-list`, '--verb=list', `--resource=${reports}`);
		await cluster.kubectl('create', 'clusterrolebinding', user, `--clusterrole=${user}-list`, `--serviceaccount=${account}`);
		await cluster.kubectl('create', 'clusterrole', user, '--verb=create,patch', `--resource=${reports},${reports}/status,events`);
		const allowIn = (namespace: string) =>
			cluster.kubectl('-n', namespace, 'create', 'rolebinding', user, `--clusterrole=${user}`, `--serviceaccount=${account}`);
		await allowIn(open.name);
		await using opened = await emptyJournal(undefined, real);
		crash(opened.journal, { index: 1, association: placeIn(shut.name) });
		crash(opened.journal, { index: 2, association: placeIn(open.name) });
		const kubeconfig = await cluster.kubeconfigOf(open.name, user);
		await using running = await publishing(kubeconfig, opened.journal, { node: unique('node'), namespace: 'default' });
		await expect.poll(countsIn(cluster, open.name), soon).toEqual([1]);
		await expect
			.poll(running.problem, soon)
			.toMatch(
				/^the agent lacks rights: its service account needs list, create, patch on crashreports[^\n]* in the namespace "test-[^\n]*$/,
			);
		await allowIn(shut.name);
		await expect.poll(countsIn(cluster, shut.name), soon).toEqual([1]);
		await expect.poll(running.problem, soon).toBe('');
	});
});
