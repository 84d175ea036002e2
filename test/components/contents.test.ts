import { describe, expect, test } from 'vitest';
import { dependenciesOf, ownClaimsOf } from '../../src/components/cleaner/contents/dependencies.ts';
import { fatesOf, type Parts } from '../../src/components/cleaner/contents/fates.ts';
import type { Found } from '../../src/components/cleaner/contents/presence.ts';
import { type ClaimRules, volumesOf } from '../../src/components/cleaner/contents/volumes.ts';
import type { ObjectMeta, OwnerReference } from '../../src/drivers/kubernetes/kubernetes.ts';

const meta = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({ name, uid: name, resourceVersion: '1', ...more });

describe('what the operator does with what a Milvus depends on', () => {
	const policies = (dependencies: object, mode = 'cluster') =>
		Object.fromEntries(
			dependenciesOf('a', { mode, dependencies: dependencies as Record<string, unknown> }).map((one) => [
				one.release,
				one.areVolumesDeleted ? 'volumes too' : one.isUninstalled,
			]),
		);
	const inCluster = { deletionPolicy: 'Delete', pvcDeletion: true };
	const kept = { 'a-etcd': false, 'a-minio': false, 'a-pulsar': false, 'a-kafka': false, 'a-tei': false };

	test('is nothing where nothing is said, but for tei', () => {
		expect(policies({})).toEqual(kept);
		expect(policies({ tei: { enabled: true } })).toEqual({ ...kept, 'a-tei': true });
		expect(policies({ tei: { enabled: true, inCluster: { deletionPolicy: 'Retain' } } })).toEqual(kept);
		expect(policies({ tei: { inCluster } })).toEqual(kept);
	});

	test('is as its policy says, and volumes go only with what is uninstalled', () => {
		expect(policies({ etcd: { inCluster }, storage: { inCluster: { deletionPolicy: 'Delete' } } })).toEqual({
			...{ ...kept, 'a-etcd': 'volumes too', 'a-minio': true },
		});
		expect(
			policies({ etcd: { inCluster: { pvcDeletion: true } }, storage: { inCluster: { deletionPolicy: 'Retain', pvcDeletion: true } } }),
		).toEqual(kept);
	});

	test('leaves alone what is outside of the cluster', () => {
		expect(
			policies({ etcd: { external: true, inCluster }, storage: { external: true, inCluster }, pulsar: { external: true, inCluster } }),
		).toEqual(kept);
	});

	test('looks only at the message queue that is in use', () => {
		const both = { pulsar: { inCluster }, kafka: { inCluster } };
		expect(policies({ ...both, msgStreamType: 'kafka' })).toEqual({ ...kept, 'a-kafka': 'volumes too' });
		expect(policies({ ...both, msgStreamType: 'woodpecker' })).toEqual(kept);
		expect(policies(both)).toEqual({ ...kept, 'a-pulsar': 'volumes too' });
		expect(policies(both, 'standalone')).toEqual(kept);
	});

	test('deletes the claim of a queue inside of Milvus only where both switches are on', () => {
		const isDeleted = (dependencies: object, mode = 'standalone') =>
			ownClaimsOf('a', { mode, dependencies: dependencies as Record<string, unknown> })[0]?.isDeleted;
		const persistence = { enabled: true, pvcDeletion: true };
		expect(isDeleted({ msgStreamType: 'rocksmq', rocksmq: { persistence } })).toBe(true);
		expect(isDeleted({ msgStreamType: 'rocksmq', rocksmq: { persistence: { enabled: true } } })).toBe(false);
		expect(isDeleted({ msgStreamType: 'rocksmq', rocksmq: { persistence: { pvcDeletion: true } } })).toBe(false);
		expect(isDeleted({ msgStreamType: 'woodpecker', rocksmq: { persistence } })).toBe(false);
		expect(isDeleted({ msgStreamType: 'woodpecker', woodpecker: { external: true, persistence } })).toBe(false);
		// Not yet decided.
		expect(isDeleted({ woodpecker: { persistence } })).toBe(true);
		expect(isDeleted({ woodpecker: { persistence } }, 'cluster')).toBe(false);
	});

	test('leaves a claim that it was told of', () => {
		const persistence = { enabled: true, pvcDeletion: true, persistentVolumeClaim: { existingClaim: 'mine' } };
		expect(ownClaimsOf('a', { dependencies: { msgStreamType: 'natsmq', natsmq: { persistence } } })).toMatchObject([
			{ name: 'a-data', isDeleted: true },
			{ name: 'mine', isDeleted: false },
		]);
	});
});

describe('uninstalling a release', () => {
	const release = { name: 'a', namespace: 'db' };
	const marks = {
		labels: { 'app.kubernetes.io/managed-by': 'Helm' },
		annotations: { 'meta.helm.sh/release-name': 'a', 'meta.helm.sh/release-namespace': 'db' },
	};
	const service = { apiVersion: 'v1', kind: 'Service', name: 's' };
	const found = (now: Found['now'], resourcePolicy?: 'keep' | 'other'): Found => ({
		object: { ...service, namespace: 'db' },
		made: { ...service, ...(resourcePolicy !== undefined && { resourcePolicy }) },
		now,
	});
	const outcome = (one: Found, looksForOwner = true) => {
		const { goes, stays } = fatesOf({ release, objects: [one], hooks: [] }, { looksForOwner, runsHooks: true });
		return goes.length > 0 ? 'goes' : stays.length > 0 ? 'stays' : 'nothing';
	};

	test('removes what is marked as its own in each way, or can not be seen', () => {
		expect(outcome(found(meta('s', marks)))).toBe('goes');
		expect(outcome(found('hidden'))).toBe('goes');
		expect(outcome(found('absent'))).toBe('nothing');
		for (const labels of [{}, { 'app.kubernetes.io/managed-by': 'Tiller' }])
			expect(outcome(found(meta('s', { ...marks, labels })))).toBe('stays');
		for (const key of Object.keys(marks.annotations)) {
			const annotations = { ...marks.annotations, [key]: 'other' };
			expect(outcome(found(meta('s', { ...marks, annotations })))).toBe('stays');
			expect(outcome(found(meta('s', { ...marks, annotations })), false)).toBe('goes');
		}
	});

	test('keeps what has a policy in its record, whatever is in the cluster', () => {
		expect(outcome(found(meta('s', marks), 'keep'))).toBe('stays');
		expect(outcome(found('hidden', 'other'))).toBe('stays');
		const annotations = { ...marks.annotations, 'helm.sh/resource-policy': 'keep' };
		expect(outcome(found(meta('s', { ...marks, annotations })))).toBe('goes');
	});

	test('makes and removes hooks as their policies have it', () => {
		const ofHook = (now: Found['now'], events: string[], deletePolicies: string[], runsHooks = true) => {
			const one = found(now);
			const hooks: Parts['hooks'] = [{ hook: { object: one.made, events, deletePolicies }, found: one }];
			const { goes, stays } = fatesOf({ release, objects: [], hooks }, { looksForOwner: true, runsHooks });
			return goes.length > 0 ? 'goes' : stays.length > 0 ? 'stays' : 'nothing';
		};
		const there = meta('s');
		expect(ofHook(there, ['post-install'], ['hook-succeeded'])).toBe('stays');
		expect(ofHook('absent', ['post-install'], [])).toBe('nothing');
		expect(ofHook('absent', ['post-delete'], ['before-hook-creation'])).toBe('stays');
		expect(ofHook(there, ['pre-delete'], ['hook-succeeded'])).toBe('goes');
		expect(ofHook('absent', ['pre-delete'], ['hook-succeeded'])).toBe('nothing');
		expect(ofHook(there, ['pre-delete'], ['hook-succeeded'], false)).toBe('stays');
	});
});

describe('a claim', () => {
	const namespace = 'db';
	const object = (apiVersion: string, kind: string, name: string) => ({ apiVersion, kind, namespace, name });
	const set = { ...object('apps/v1', 'StatefulSet', 'etcd'), claims: { templates: ['data'], areDeletedWithIt: false, named: [] } };
	const kept = object('apps/v1', 'StatefulSet', 'kept');
	const owner = (apiVersion: string, kind: string, name: string): OwnerReference => ({ apiVersion, kind, name, uid: name });
	const rules: ClaimRules = {
		namespace,
		workloads: [set, kept],
		marks: new Map([['a', { isLost: false, why: 'marked' }]]),
		named: new Map(),
	};
	const fate = (claim: ObjectMeta, more: Partial<ClaimRules> = {}, goes = [set], why?: string) => {
		const stays = [{ ...kept, why: 'kept' }, ...(why === undefined ? [] : [{ ...object('v1', 'PersistentVolumeClaim', claim.name), why }])];
		return volumesOf([claim], { goes, stays }, { ...rules, ...more }).volumes[0]?.isLost;
	};

	test('that has nothing to do with an instance is not told of', () => {
		expect(fate(meta('x'))).toBeUndefined();
		expect(fate(meta('data-etcd-x'))).toBeUndefined();
		expect(fate(meta('data-etcd2-0'))).toBeUndefined();
		expect(fate(meta('x', { labels: { release: 'b' } }))).toBeUndefined();
	});

	test('that the chart put into another namespace is told of too', () => {
		const there = { ...object('v1', 'PersistentVolumeClaim', 'x'), namespace: 'other' };
		const kept = { ...there, name: 'y', why: 'keep' };
		const { goes, stays, volumes } = volumesOf([meta('x')], { goes: [there], stays: [kept] }, rules);
		expect({ goes, stays }).toEqual({ goes: [there], stays: [kept] });
		expect(volumes).toMatchObject([{ namespace: 'other', name: 'x', isLost: true }]);
	});

	test('stays as long as one of its owners does', () => {
		const going = owner('apps/v1beta1', 'StatefulSet', 'etcd');
		expect(fate(meta('x', { ownerReferences: [going] }))).toBe(true);
		expect(fate(meta('data-etcd-0', { ownerReferences: [going, owner('apps/v1', 'StatefulSet', 'kept')] }))).toBe(false);
		expect(fate(meta('data-etcd-0', { ownerReferences: [owner('example.org/v1', 'StatefulSet', 'etcd')] }))).toBe(false);
		expect(fate(meta('x', { ownerReferences: [owner('v1', 'Pod', 'etcd-0')] }))).toBe(true);
		expect(fate(meta('x', { labels: { release: 'a' }, ownerReferences: [owner('v1', 'Pod', 'kept-0')] }))).toBe(false);
		expect(fate(meta('x', { ownerReferences: [owner('v1', 'Pod', 'etcd-0\nno name')] }))).toBeUndefined();
	});

	test('that Helm keeps goes all the same with what owns it', () => {
		expect(fate(meta('x'), {}, [set], 'keep')).toBe(false);
		expect(fate(meta('x', { ownerReferences: [owner('apps/v1', 'StatefulSet', 'etcd')] }), {}, [set], 'keep')).toBe(true);
	});

	test('of a StatefulSet that takes its claims with it is lost, and stays where that one does', () => {
		const taking = { ...set, claims: { ...set.claims, areDeletedWithIt: true } };
		expect(fate(meta('data-etcd-0'))).toBe(false);
		expect(fate(meta('data-etcd-0'), { workloads: [taking] })).toBe(true);
		expect(fate(meta('data-etcd-0'), { workloads: [taking] }, [])).toBe(false);
	});

	test('is lost where the operator deletes it, by mark or by name, whatever else would keep it', () => {
		const lost = { isLost: true, why: 'policy' };
		const both = new Map([...rules.marks, ['a-etcd', lost]]);
		expect(fate(meta('x', { labels: { 'app.kubernetes.io/instance': 'a', release: 'a-etcd' } }), { marks: both })).toBe(true);
		expect(fate(meta('data-etcd-0', { labels: { release: 'a-etcd' } }), { marks: both }, [set], 'keep')).toBe(true);
		expect(fate(meta('data-etcd-0'), { named: new Map([['data-etcd-0', lost]]) }, [set], 'keep')).toBe(true);
		expect(fate(meta('x', { labels: { 'app.kubernetes.io/instance': 'a-etcd' } }), { marks: new Map([['a-etcd', lost]]) })).toBe(true);
		expect(fate(meta('a-data', { labels: { release: 'a' } }), { named: new Map([['a-data', lost]]) })).toBe(true);
	});
});
