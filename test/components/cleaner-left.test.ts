import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { leftOf } from '../../src/components/cleaner/left.ts';
import type { OwnerNow, PodNow } from '../../src/domain/instance-now.ts';
import { type Cluster, KubernetesRefused } from '../../src/drivers/kubernetes/kubernetes.ts';
import { storedCleanup } from '../support/stored-cleanup.ts';

const { signal } = new AbortController();
const stored = storedCleanup({ phase: 'Running', dueAt: 0, since: 0 }, 'deployment-uid');

/** A cluster in which Helm has no record of any release. */
const forgotten = { async *list() {}, get: async () => undefined } as unknown as Cluster;

const owner = (kind: string, uid: string, isEnding = false): OwnerNow => ({
	...{ apiVersion: 'apps/v1', kind, name: 'search-standalone', uid, labels: {}, annotations: {}, isEnding, madeAt: 0 },
});
const pod = (owners: readonly OwnerNow[], areOwnersKnown: boolean): PodNow => ({
	...{ name: 'p', uid: 'pod-uid', component: 'standalone', annotations: {}, owners, areOwnersKnown },
	...{ ends: 9, lastEnd: undefined, isBackingOff: true },
});
/** A cluster in which Helm has a record of release `search`. */
function recorded(chart: string, status: string): Cluster {
	const record = { name: 'search', namespace: 'ns', version: 1, info: { status }, chart: { metadata: { name: chart, version: '5.0.0' } } };
	const release = Buffer.from(
		gzipSync(JSON.stringify({ ...record, manifest: 'apiVersion: v1\nkind: Service\nmetadata:\n  name: search\n', hooks: [] })).toString(
			'base64',
		),
	).toString('base64');
	const secret = { metadata: { name: 'sh.helm.release.v1.search.v1', uid: 'record', resourceVersion: '1' }, data: { release } };
	return {
		async *list() {
			yield secret;
		},
		get: async () => secret,
	} as unknown as Cluster;
}

const left = (...pods: readonly PodNow[]) => leftOf(forgotten, stored, { instance: stored.instance, pods }, signal);

describe('of a release that Helm has forgotten', () => {
	test('pods that outlive what made them are still its own', async () => {
		const ending = { is: 'ending', what: 'pods are still there: p' };
		expect(await left(pod([], false))).toEqual(ending);
		expect(await left(pod([owner('ReplicaSet', 'set-uid')], false))).toEqual(ending);
		expect(await left(pod([owner('ReplicaSet', 'set-uid'), owner('Deployment', 'other-uid', true)], true))).toEqual(ending);
		expect(await left(pod([owner('ReplicaSet', 'set-uid'), owner('Deployment', 'deployment-uid')], true))).toEqual(ending);
	});

	test('pods of what was made since are those of another', async () => {
		const anew = pod([owner('ReplicaSet', 'new-set'), owner('Deployment', 'new-uid')], true);
		expect(await left(anew)).toEqual({ is: 'another', what: 'pods of a release search' });
		expect(await left(pod([], false), anew)).toMatchObject({ is: 'another' });
	});

	test('of many pods some are named, and it is told how many more there are', async () => {
		const named = (name: string) => ({ ...pod([], false), name });
		expect(await left(...['a', 'b', 'c'].map(named))).toEqual({ is: 'ending', what: 'pods are still there: a, b, c' });
		expect(await left(...['a', 'b', 'c', 'd', 'e'].map(named))).toEqual({
			is: 'ending',
			what: 'pods are still there: a, b, c, and 2 more',
		});
	});

	test('nothing is left where it has no pods', async () => {
		expect(await left()).toEqual({ is: 'nothing' });
	});
});

test('of a release that may not be looked at any more it is told so, and not that it is gone', async () => {
	const refusing = {
		// biome-ignore lint/correctness/useYield: it is refused before
		async *list() {
			throw new KubernetesRefused('secrets is forbidden', { status: 403 });
		},
	} as unknown as Cluster;
	expect(await leftOf(refusing, stored, { instance: stored.instance, pods: [] }, signal)).toEqual({
		...{ is: 'ending', what: 'what is left of it is not known: the right to list secrets in namespace ns is missing' },
	});
});

describe('of a release that Helm knows', () => {
	const none = { instance: stored.instance, pods: [] };

	test('it is told whether it is half removed, but only of one of Milvus', async () => {
		expect(await leftOf(recorded('milvus', 'deployed'), stored, none, signal)).toEqual({ is: 'all' });
		for (const status of ['uninstalling', 'uninstalled']) {
			const what = `Helm release search, revision 1, is ${status}`;
			expect(await leftOf(recorded('milvus', status), stored, none, signal)).toEqual({ is: 'half', what });
			expect(await leftOf(recorded('etcd', status), stored, none, signal)).toEqual({ is: 'another', what: `${what}, of the chart etcd` });
		}
	});
});
