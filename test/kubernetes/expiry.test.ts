import { expect, test } from 'vitest';
import { type ExpiryOptions, expiry, reportTable } from '../../src/components/monitor/monitor.ts';
import type { ClusterReport, ClusterReports } from '../../src/domain/cluster-reports.ts';
import { connect, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import { crashReports, daysAgo } from '../support/crash-reports.ts';
import { emptyJournal } from '../support/journal.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { crash, idOf, placeIn, publishing, store } from '../support/publishing.ts';
import { listening } from '../support/telemetry.ts';

const soon = { timeout: 20_000 };
const limits = { maxAgeMs: 30 * 24 * 3600_000, maxNumber: 1000 };

/** Deletes what has expired, as the leader does, until the end of the block. */
async function expiring(kubeconfig: string, options: Partial<ExpiryOptions> = {}, given?: ClusterReports) {
	const requests: RequestMade[] = [];
	const cluster = await connect({ kubeconfig, environment: {}, onRequest: (made) => requests.push(made) });
	const { telemetry, lines } = listening();
	const table = reportTable();
	const stop = new AbortController();
	const run = expiry({ reports: given ?? table, telemetry, options: { ...limits, intervalMs: 100, ...options } });
	const running = Promise.all([table.follow(cluster, () => {}, stop.signal), run(cluster, stop.signal)]);
	running.catch(() => {}); // told at the end
	return {
		table,
		lines,
		/** What it deleted, in the order in which it did. */
		expired: () => lines.flatMap(({ object, why }) => (why === undefined ? [] : [`${object} ${why}`])),
		deletions: () => requests.filter(({ verb }) => verb === 'delete').length,
		state: () => telemetry.states.get('expiry'),
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
			cluster[Symbol.dispose]();
		},
	};
}

describeKubernetes('CrashReports of a cluster', () => {
	const own = ownControlPlane();

	test('expire by the time of their last crash, and those beyond the number, the oldest first, in all namespaces', async () => {
		await using here = await crashReports(own.cluster);
		await using there = await crashReports(own.cluster);
		for (const [index, days] of [40, 29, 10, 5].entries()) await here.create(index, daysAgo(days));
		for (const [index, days] of [31, 20, 1].entries()) await there.create(index, daysAgo(days));
		await here.create(4, daysAgo(50));
		await here.amend(4, daysAgo(2));
		await using running = await expiring(own.cluster.kubeconfig, { maxNumber: 4 });
		await expect.poll(running.expired, soon).toHaveLength(4);
		const name = (namespace: string, index: number) => `${namespace}/my-release-querynode-0-${idOf(index)}`;
		expect(running.expired()).toEqual([
			`${name(here.namespace, 0)} age`,
			`${name(there.namespace, 0)} age`,
			`${name(here.namespace, 1)} number`,
			`${name(there.namespace, 1)} number`,
		]);
		expect([await here.among(5), await there.among(3)]).toEqual([[2, 3, 4], [2]]);
		await expect.poll(() => running.table.size).toBe(4);
		expect(running.state()).toMatchObject({ ready: true });
	});

	test('expire once, also where two believe to lead', async () => {
		await using here = await crashReports(own.cluster);
		for (let index = 0; index < 12; index++) await here.create(index, daysAgo(12 - index));
		const options = { maxNumber: 4, deletions: { perSecond: 50, burst: 1 } };
		await using one = await expiring(own.cluster.kubeconfig, options);
		await using other = await expiring(own.cluster.kubeconfig, options);
		await expect.poll(() => one.expired().length + other.expired().length, soon).toBe(8);
		expect(await here.among(12)).toEqual([8, 9, 10, 11]);
	});

	test('are deleted no faster than a few in a second, and the new ones that come meanwhile are counted', async () => {
		await using here = await crashReports(own.cluster);
		for (let index = 0; index < 6; index++) await here.create(index, daysAgo(12 - index));
		const started = performance.now();
		await using running = await expiring(own.cluster.kubeconfig, { maxNumber: 2, deletions: { perSecond: 2, burst: 1 } });
		await expect.poll(running.deletions, soon).toBeGreaterThan(0);
		await here.create(6, daysAgo(1));
		await expect.poll(() => here.among(7), soon).toEqual([5, 6]);
		expect(running.deletions()).toBe(5);
		expect(performance.now() - started).toBeGreaterThan(4 * 500);
	});

	test('that were amended or made anew since they were seen stay', async () => {
		await using here = await crashReports(own.cluster);
		const seen: ClusterReport[] = [];
		for (const index of [0, 1, 2]) {
			const { metadata } = await here.create(index, daysAgo(40));
			const { resourceVersion } = (await own.cluster.call('GET', here.path(index))).metadata;
			const { name, uid } = metadata;
			seen.push({ namespace: here.namespace, name, uid, resourceVersion, lastTime: daysAgo(40).getTime(), isEnding: false });
		}
		await here.amend(0);
		await own.cluster.call('DELETE', here.path(1));
		await here.create(1);
		const known = new Map(seen.map((report) => [report.uid, report]));
		const old: ClusterReports = {
			isCurrent: true,
			current: async () => {},
			get size() {
				return known.size;
			},
			all: () => known.values(),
			byUid: (uid) => known.get(uid),
			gone: ({ uid }) => void known.delete(uid),
		};
		await using running = await expiring(own.cluster.kubeconfig, {}, old);
		await expect.poll(running.deletions, soon).toBeGreaterThanOrEqual(3);
		await expect.poll(running.expired, soon).toHaveLength(1);
		expect(await here.among(3)).toEqual([0, 1]);
	});

	test('that somebody else has deleted or holds on to are left to them', async () => {
		await using here = await crashReports(own.cluster);
		await here.create(0, daysAgo(40), { finalizers: ['example.org/asks'] });
		await here.create(1, daysAgo(40));
		await using running = await expiring(own.cluster.kubeconfig);
		await expect.poll(() => running.expired().length, soon).toBe(2);
		await expect.poll(() => [...running.table.all()].map(({ isEnding }) => isEnding), soon).toEqual([true]);
		await here.create(2, daysAgo(40));
		await expect.poll(() => running.expired().length, soon).toBe(3);
		expect(running.deletions()).toBe(3);
		await own.cluster.call('PATCH', here.path(0), { metadata: { finalizers: [] } });
		await expect.poll(() => running.table.size, soon).toBe(0);
	});

	test('that have expired do not come back from the agent of their node, before something new happens', async () => {
		await using here = await crashReports(own.cluster);
		await using opened = await emptyJournal(undefined, { now: Date.now });
		const { journal } = opened;
		const time = (index: number) => Date.now() - (10 - index) * 60_000;
		const ids = [0, 1, 2, 3].map((index) => crash(journal, { index, time: time(index), association: placeIn(here.namespace) }));
		await using published = await publishing(own.cluster.kubeconfig, journal, {
			node: unique('node'),
			namespace: 'default',
			relistMs: 300,
		});
		await expect.poll(() => here.among(4), soon).toEqual([0, 1, 2, 3]);
		await expect.poll(() => journal.outbox.unpublished(0, 1), soon).toEqual([]);
		await using running = await expiring(own.cluster.kubeconfig, { maxNumber: 2 });
		await expect.poll(() => here.among(4), soon).toEqual([2, 3]);
		const lists = () => published.requests.filter(({ verb }) => verb === 'list').length;
		const before = lists();
		await expect.poll(lists, soon).toBeGreaterThan(before + 2);
		expect(await here.among(4)).toEqual([2, 3]);
		expect(running.deletions()).toBe(2);
		store(journal, ids[0] ?? '');
		await expect.poll(running.expired, soon).toHaveLength(3);
		expect(await here.among(4)).toEqual([2, 3]);
	});

	test('that end slowly are left to end, and do not come back either', async () => {
		await using here = await crashReports(own.cluster);
		await using opened = await emptyJournal(undefined, { now: Date.now });
		const { journal } = opened;
		crash(journal, { index: 0, association: placeIn(here.namespace) });
		await using published = await publishing(own.cluster.kubeconfig, journal, {
			node: unique('node'),
			namespace: 'default',
			relistMs: 300,
		});
		await expect.poll(() => here.among(1), soon).toEqual([0]);
		await expect.poll(() => journal.outbox.unpublished(0, 1), soon).toEqual([]);
		const lists = () => published.requests.filter(({ verb }) => verb === 'list').length;
		const twice = async () => {
			const before = lists();
			await expect.poll(lists, soon).toBeGreaterThan(before + 2);
		};
		await twice();
		await own.cluster.call('PATCH', here.path(0), { metadata: { finalizers: ['example.org/asks'] } });
		await twice();
		const writes = published.writes();
		await own.cluster.call('DELETE', here.path(0)); // its generation is another from here on
		await twice();
		expect(published.writes()).toBe(writes);
		await own.cluster.call('PATCH', here.path(0), { metadata: { finalizers: [] } });
		await twice();
		expect(await here.among(1)).toEqual([]);
	});

	test('stay where the right to delete them is missing, which is told with the rule to add', async () => {
		await using here = await crashReports(own.cluster);
		await here.create(0, daysAgo(40));
		const group = 'rbac.authorization.k8s.io';
		const metadata = { name: unique('watcher'), namespace: here.namespace };
		await own.cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
		const rules = [{ apiGroups: ['diagnostics.milvus.io'], resources: ['crashreports'], verbs: ['list', 'watch'] }];
		await own.cluster.create({ apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata, rules });
		await own.cluster.create({
			...{ apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata },
			roleRef: { apiGroup: group, kind: 'ClusterRole', name: metadata.name },
			subjects: [{ kind: 'ServiceAccount', name: metadata.name, namespace: here.namespace }],
		});
		await using running = await expiring(await own.cluster.kubeconfigOf(here.namespace, metadata.name));
		await expect.poll(running.state, soon).toMatchObject({
			ready: false,
			reason: expect.stringContaining('its service account needs list, watch, delete on crashreports.diagnostics.milvus.io ('),
		});
		expect(await here.among(1)).toEqual([0]);
	});
});
