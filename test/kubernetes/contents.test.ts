import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf } from '../../src/components/cleaner/contents/contents.ts';
import type { Contents } from '../../src/domain/contents.ts';
import type { Instance } from '../../src/domain/pod.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { root } from '../support/crash.ts';
import { type Manifest, ownedBy } from '../support/kubernetes/api.ts';
import { unique } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helm } from '../support/kubernetes/helm.ts';
import { releaseSecrets } from '../support/kubernetes/helm-release.ts';
import { defineMilvus } from '../support/kubernetes/milvus-operator.ts';
import { becomes, inWords, isPresent, presentIn } from '../support/kubernetes/present.ts';

const [milvusChart, otherChart] = ['milvus', 'dependency'].map((name) => join(root, 'test/support/kubernetes/charts', name)) as [
	string,
	string,
];
const soon = { timeout: 30_000 };

/** A namespace, and helm in it. */
async function scene() {
	const cluster = await sharedControlPlane();
	await defineMilvus(cluster);
	const namespace = await cluster.namespace();
	const onCluster = ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace.name];
	return {
		cluster,
		namespace: namespace.name,
		helm: (...args: readonly string[]) => helm(...args, ...onCluster),
		present: (kinds?: string) => presentIn(cluster, namespace.name, kinds),
		create: (apiVersion: string, kind: string, name: string, rest: object = {}) => {
			const { metadata = {}, ...fields } = rest as { readonly metadata?: object };
			return cluster.create({ apiVersion, kind, ...fields, metadata: { name, namespace: namespace.name, ...metadata } } as Manifest);
		},
		claim(name: string, metadata: object = {}) {
			return this.create('v1', 'PersistentVolumeClaim', name, { metadata, spec: claimSpec });
		},
		async contents(name: string, kind: Instance['kind'] = 'helm', kubeconfig = cluster.kubeconfig) {
			using asked = await connect({ kubeconfig, environment: {} });
			return contentsOf(asked, { namespace: namespace.name, name, kind }, AbortSignal.timeout(60_000));
		},
		[Symbol.asyncDispose]: async () => {
			await cluster.kubectl('delete', 'clusterrole', `${namespace.name}:a`, '--ignore-not-found');
			await namespace[Symbol.asyncDispose]();
		},
	};
}
const claimSpec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

function known(contents: Contents): Extract<Contents, { is: 'known' }> {
	if (contents.is === 'unknown') throw new Error(contents.reason);
	return contents;
}

/** What is in the namespace when all that is said to go has gone. */
const without = (present: readonly string[], goes: readonly string[]) => present.filter((one) => !goes.includes(one));

describeKubernetes('what goes with a Helm release and what stays', () => {
	test('is what helm uninstall then really removes and leaves', async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await here.claim('imports');
		await here.claim('strangers');
		await here.claim('left-over', { labels: { release: 'a' } });
		await here.helm('install', 'a', milvusChart);
		await here.helm('install', 'a-etcd2', otherChart);
		await here.helm('upgrade', 'a', milvusChart);
		await expect.poll(async () => (await here.present('persistentvolumeclaims')).length, soon).toBe(3 + 2 + 1 + 2 + 2 + 1 + 1);
		const path = (kind: string, name: string) => `/api/v1/namespaces/${namespace}/${kind}/${name}`;
		await cluster.call('PATCH', path('configmaps', 'a-taken'), { metadata: { annotations: { 'meta.helm.sh/release-name': 'b' } } });
		await cluster.call('DELETE', path('configmaps', 'a-gone'));
		const claim = path('persistentvolumeclaims', 'data-a-pulsarv3-bookie-1');
		const owners = async () => (await cluster.call('GET', claim)).metadata.ownerReferences ?? [];
		await expect.poll(owners, soon).toMatchObject([{ kind: 'StatefulSet' }]);
		await cluster.call('PATCH', claim, { metadata: { ownerReferences: [] } });

		const { contents, release } = await here.contents('a');
		const { goes, stays, volumes } = known(contents);
		expect(release).toMatchObject({
			...{ name: 'a', namespace, revision: 2, status: 'deployed', chart: { name: 'milvus', version: '5.0.19' } },
			...{ secretName: 'sh.helm.release.v1.a.v2', deleteHooks: ['ConfigMap/a-brief (pre-delete)', 'ConfigMap/a-farewell (pre-delete)'] },
		});
		expect(release?.secretUid).toBe((await cluster.call('GET', path('secrets', 'sh.helm.release.v1.a.v2'))).metadata.uid);
		const [scratch] = (await here.present('persistentvolumeclaims')).filter((one) => one.endsWith('-scratch'));
		expect(inWords(goes)).toEqual(
			[
				`ClusterRole ${namespace}:a`,
				'ConfigMap a-milvus',
				'Deployment a-milvus-mixcoord',
				'Deployment a-milvus-standalone',
				'PersistentVolumeClaim a-milvus-logs',
				scratch,
				'PersistentVolumeClaim data-a-pulsarv3-bookie-0',
				'PersistentVolumeClaim data-a-pulsarv3-bookie-1',
				'Secret sh.helm.release.v1.a.v1',
				'Secret sh.helm.release.v1.a.v2',
				'Service a-milvus',
				'StatefulSet a-etcd',
				'StatefulSet a-pulsarv3-bookie',
			].toSorted(),
		);
		expect(Object.fromEntries(stays.map(({ kind, name, why }) => [`${kind} ${name}`, why]))).toEqual({
			'ConfigMap a-taken': 'is not marked as of release a, so that Helm leaves it alone',
			'ConfigMap a-odd': 'has a helm.sh/resource-policy that Helm does not know, and so leaves alone',
			'ConfigMap a-buckets': 'made by a hook (post-install, post-upgrade), which is no part of the release',
			'ConfigMap a-farewell': 'made by a hook (pre-delete), which is no part of the release',
			'PersistentVolumeClaim a-milvus': 'annotation helm.sh/resource-policy: keep',
			'PersistentVolumeClaim imports': 'used by Deployment a-milvus-standalone, and no part of the release',
			'PersistentVolumeClaim left-over': 'is marked as of a, and no part of the release',
			'PersistentVolumeClaim data-a-etcd-0': 'for a pod of StatefulSet a-etcd, and no part of the release',
			'PersistentVolumeClaim data-a-etcd-1': 'for a pod of StatefulSet a-etcd, and no part of the release',
		});
		expect(volumes.filter(({ isLost }) => isLost).map(({ name, why }) => [name, why])).toEqual([
			['a-milvus-logs', 'is part of the release, without helm.sh/resource-policy: keep'],
			[scratch?.split(' ')[1], expect.stringMatching(/^belongs to Pod a-milvus-mixcoord-\S+, and goes with it$/)],
			['data-a-pulsarv3-bookie-0', 'belongs to StatefulSet a-pulsarv3-bookie, and goes with it'],
			['data-a-pulsarv3-bookie-1', expect.stringContaining('persistentVolumeClaimRetentionPolicy.whenDeleted: Delete')],
		]);
		expect(volumes).toHaveLength(4 + 5);

		// The owner comes back with the next thing that happens to the StatefulSet.
		await cluster.call('PATCH', `/apis/apps/v1/namespaces/${namespace}/statefulsets/a-pulsarv3-bookie`, { spec: { minReadySeconds: 1 } });
		await expect.poll(owners, soon).toMatchObject([{ kind: 'StatefulSet' }]);
		const before = await here.present();
		await here.helm('uninstall', 'a');
		await becomes(cluster, namespace, [...without(before, inWords(goes)), 'ConfigMap a-farewell'].toSorted());
		for (const object of goes) expect([object, await isPresent(cluster, object)]).toEqual([object, false]);
		for (const object of stays) expect([object.name, await isPresent(cluster, object)]).toEqual([object.name, true]);
		expect(await here.contents('a')).toMatchObject({
			isGone: true,
			contents: { is: 'unknown', reason: expect.stringContaining('there is no record of a Helm release a') },
		});
	});

	test('tells the chart and how the release stands, whatever it is called', async () => {
		await using here = await scene();
		await here.helm('install', 'milvus', otherChart);
		expect((await here.contents('milvus')).release).toMatchObject({ chart: { name: 'etcd' }, status: 'deployed' });
		const made = {
			namespace: here.namespace,
			release: 'b',
			chart: 'milvus-5.0.19',
			appVersion: '1',
			status: 'pending-upgrade',
			revision: 11,
		} as const;
		await releaseSecrets(here.cluster, made, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } }]);
		expect((await here.contents('b')).release).toMatchObject({ chart: { name: 'milvus' }, status: 'pending-upgrade', revision: 11 });
		for (const name of ['milvus-b', '..', 'b,owner!=x', 'b'.repeat(100)]) {
			expect((await here.contents(name)).isGone).toBe(true);
			expect((await here.contents(name, 'operator')).isGone).toBe(true);
		}
	});

	test('is unknown without the right to read its record, which is told', async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await here.helm('install', 'a', milvusChart);
		const account = unique('reader');
		const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }];
		const rbac = 'rbac.authorization.k8s.io/v1';
		await here.create('v1', 'ServiceAccount', account);
		const role = await here.create(rbac, 'Role', account);
		await here.create(rbac, 'RoleBinding', account, {
			roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
			subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
		});
		const kubeconfig = await cluster.kubeconfigOf(namespace, account);
		const allow = (more: object[]) =>
			cluster.call('PATCH', `/apis/${rbac}/namespaces/${namespace}/roles/${role.metadata.name}`, { rules: [...rules, ...more] });
		const told = async () => {
			const { contents } = await here.contents('a', 'helm', kubeconfig);
			return contents.is === 'unknown' ? contents.reason : known(contents).goes.length;
		};
		const missing = (verb: string, what: string) => `contents unknown: the right to ${verb} ${what} in namespace ${namespace} is missing`;
		expect(await told()).toBe(missing('list', 'secrets'));
		await allow([]);
		await expect.poll(told, soon).toBe(missing('get', 'secrets'));
		rules[0]?.verbs.push('get');
		await allow([]);
		await expect.poll(told, soon).toBe(missing('list', 'persistentvolumeclaims'));
		await allow([{ apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['list'] }]);
		// What it may not see it believes of the record.
		const { goes, stays } = known((await here.contents('a')).contents);
		await expect.poll(told, soon).toBe(goes.length);
		const unseen = known((await here.contents('a', 'helm', kubeconfig)).contents);
		expect(inWords(unseen.goes)).toEqual(inWords(goes));
		expect(inWords(unseen.stays)).toEqual(without(inWords(stays), ['ConfigMap a-buckets']));
	});

	test('is unknown where the record is not what it says to be', async () => {
		await using here = await scene();
		const secret = (name: string, release: string, version: number) =>
			here.create('v1', 'Secret', `sh.helm.release.v1.${name}.v${version}`, {
				metadata: { labels: { name, owner: 'helm', status: 'deployed', version: String(version) } },
				...{ type: 'helm.sh/release.v1', data: { release } },
			});
		await secret('a', 'AAAA', 1);
		expect((await here.contents('a')).contents).toEqual({
			is: 'unknown',
			reason: 'contents unknown: the record of its release is not JSON',
		});
		const made = { namespace: here.namespace, release: 'b', chart: 'milvus-5.0.19', appVersion: '1' };
		const real = await releaseSecrets(here.cluster, made, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } }]);
		await secret('c', real.data.release, 1);
		expect((await here.contents('c')).contents).toEqual({
			is: 'unknown',
			reason: 'contents unknown: the record of its release is of another release',
		});
	});
});

describeKubernetes('what goes with a custom resource and what stays', () => {
	const milvusSpec = (dependencies: object) => ({ spec: { mode: 'standalone', components: {}, dependencies } });
	const labels = (name: string) => ({ 'app.kubernetes.io/instance': name });

	/** As the operator makes it of a Milvus; with somebody else's objects of the same kinds. */
	async function operated(here: Awaited<ReturnType<typeof scene>>, name: string, dependencies: object, isOfCluster = false) {
		const above = isOfCluster ? await here.create('milvus.io/v1alpha1', 'MilvusCluster', name, milvusSpec({})) : undefined;
		const annotations = {
			'milvus.io/pause-reconcile': 'true',
			'kubectl.kubernetes.io/last-applied-configuration': '{"password":"secret"}',
		};
		const milvus = await here.create('milvus.io/v1beta1', 'Milvus', name, {
			...milvusSpec(dependencies),
			metadata: { annotations, ...(above && { ownerReferences: [ownedBy(above)] }) },
		});
		const metadata = { labels: labels(name), ownerReferences: [ownedBy(milvus)] };
		const selector = { matchLabels: labels(name) };
		const template = {
			metadata: { labels: labels(name) },
			spec: { nodeSelector: { nowhere: 'true' }, containers: [{ name: 'main', image: 'nothing' }] },
		};
		await here.create('apps/v1', 'Deployment', `${name}-milvus-standalone`, { metadata, spec: { selector, template } });
		await here.create('v1', 'Service', `${name}-milvus`, { metadata, spec: { ports: [{ port: 19530 }] } });
		await here.create('v1', 'ConfigMap', name, { metadata });
		await here.create('v1', 'ConfigMap', `${name}-mine`, { metadata: { labels: labels(name) } });
		return { milvus, above };
	}

	test('is what Kubernetes and the operator then remove and leave', { timeout: 180_000 }, async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		for (const release of ['c-etcd', 'c-minio', 'c-pulsar']) await here.helm('install', release, otherChart);
		const { milvus, above } = await operated(
			here,
			'c',
			{
				etcd: { inCluster: { deletionPolicy: 'Delete', pvcDeletion: true } },
				storage: { inCluster: { deletionPolicy: 'Delete' } },
				pulsar: { inCluster: { deletionPolicy: 'Delete', pvcDeletion: true } }, // which is not in use any more
				msgStreamType: 'rocksmq',
				rocksmq: { persistence: { enabled: true, pvcDeletion: true } },
			},
			true,
		);
		await here.claim('c-data');
		await here.claim('d-data');
		await here.claim('mine', { labels: labels('c') });
		await expect.poll(async () => (await here.present('persistentvolumeclaims')).length, soon).toBe(3 + 3 + 3);

		const { contents, resource } = await here.contents('c', 'operator');
		const { goes, stays, volumes } = known(contents);
		expect(resource).toMatchObject({
			...{ apiVersion: 'milvus.io/v1alpha1', kind: 'MilvusCluster', namespace, name: 'c', uid: above?.metadata.uid, isEnding: false },
			milvus: { kind: 'Milvus', uid: milvus.metadata.uid, annotations: { 'milvus.io/pause-reconcile': 'true' } },
		});
		expect(JSON.stringify({ contents, resource })).not.toContain('secret');
		const release = (name: string) => [`Secret sh.helm.release.v1.${name}.v1`, `Service ${name}`, `StatefulSet ${name}`];
		expect(inWords(goes)).toEqual(
			[
				...['MilvusCluster c', 'Milvus c', 'Deployment c-milvus-standalone', 'Service c-milvus', 'ConfigMap c'],
				...[...release('c-etcd'), 'PersistentVolumeClaim c-etcd-plain', 'PersistentVolumeClaim data-c-etcd-0'],
				...[...release('c-minio'), 'PersistentVolumeClaim c-minio-plain', 'PersistentVolumeClaim c-data'],
			].toSorted(),
		);
		const unused = 'spec.dependencies does not name pulsar as in the cluster and in use';
		expect(Object.fromEntries(stays.map(({ kind, name, why }) => [`${kind} ${name}`, why]))).toEqual({
			'Service c-pulsar': unused,
			'StatefulSet c-pulsar': unused,
			'PersistentVolumeClaim data-c-pulsar-0': unused,
			'PersistentVolumeClaim data-c-minio-0': 'for a pod of StatefulSet c-minio, and no part of the release',
			'PersistentVolumeClaim mine': 'is marked as of c, and the operator did not make it',
		});
		expect(volumes.filter(({ isLost }) => isLost)).toEqual([
			{ namespace, name: 'c-data', isLost: true, why: 'spec.dependencies.rocksmq.persistence.pvcDeletion: true' },
			{ namespace, name: 'c-etcd-plain', isLost: true, why: 'is part of the release, without helm.sh/resource-policy: keep' },
			{ namespace, name: 'c-minio-plain', isLost: true, why: 'is part of the release, without helm.sh/resource-policy: keep' },
			{ namespace, name: 'data-c-etcd-0', isLost: true, why: 'spec.dependencies.etcd.inCluster.deletionPolicy: Delete, pvcDeletion: true' },
		]);

		const before = await here.present();
		await cluster.call('DELETE', `/apis/milvus.io/v1alpha1/namespaces/${namespace}/milvusclusters/c`);
		// The operator's part, as its source has it.
		for (const dependency of ['c-etcd', 'c-minio']) await here.helm('uninstall', dependency, '--no-hooks');
		await cluster.kubectl('-n', namespace, 'delete', 'pvc', '-l', 'app.kubernetes.io/instance=c-etcd', '--wait=false');
		await cluster.kubectl('-n', namespace, 'delete', 'pvc', 'c-data', '--wait=false');
		await becomes(cluster, namespace, without(before, inWords(goes)));
		for (const object of stays) expect([object.name, await isPresent(cluster, object)]).toEqual([object.name, true]);
		expect((await here.contents('c', 'operator')).isGone).toBe(true);
	});

	test('keeps what it depends on by default, and all volumes', async () => {
		await using here = await scene();
		await here.helm('install', 'e-etcd', otherChart);
		const { milvus } = await operated(here, 'e', { msgStreamType: 'woodpecker', woodpecker: { persistence: { enabled: true } } });
		await here.claim('e-data');
		await expect.poll(async () => (await here.present('persistentvolumeclaims')).length, soon).toBe(1 + 2);
		const { contents, resource } = await here.contents('e', 'operator');
		const { goes, stays, volumes } = known(contents);
		expect(resource).toMatchObject({ kind: 'Milvus', uid: milvus.metadata.uid });
		expect(inWords(goes)).toEqual(['ConfigMap e', 'Deployment e-milvus-standalone', 'Milvus e', 'Service e-milvus']);
		expect(inWords(stays)).toEqual([
			...['PersistentVolumeClaim data-e-etcd-0', 'PersistentVolumeClaim e-data', 'Service e-etcd', 'StatefulSet e-etcd'],
		]);
		expect(volumes.map(({ name, isLost }) => [name, isLost])).toEqual([
			['data-e-etcd-0', false],
			['e-data', false],
		]);
	});
});
