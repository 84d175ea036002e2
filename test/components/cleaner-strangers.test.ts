import { describe, expect, test } from 'vitest';
import type { InstanceContents } from '../../src/components/cleaner/contents/contents.ts';
import { strangersIn } from '../../src/components/cleaner/strangers.ts';
import type { InstanceNow, OwnerNow, PodNow } from '../../src/domain/instance-now.ts';

const release = {
	...{ name: 'search', namespace: 'ns', chart: { name: 'milvus', version: '5.0.0' }, revision: 1, status: 'deployed', deleteHooks: [] },
	...{ secretName: 'sh.helm.release.v1.search.v1', secretUid: 'uid', secretResourceVersion: '1' },
};
const goes = [
	{ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'ns', name: 'search-proxy' },
	{ apiVersion: 'apps/v1beta2', kind: 'StatefulSet', namespace: 'ns', name: 'search-streamingnode' },
];
const found: InstanceContents = { contents: { is: 'known', goes, stays: [], volumes: [] }, release };

const owner = (kind: string, name: string): OwnerNow => ({
	...{ apiVersion: 'apps/v1', kind, name, uid: name, labels: {}, annotations: {}, isEnding: false, madeAt: 0 },
});
const pod = (name: string, owners: readonly OwnerNow[], ends = 9): PodNow => ({
	...{ name, uid: name, component: 'proxy', annotations: {}, owners, areOwnersKnown: true },
	...{ ends, lastEnd: undefined, isBackingOff: true },
});
const now = (...pods: readonly PodNow[]): InstanceNow => ({ instance: { namespace: 'ns', name: 'search', kind: 'helm' }, pods });

const own = pod('search-proxy-1-x', [owner('ReplicaSet', 'search-proxy-1'), owner('Deployment', 'search-proxy')]);
const copy = (ends?: number) => pod('debug-1-x', [owner('ReplicaSet', 'debug-1'), owner('Deployment', 'debug')], ends);

describe('what crashes', () => {
	test('speaks against uninstalling a release that it is no part of', () => {
		expect(strangersIn(found, now(own, copy(), copy()))).toBe('Deployment debug crashes, and would not go with release search');
		expect(strangersIn(found, now(pod('bare', [])))).toBe('Pod bare crashes, and would not go with release search');
		const namesake = pod('search-proxy-0', [owner('StatefulSet', 'search-proxy')]);
		expect(strangersIn(found, now(namesake))).toBe('StatefulSet search-proxy crashes, and would not go with release search');
	});

	test('says nothing against it where it is part of it, or where what is not has never ended', () => {
		expect(strangersIn(found, now(own, pod('search-streamingnode-0', [owner('StatefulSet', 'search-streamingnode')])))).toBeUndefined();
		expect(strangersIn(found, now(own, copy(0)))).toBeUndefined();
	});

	test('says nothing where it is not known what would go', () => {
		expect(strangersIn({ contents: { is: 'unknown', reason: 'a test' }, release }, now(copy()))).toBeUndefined();
		expect(strangersIn({ contents: { is: 'known', goes: [], stays: [], volumes: [] } }, now(copy()))).toBeUndefined();
	});
});
