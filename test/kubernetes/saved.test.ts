import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { NotSaved } from '../../src/components/cleaner/saved/saved.ts';
import { mostBytes } from '../../src/domain/saved-instance.ts';
import { ownedBy, pathOf } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { password, saving } from '../support/kubernetes/saving.ts';

const soon = { timeout: 30_000 };
const hour = 3600_000;

/** What is thrown; it fails if nothing is. */
async function problem(work: Promise<unknown>): Promise<string> {
	const error = await work.then(
		() => expect.fail('it was saved'),
		(error: unknown) => error,
	);
	expect(error).toBeInstanceOf(NotSaved);
	expect([String(error), JSON.stringify(error), String((error as Error).cause)].join()).not.toContain(password);
	return (error as Error).message;
}

describeKubernetes('what is saved of a Helm release', () => {
	test('is its newest record, in a Secret that tells what it is without being read', async () => {
		await using here = await saving();
		const { namespace, into } = here;
		await here.install('a');
		await here.install('b');
		await here.helm('upgrade', 'a', here.chart, '--reuse-values');
		const record = await here.cluster.call('GET', here.secretPath('sh.helm.release.v1.a.v2', namespace));
		const saved = await here.save('a');
		expect(saved).toMatchObject({ namespace: into, name: expect.stringMatching(/^saved-a-[\da-f]{10}$/) });
		const { metadata, type, data } = await here.secret(saved.name);
		expect(type).toBe('diagnostics.milvus.io/saved-instance');
		expect(Object.keys(data)).toEqual(['restore.json']);
		expect(metadata.labels).toEqual({
			'app.kubernetes.io/managed-by': 'milvus-coredump-agent',
			'diagnostics.milvus.io/instance': 'a',
		});
		const own = (key: string) => `diagnostics.milvus.io/${key}`;
		expect(metadata.annotations).toEqual({
			[own('instance-namespace')]: namespace,
			[own('instance-name')]: 'a',
			[own('instance-kind')]: 'helm',
			[own('cleanup-namespace')]: namespace,
			[own('cleanup-name')]: 'a-0123456789',
			[own('saved-at')]: new Date(saved.at).toISOString(),
			[own('source-uid')]: record.metadata.uid,
			[own('source-resource-version')]: record.metadata.resourceVersion,
			...{ [own('release')]: 'a', [own('revision')]: '2', [own('chart')]: 'milvus-5.0.19' },
		});
		expect(await here.manifest(saved.name)).toEqual({
			...{ apiVersion: 'v1', kind: 'Secret', type: 'helm.sh/release.v1' },
			metadata: { name: 'sh.helm.release.v1.a.v2', namespace, labels: record.metadata.labels },
			stringData: { release: Buffer.from(record.data.release, 'base64').toString() },
		});
	});

	test('is one Secret however often it is saved, another for another revision, and anew when its record is another', async () => {
		await using here = await saving();
		await here.install('a');
		const first = await here.save('a');
		const { metadata } = await here.secret(first.name);
		expect(await here.save('a')).toEqual(first);
		const [one, other] = await Promise.allSettled([here.save('a'), here.save('a')]);
		expect([one, other]).toEqual([first, first].map((value) => ({ status: 'fulfilled', value })));
		expect((await here.secret(first.name)).metadata.resourceVersion).toBe(metadata.resourceVersion);

		const found = await here.found('a');
		const record = here.secretPath('sh.helm.release.v1.a.v1', here.namespace);
		await here.cluster.call('PATCH', record, { metadata: { labels: { team: 'search' } } });
		expect(await problem(here.save('a', 'helm', { found }))).toContain('has changed meanwhile');
		expect(await here.save('a')).toMatchObject({ name: first.name });
		expect((await here.manifest(first.name)).metadata.labels).toMatchObject({ team: 'search' });
		expect(await here.save('a', 'helm', { cleanup: 'a-later' })).toMatchObject({ name: first.name });
		expect((await here.secret(first.name)).metadata.annotations).toMatchObject({ 'diagnostics.milvus.io/cleanup-name': 'a-later' });
		expect(await here.saved()).toHaveLength(1);

		// As helm begins an upgrade.
		const before = await here.found('a');
		const { type, data, metadata: named } = await here.cluster.call('GET', record);
		const next = {
			name: 'sh.helm.release.v1.a.v2',
			namespace: here.namespace,
			labels: { ...named.labels, status: 'pending-upgrade', version: '2' },
		};
		const begun = await here.cluster.create({ apiVersion: 'v1', kind: 'Secret', type, data, metadata: next });
		expect(await problem(here.save('a', 'helm', { found: before }))).toBe('release a has revision 2 meanwhile');
		await here.cluster.call('DELETE', pathOf(begun));

		await here.helm('rollback', 'a', '1');
		const second = await here.save('a');
		expect(second.name).not.toBe(first.name);
		expect((await here.saved()).map(({ metadata: { name } }) => name).toSorted()).toEqual([first.name, second.name].toSorted());
		expect(await problem(here.save('a', 'helm', { found: { ...found, release: undefined } as never }))).toContain('neither');
		await here.helm('uninstall', 'a');
		expect(await problem(here.save('a', 'helm', { found }))).toBe(
			`Secret sh.helm.release.v1.a.v1 of namespace ${here.namespace} is not there any more`,
		);
	});

	test('is what it was before the removal began, and nothing when it was not saved before', async () => {
		await using here = await saving();
		await here.install('a');
		await here.install('b');
		const first = await here.save('a');
		const before = await here.manifest(first.name);
		// As Helm does it first of all.
		for (const name of ['a', 'b'])
			await here.cluster.call('PATCH', here.secretPath(`sh.helm.release.v1.${name}.v1`, here.namespace), {
				metadata: { labels: { status: 'uninstalling' } },
			});
		expect(await here.save('a')).toEqual(first);
		expect(await here.manifest(first.name)).toEqual(before);
		expect(before.metadata.labels.status).toBe('deployed');
		expect(await problem(here.save('b'))).toContain('is being removed already, and was not saved before');
		expect(await here.saved()).toHaveLength(1);
	});

	test('fits where its record does, but for one as large as a Secret can be', async () => {
		await using here = await saving();
		await here.install('a');
		const found = await here.found('a');
		const record = here.secretPath('sh.helm.release.v1.a.v1', here.namespace);
		const enlarge = async (bytes: number) => {
			const release = randomBytes(bytes).toString('base64').slice(0, bytes);
			const { metadata } = await here.cluster.call('PATCH', record, { data: { release: Buffer.from(release).toString('base64') } });
			return { ...found, release: { ...found.release, secretResourceVersion: metadata.resourceVersion } } as typeof found;
		};
		const large = await enlarge(mostBytes - 1024);
		const { name } = await here.save('a', 'helm', { found: large });
		expect((await here.manifest(name)).stringData.release).toHaveLength(mostBytes - 1024);
		const largest = await enlarge(mostBytes);
		expect(await problem(here.save('a', 'helm', { found: largest }))).toMatch(
			/^Secret sh\.helm\.release\.v1\.a\.v1 of namespace \S+ is too large: \d+ bytes, and a Secret holds 1048576 of them$/,
		);
	});

	test('is not written where that is not allowed, nor in place of something else, which is told without quoting it', async () => {
		await using here = await saving();
		const { cluster, into, namespace } = here;
		await here.install('a');
		const found = await here.found('a');
		const rbac = 'rbac.authorization.k8s.io/v1';
		const within = (where: string, kind: string, apiVersion: string, rest: object) =>
			cluster.create({ apiVersion, kind, metadata: { name: 'keeper', namespace: where }, ...rest });
		await within(into, 'ServiceAccount', 'v1', {});
		const kubeconfig = await cluster.kubeconfigOf(into, 'keeper');
		const allow = async (where: string, ...verbs: readonly string[]) => {
			await within(where, 'Role', rbac, { rules: [{ apiGroups: [''], resources: ['secrets'], verbs }] });
			await within(where, 'RoleBinding', rbac, {
				roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'keeper' },
				subjects: [{ kind: 'ServiceAccount', name: 'keeper', namespace: into }],
			});
		};
		const told = () => problem(here.save('a', 'helm', { found, kubeconfig }));
		expect(await told()).toBe(`the right to get secrets in namespace ${namespace} is missing`);
		await allow(namespace, 'get', 'list');
		await expect.poll(told, soon).toBe(`the right to get secrets in namespace ${into} is missing`);
		await allow(into, 'get');
		const name = `Secret ${(await here.save('a', 'helm', { found })).name} in namespace ${into}`;
		const path = here.secretPath((await here.save('a', 'helm', { found })).name);
		await cluster.call('DELETE', path);
		await expect.poll(told, soon).toBe(`${name} can't be written: the right to do so is missing`);

		const quota = await within(into, 'ResourceQuota', 'v1', { spec: { hard: { 'count/secrets': '0' } } });
		await expect.poll(async () => (await cluster.read(quota)).status?.hard, soon).toBeTruthy();
		const refused = () => problem(here.save('a', 'helm', { found }));
		expect(await refused()).toBe(`${name} can't be written: a quota of the namespace is used up`);
		await cluster.call('DELETE', pathOf(quota));

		await cluster.create({
			...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
			metadata: { name: path.split('/').at(-1) ?? '', namespace: into },
		});
		expect(await refused()).toBe(`there is another ${name}`);
	});
});

describeKubernetes('what is saved of an instance of the operator', () => {
	const spec = { mode: 'standalone', dependencies: { storage: { inCluster: { values: { secretKey: password } } } } };
	const annotations = { note: 'ours', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };

	test('is its custom resource as it was told to be, without what the API and controllers add', async () => {
		await using here = await saving();
		const labels = { team: 'search' };
		const milvus = await here.create('milvus.io/v1beta1', 'Milvus', 'c', {
			metadata: { labels, annotations, finalizers: ['example.org/finalizer'] },
			spec,
		});
		await here.cluster.call('PATCH', `${pathOf(milvus)}/status`, { status: { status: 'Unhealthy' } });
		const found = await here.found('c', 'operator');
		await here.cluster.call('PATCH', pathOf(milvus), { spec: { mode: 'cluster' } });
		const saved = await here.save('c', 'operator', { found });
		expect(await here.manifest(saved.name)).toEqual({
			...{ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus' },
			metadata: { namespace: here.namespace, name: 'c', labels, annotations: { note: 'ours' } },
			spec: { ...spec, mode: 'cluster' },
		});
		const { metadata } = await here.secret(saved.name);
		expect(JSON.stringify(metadata)).not.toContain(password);
		expect(metadata.annotations).toMatchObject({
			'diagnostics.milvus.io/instance-kind': 'operator',
			'diagnostics.milvus.io/resource-kind': 'Milvus',
			'diagnostics.milvus.io/resource-api-version': 'milvus.io/v1beta1',
			'diagnostics.milvus.io/resource-name': 'c',
		});

		await here.cluster.call('DELETE', pathOf(milvus));
		const before = await here.secret(saved.name);
		expect(await here.save('c', 'operator')).toEqual(saved);
		expect(await here.secret(saved.name)).toEqual(before);
		await here.cluster.call('PATCH', pathOf(milvus), { metadata: { finalizers: [] } });
		expect(await problem(here.save('c', 'operator', { found }))).toContain('is not there any more');
		await here.create('milvus.io/v1beta1', 'Milvus', 'c', { spec });
		expect(await problem(here.save('c', 'operator', { found }))).toBe(`Milvus c of namespace ${here.namespace} is another now`);
	});

	test('is the MilvusCluster where that owns the Milvus', async () => {
		await using here = await saving();
		const above = await here.create('milvus.io/v1alpha1', 'MilvusCluster', 'd', { metadata: { annotations }, spec });
		await here.create('milvus.io/v1beta1', 'Milvus', 'd', { metadata: { ownerReferences: [ownedBy(above)] }, spec: {} });
		const saved = await here.save('d', 'operator');
		expect(await here.manifest(saved.name)).toEqual({
			...{ apiVersion: 'milvus.io/v1alpha1', kind: 'MilvusCluster' },
			metadata: { namespace: here.namespace, name: 'd', annotations: { note: 'ours' } },
			spec,
		});
	});
});

describeKubernetes('what was saved', () => {
	test('goes when it is too old, and nothing else does', async () => {
		await using here = await saving();
		for (const name of ['c', 'd']) await here.create('milvus.io/v1beta1', 'Milvus', name, { spec: {} });
		const [old, young] = [await here.save('c', 'operator'), await here.save('d', 'operator')];
		const labels = { 'app.kubernetes.io/managed-by': 'milvus-coredump-agent' };
		const strangers = { opaque: { type: 'Opaque', labels }, unlabelled: { type: 'diagnostics.milvus.io/saved-instance', labels: {} } };
		for (const [name, { type, labels }] of Object.entries(strangers))
			await here.cluster.create({ apiVersion: 'v1', kind: 'Secret', type, metadata: { name, namespace: here.into, labels } });
		const names = async () => (await here.saved()).map(({ metadata: { name } }) => name).toSorted();
		const all = [old.name, young.name, ...Object.keys(strangers)].toSorted();
		const later = new Date(Date.now() + 3 * hour).toISOString();
		await here.cluster.call('PATCH', here.secretPath(young.name), {
			metadata: { annotations: { 'diagnostics.milvus.io/saved-at': later } },
		});
		expect(await here.sweep(undefined, Date.now() + 1e6 * hour)).toBe(0);
		expect(await here.sweep(2 * hour)).toBe(0);
		expect(await names()).toEqual(all);
		expect(await here.sweep(2 * hour, Date.now() + 3 * hour)).toBe(1);
		expect(await names()).toEqual(all.filter((name) => name !== old.name));
		expect(await here.sweep(2 * hour, Date.now() + 6 * hour)).toBe(1);
		expect(await names()).toEqual(Object.keys(strangers).toSorted());
	});
});
