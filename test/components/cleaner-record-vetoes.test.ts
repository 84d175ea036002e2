import { describe, expect, test } from 'vitest';
import type { InstanceContents, Release, Resource } from '../../src/components/cleaner/contents/contents.ts';
import { type RecordOptions, recordRules, recordVetoes } from '../../src/components/cleaner/record-vetoes.ts';
import type { Contents, Volume } from '../../src/domain/contents.ts';

const volume = (name: string, isLost: boolean): Volume => ({ namespace: 'ns', name, isLost, why: 'a test' });
const contents = (...volumes: readonly Volume[]): Contents => ({ is: 'known', goes: [], stays: [], volumes });
const unknown: Contents = { is: 'unknown', reason: 'contents unknown: the right to list secrets in namespace ns is missing' };

const release = (change: Partial<Release> = {}, of: Contents = contents(volume('data', false))): InstanceContents => ({
	contents: of,
	release: {
		...{ name: 'search', namespace: 'ns', chart: { name: 'milvus', version: '5.0.19' }, revision: 2, status: 'deployed' },
		...{ secretName: 'sh.helm.release.v1.search.v2', secretUid: 'uid', secretResourceVersion: '7', deleteHooks: [] },
		...change,
	},
});

const resource = (kind: 'Milvus' | 'MilvusCluster', change: Partial<Resource> = {}): Resource => ({
	...{ apiVersion: 'milvus.io/v1beta1', kind, namespace: 'ns', name: 'vectors', uid: `uid-${kind}`, resourceVersion: '7' },
	...{ labels: {}, annotations: {}, isEnding: false, ...change },
});
const custom = (of: Resource): InstanceContents => ({ contents: contents(), resource: of });

const clusterRole = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', name: 'search' };
const chart = (name: string) => ({ chart: { name, version: '1.0.0' } });
const enforced = { allowVolumeLoss: false, isEnforced: true };
const dryRun = { allowVolumeLoss: false, isEnforced: false };

/** Id, what it is about, what it says. */
const cases: readonly (readonly [id: string, found: InstanceContents, words: RegExp])[] = [
	['Helm is at work', release({ status: 'pending-upgrade' }), /^release search is pending-upgrade: somebody operates on it/],
	['Helm is at work', release({ status: 'pending-install' }), /pending-install/],
	['Helm is at work', release({ status: 'pending-rollback' }), /pending-rollback/],
	['uninstalled by others', release({ status: 'uninstalling' }), /^release search is uninstalling: somebody else/],
	['uninstalled by others', release({ status: 'uninstalled' }), /is uninstalled/],
	['deleted by others', custom(resource('Milvus', { isEnding: true })), /^somebody else is deleting Milvus vectors$/],
	[
		'deleted by others',
		custom(resource('MilvusCluster', { isEnding: true, milvus: resource('Milvus') })),
		/deleting MilvusCluster vectors$/,
	],
	['deleted by others', custom(resource('MilvusCluster', { milvus: resource('Milvus', { isEnding: true }) })), /deleting Milvus vectors$/],
	['of another chart', release(chart('milvus-operator')), /chart milvus-operator, and not of milvus$/],
	['of another chart', release(chart('etcd')), /chart etcd/],
	['of another chart', release(chart('Milvus')), /chart Milvus/],
	['of another chart', release(chart('')), /chart without a name/],
	[
		'volumes are lost',
		release({}, contents(volume('kept', false), volume('logs', true))),
		/^the data of PersistentVolumeClaim ns\/logs would be lost, which cleaner\.allowVolumeLoss does not allow$/,
	],
	[
		'volumes are lost',
		release({}, contents(...['a', 'b', 'c', 'd', 'e'].map((name) => volume(name, true)))),
		/of PersistentVolumeClaim ns\/a, PersistentVolumeClaim ns\/b, PersistentVolumeClaim ns\/c, 2 more would/,
	],
	[
		'hooks',
		release({ deleteHooks: ['Job/farewell (pre-delete)'] }),
		/^release search has hooks that would run when it is uninstalled: Job\/farewell \(pre-delete\)$/,
	],
	[
		'of the whole cluster',
		release({}, { is: 'known', goes: [clusterRole, { ...clusterRole, kind: 'Role', namespace: 'ns' }], stays: [], volumes: [] }),
		/^ClusterRole search would go with it, and is of the whole cluster$/,
	],
	['contents unknown', { contents: unknown }, /^contents unknown: the right to list secrets in namespace ns is missing$/],
];

const spoken = (found: InstanceContents, options: RecordOptions) =>
	recordRules.filter((rule) => rule.speaks(found, options) !== undefined).map(({ id }) => id);

describe('against removing an instance, by what keeps it,', () => {
	for (const [id, found, words] of cases)
		test(`speaks: ${id}: ${words.source}`, () => {
			expect(spoken(found, enforced)).toEqual([id]);
			expect(recordVetoes(found, enforced)).toEqual([expect.stringMatching(words)]);
		});

	test('each rule has a test', () => {
		expect(new Set(cases.map(([id]) => id))).toEqual(new Set(recordRules.map(({ id }) => id)));
	});

	test.each<[string, InstanceContents, RecordOptions]>([
		['a release that is deployed, with volumes that stay', release(), enforced],
		['one whose last upgrade failed', release({ status: 'failed' }), enforced],
		['a custom resource', custom(resource('MilvusCluster', { milvus: resource('Milvus') })), enforced],
		['volumes that may be lost', release({}, contents(volume('logs', true))), { ...enforced, allowVolumeLoss: true }],
		['what is not known, where nothing is removed', { contents: unknown }, dryRun],
		['what is gone', { contents: unknown, isGone: true }, enforced],
		['an uninstallation that was begun here', release({ status: 'uninstalling' }), { ...enforced, hasBegun: true }],
		[
			'a deletion that was begun here',
			custom(resource('MilvusCluster', { isEnding: true, milvus: resource('Milvus', { isEnding: true }) })),
			{ ...enforced, hasBegun: true },
		],
	])('nothing speaks in %s', (_, found, options) => {
		expect(recordVetoes(found, options)).toEqual([]);
	});

	test('all the rest still speaks of a removal that was begun here', () => {
		const others = cases.filter(([id]) => !id.endsWith('by others'));
		for (const [id, found] of others) expect(spoken(found, { ...enforced, hasBegun: true })).toEqual([id]);
	});

	test('speaks in a dry run too what is known', () => {
		const known = cases.filter(([id]) => id !== 'contents unknown');
		for (const [id, found] of known) expect(spoken(found, dryRun)).toEqual([id]);
	});

	test('all that speaks is said', () => {
		const found = release({ status: 'pending-upgrade', ...chart('etcd') }, contents(volume('a', true)));
		expect(recordVetoes(found, enforced)).toHaveLength(3);
	});
});
