import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentsOf } from '../../src/components/cleaner/contents/contents.ts';
import { enforcingRights } from '../../src/domain/enforcing-rights.ts';
import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { root } from '../support/crash.ts';
import { type Account, grantsIn, grantsOf, installed } from '../support/kubernetes/account.ts';
import { pathOf } from '../support/kubernetes/api.ts';
import { attempts, isAmong, passed } from '../support/kubernetes/attempts.ts';
import type { Cluster } from '../support/kubernetes/cluster.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helm } from '../support/kubernetes/helm.ts';
import { defineMilvus } from '../support/kubernetes/milvus-operator.ts';
import { inWords, presentIn } from '../support/kubernetes/present.ts';
import { rendered } from '../support/kubernetes/rendered.ts';

const { saving, operator, helm: ofHelm, volumes } = enforcingRights;
const everywhere = controllerRights.filter(({ isOfOwn }) => !isOfOwn);
const ofNodesEverywhere = nodeAgentRights.filter(({ isOfOwn }) => !isOfOwn);
const soon = { timeout: 30_000 };

/** What the chart gives with these values. */
const ofChart = (sets: readonly string[], account = 'milvus-coredump-agent-controller'): Account => ({
	account,
	async manifests(namespace) {
		const all = await rendered(namespace, ...sets.flatMap((one) => ['--set', one]));
		return all
			.split(/^---$/m)
			.filter((document) => /^kind: (ServiceAccount|(Cluster)?Role(Binding)?)$/m.test(document))
			.join('---\n');
	},
});
const enforcing = (namespace: string) => ['config.cleaner.mode=enforce', `config.cleaner.namespaces={${namespace}}`];
const helmReleases = 'cleaner.helmReleases=true';
const allowVolumeLoss = 'config.cleaner.allowVolumeLoss=true';

/** What the plain manifests give for instances in that namespace, with what is there behind comment signs. */
const ofPlain = (listed: string): Account => ({
	account: 'milvus-coredump-agent',
	async manifests(namespace) {
		const [rbac, enforce] = ['rbac', 'enforce'].map((name) => readFileSync(join(root, `deploy/${name}.yaml`), 'utf8'));
		const [applied, ...behindSigns] = String(enforce).split(/^# (?=---$)/m);
		const all = [rbac, applied, ...behindSigns.map((document) => document.replaceAll(/^# /gm, ''))].join('\n---\n');
		return all.replaceAll(/^( +namespace:) default$/gm, `$1 ${namespace}`).replaceAll(/^( +namespace:) milvus$/gm, `$1 ${listed}`);
	},
});

/** Two namespaces, in the first of which instances may be removed. */
async function places() {
	const cluster = await sharedControlPlane();
	await defineMilvus(cluster);
	const listed = await cluster.namespace();
	const other = await cluster.namespace();
	return {
		listed: listed.name,
		other: other.name,
		[Symbol.asyncDispose]: async () => {
			await listed[Symbol.asyncDispose]();
			await other[Symbol.asyncDispose]();
		},
	};
}

const at = (kubeconfig: string, namespace: string) => ['--kubeconfig', kubeconfig, '--namespace', namespace];
const milvusChart = join(root, 'test/support/kubernetes/charts/milvus');

/** A release with all that can be deleted by rights in its namespace, and the claims of its pods. */
async function install(cluster: Cluster, namespace: string, ...sets: readonly string[]): Promise<void> {
	const all = ['hasAllKinds=true', 'hasDeleteHooks=false', 'hasClusterRole=false', 'keepsLogs=true', ...sets];
	await helm('install', 'a', milvusChart, ...at(cluster.kubeconfig, namespace), ...all.flatMap((one) => ['--set', one]));
	await expect.poll(async () => (await presentIn(cluster, namespace, 'persistentvolumeclaims')).length, soon).toBe(2 + 1 + 2 + 2);
}

const kinds = [
	...['deployments', 'statefulsets', 'services', 'configmaps', 'secrets', 'serviceaccounts', 'persistentvolumeclaims', 'jobs', 'cronjobs'],
	...['horizontalpodautoscalers', 'poddisruptionbudgets', 'ingresses', 'networkpolicies', 'roles', 'rolebindings'],
].join();

async function contents(kubeconfig: string, namespace: string, kind: 'helm' | 'operator') {
	using cluster = await connect({ kubeconfig, environment: {} });
	return (await contentsOf(cluster, { namespace, name: 'a', kind }, AbortSignal.timeout(60_000))).contents;
}

/** Rights may come into force a moment later than they are given. */
async function hasRights(scenery: Awaited<ReturnType<typeof installed>>, namespace: string, rights: readonly Right[]): Promise<void> {
	await expect.poll(() => grantsOf(scenery, namespace), soon).toEqual(grantsIn(rights));
}

describeKubernetes('rights to remove instances', () => {
	const variants: Readonly<Record<string, { of: (listed: string) => Account; own?: readonly Right[]; listed?: readonly Right[] }>> = {
		'the controller': { of: (listed) => ofChart(enforcing(listed)), own: saving, listed: operator },
		'the controller that uninstalls Helm releases': {
			of: (listed) => ofChart([...enforcing(listed), helmReleases]),
			...{ own: saving, listed: [...operator, ...ofHelm] },
		},
		'the controller that may lose volumes': {
			of: (listed) => ofChart([...enforcing(listed), helmReleases, allowVolumeLoss]),
			...{ own: saving, listed: [...operator, ...ofHelm, ...volumes] },
		},
		'the controller in dry-run': {
			of: (listed) => ofChart(['config.cleaner.mode=dry-run', `config.cleaner.namespaces={${listed}}`, helmReleases, allowVolumeLoss]),
		},
		'the controller that enforces nowhere': { of: () => ofChart(['config.cleaner.mode=enforce', helmReleases, allowVolumeLoss]) },
		'the controller that is to look for nothing': {
			of: (listed) => ofChart([...enforcing(listed), helmReleases, 'config.cleaner.enabled=false']),
		},
	};
	for (const [name, { of, own = [], listed = [] }] of Object.entries(variants)) {
		test(`of ${name} are those that are listed, where they are to be, and no others`, async () => {
			await using where = await places();
			await using scenery = await installed(of(where.listed));
			await hasRights(scenery, scenery.namespace, [...controllerRights, ...own]);
			await hasRights(scenery, where.listed, [...everywhere, ...listed]);
			await hasRights(scenery, where.other, everywhere);
		});
	}

	test('are not for the node agent of the chart, and for all in one of the plain manifests', async () => {
		await using where = await places();
		const sets = [...enforcing(where.listed), helmReleases, allowVolumeLoss];
		await using separate = await installed(ofChart(sets, 'milvus-coredump-agent'));
		await hasRights(separate, separate.namespace, nodeAgentRights);
		for (const namespace of [where.listed, where.other]) await hasRights(separate, namespace, ofNodesEverywhere);
		await using further = await places();
		await using plain = await installed(ofPlain(further.listed));
		await hasRights(plain, plain.namespace, [...nodeAgentRights, ...controllerRights, ...saving]);
		await hasRights(plain, further.listed, [...ofNodesEverywhere, ...everywhere, ...operator, ...ofHelm]);
		await hasRights(plain, further.other, [...ofNodesEverywhere, ...everywhere]);
	});

	test('let pass what they are for, and refuse all else that is tried', async () => {
		await using where = await places();
		await using scenery = await installed(ofChart([...enforcing(where.listed), helmReleases]));
		const inListed = [...everywhere, ...operator, ...ofHelm];
		await hasRights(scenery, where.listed, inListed);
		const rights = [
			[scenery.namespace, [...controllerRights, ...saving]],
			[where.listed, inListed],
			[where.other, everywhere],
		] as const;
		for (const [namespace, ofIt] of rights) {
			const all = await attempts(scenery.cluster, namespace);
			const expected = all.filter((attempt) => isAmong(attempt.right.isElsewhere ? everywhere : ofIt, attempt));
			const allowed = await passed(scenery.as, all);
			expect(allowed).toEqual(expected.map(({ what }) => what));
			// By name what would be worst.
			for (const never of [
				...['delete pods', 'create pods/eviction', 'delete persistentvolumeclaims', 'deletecollection secrets', 'create pods/exec'],
				...[
					'patch deployments.apps',
					'patch milvuses.milvus.io',
					'deletecollection milvuses.milvus.io',
					'create roles.rbac.authorization.k8s.io',
				],
				...['delete deployments.apps in kube-system', 'delete persistentvolumeclaims in kube-system', 'get secrets in kube-system'],
				...[
					'delete milvuses.milvus.io in kube-system',
					'delete nodes',
					'delete namespaces',
					'create serviceaccounts/token milvus-coredump-agent',
				],
			]) {
				expect(all.map(({ what }) => what.replace(/ in $/, ''))).toContain(never);
				expect(allowed).not.toContain(never);
			}
			const tried = ofIt.flatMap((right) =>
				right.verbs.filter((verb) => !all.some((attempt) => attempt.right.resource === right.resource && attempt.right.verb === verb)),
			);
			expect(tried).toEqual([]);
		}
	});

	test('suffice for helm uninstall in a namespace that is listed, and for nothing of it in another', async () => {
		await using where = await places();
		await using scenery = await installed(ofChart([...enforcing(where.listed), helmReleases]));
		const { cluster, kubeconfig } = scenery;
		for (const namespace of [where.listed, where.other]) await install(cluster, namespace);
		await hasRights(scenery, where.listed, [...everywhere, ...operator, ...ofHelm]);

		const before = await presentIn(cluster, where.other, kinds);
		await expect(helm('uninstall', 'a', ...at(kubeconfig, where.other))).rejects.toMatchObject({
			stderr: expect.stringContaining('cannot list resource "secrets"'),
		});
		expect(await contents(kubeconfig, where.other, 'helm')).toEqual({
			is: 'unknown',
			reason: `contents unknown: the right to list secrets in namespace ${where.other} is missing`,
		});
		expect(await presentIn(cluster, where.other, kinds)).toEqual(before);

		const all = await contents(kubeconfig, where.listed, 'helm');
		expect(all).toEqual(await contents(cluster.kubeconfig, where.listed, 'helm'));
		if (all.is === 'unknown') throw new Error(all.reason);
		expect(await helm('uninstall', 'a', ...at(kubeconfig, where.listed))).toContain('release "a" uninstalled');
		const owned = (one: string) => one.startsWith('PersistentVolumeClaim ');
		const left = async () => (await presentIn(cluster, where.listed, kinds)).filter((one) => !owned(one));
		expect(inWords(all.goes).filter((one) => !owned(one))).toHaveLength(19);
		const gone = inWords(all.goes);
		await expect.poll(async () => (await left()).filter((one) => gone.includes(one)), soon).toEqual([]);
		expect(await left()).toEqual([
			...['ConfigMap a-buckets', 'ConfigMap a-odd'],
			...['Role', 'RoleBinding'].flatMap((kind) => ['enforce', 'enforce-helm'].map((name) => `${kind} milvus-coredump-agent-${name}`)),
			'ServiceAccount default',
		]);
	});

	test('do not let helm delete a claim of the release, unless volumes may be lost', async () => {
		for (const isAllowed of [false, true]) {
			await using where = await places();
			await using scenery = await installed(ofChart([...enforcing(where.listed), helmReleases, ...(isAllowed ? [allowVolumeLoss] : [])]));
			const { cluster, kubeconfig } = scenery;
			await install(cluster, where.listed, 'keepsLogs=false');
			await hasRights(scenery, where.listed, [...everywhere, ...operator, ...ofHelm, ...(isAllowed ? volumes : [])]);
			expect(await helm('uninstall', 'a', ...at(kubeconfig, where.listed))).toContain('uninstalled');
			const claims = () => presentIn(cluster, where.listed, 'persistentvolumeclaims');
			const expected = ['PersistentVolumeClaim a-milvus', ...(isAllowed ? [] : ['PersistentVolumeClaim a-milvus-logs'])];
			await expect.poll(async () => (await claims()).filter((one) => / a-milvus(-logs)?$/.test(one)), soon).toEqual(expected);
		}
	});

	test('suffice to know and delete a custom resource in a namespace that is listed, and not in another', async () => {
		await using where = await places();
		await using scenery = await installed(ofChart(enforcing(where.listed)));
		const { cluster, kubeconfig, as } = scenery;
		const made = (namespace: string) => {
			const spec = { mode: 'standalone', components: {}, dependencies: { msgStreamType: 'rocksmq' } };
			return cluster.create({ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', metadata: { name: 'a', namespace }, spec });
		};
		const [listed, other] = [await made(where.listed), await made(where.other)];
		await hasRights(scenery, where.listed, [...everywhere, ...operator]);
		expect(await contents(kubeconfig, where.listed, 'operator')).toMatchObject({ is: 'known', goes: [{ kind: 'Milvus', name: 'a' }] });
		expect((await contents(kubeconfig, where.other, 'operator')).is).toBe('unknown');
		await expect(as.call('DELETE', pathOf(other))).rejects.toMatchObject({ status: 403 });
		await as.call('DELETE', pathOf(listed), { preconditions: { uid: listed.metadata.uid } });
		await expect(cluster.call('GET', pathOf(listed))).rejects.toMatchObject({ status: 404 });
		await cluster.call('DELETE', pathOf(other));
	});
});
