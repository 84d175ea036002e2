import { describe, expect, test } from 'vitest';
import { leftOf } from '../../src/components/cleaner/left.ts';
import type { OwnerNow, PodNow } from '../../src/domain/instance-now.ts';
import type { Cluster } from '../../src/drivers/kubernetes/kubernetes.ts';
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

	test('nothing is left where it has no pods', async () => {
		expect(await left()).toEqual({ is: 'nothing' });
	});
});
