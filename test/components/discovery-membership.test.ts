import { describe, expect, test } from 'vitest';
import { type Ancestor, type Lineage, mayBeMilvus, membershipOf, runsMilvus } from '../../src/components/discovery/membership.ts';
import { fits, serverSelector } from '../../src/components/discovery/selector.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';

/** The defaults. */
const selectors = configSchema(nodeDefaults).parse({}).discovery;

type Labels = Readonly<Record<string, string>>;
const app = (name: string, instance: string): Labels => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': instance });
const ofOperator = { 'app.kubernetes.io/managed-by': 'milvus-operator' };
const componentOfOperator = (component: string) => ({ 'app.kubernetes.io/component': component });
const ofHelm = { 'app.kubernetes.io/managed-by': 'Helm' };
const chart = (name: string) => ({ ...ofHelm, 'helm.sh/chart': name });
const release = (name: string): Labels => ({ 'meta.helm.sh/release-name': name, 'meta.helm.sh/release-namespace': 'a' });

const ancestor = (apiVersion: string, kind: string, name: string, labels: Labels = {}, annotations: Labels = {}): Ancestor => ({
	...{ apiVersion, kind, name, labels, annotations },
});
/** What stands above a pod of a Deployment. */
const deployed = (podLabels: Labels, own: Labels, annotations: Labels = {}, ...above: readonly Ancestor[]): Lineage => ({
	ancestors: [
		ancestor('apps/v1', 'ReplicaSet', 'x-1', podLabels, annotations),
		ancestor('apps/v1', 'Deployment', 'x', { ...podLabels, ...own }, annotations),
		...above,
	],
	isComplete: true,
});
const stateful = (podLabels: Labels, own: Labels, annotations: Labels = {}): Lineage => ({
	ancestors: [ancestor('apps/v1', 'StatefulSet', 'x', { ...podLabels, ...own }, annotations)],
	isComplete: true,
});
const nobody: Lineage = { ancestors: [], isComplete: true };
const unknown: Lineage = { ancestors: [], isComplete: false };
const milvus = (name: string) => ancestor('milvus.io/v1beta1', 'Milvus', name);
const milvusCluster = (name: string) => ancestor('milvus.io/v1alpha1', 'MilvusCluster', name);

/** As an agent asks: first of the pod alone, then of who owns it. */
function member(labels: Labels, lineage: Lineage, containers: readonly string[] = ['milvus']) {
	const pod = { namespace: 'a', name: 'some-pod-0', labels, containers: containers.map((name) => ({ name })) };
	if (!mayBeMilvus(pod, selectors)) return 'not asked';
	const { instance, component } = membershipOf(pod, lineage, selectors) ?? {};
	return instance ? [instance.kind, instance.name, component].filter((one) => one !== undefined).join(' ') : 'not Milvus';
}

describe('a selector', () => {
	test('names a label with its value, or any value of it', () => {
		expect(fits({ a: 'x' }, 'a=x')).toBe(true);
		expect(fits({ a: 'x' }, 'a=y')).toBe(false);
		expect(fits({ a: 'x' }, 'a')).toBe(true);
		expect(fits({ b: 'x' }, 'a')).toBe(false);
		expect(fits({ a: '' }, 'a=')).toBe(true);
		expect(fits({ a: 'x=y' }, 'a=x=y')).toBe(true);
		expect(fits({ a: 'xy' }, 'a=x')).toBe(false);
	});

	test('names a chart in any of its versions, and no other whose name begins so', () => {
		for (const version of ['milvus', 'milvus-5.0.19', 'milvus-2.1.5', 'milvus-4.2.8_build.1', 'milvus-10'])
			expect(fits({ 'helm.sh/chart': version }, 'helm.sh/chart=milvus'), version).toBe(true);
		for (const other of [
			'milvus-operator-1.3.8',
			'milvus-operator',
			'milvusx-1.0.0',
			'my-milvus-1.0.0',
			'milvus-',
			'etcd-8.12.0',
			'milvus-v2',
		])
			expect(fits({ 'helm.sh/chart': other }, 'helm.sh/chart=milvus'), other).toBe(false);
		expect(fits({ 'helm.sh/chart': 'milvus-5.0.19' }, 'helm.sh/chart=milvus-5.0.19')).toBe(true);
		expect(fits({ version: 'milvus-5.0.19' }, 'version=milvus')).toBe(false);
	});

	test('is one that the API server understands, and that leaves out nothing', () => {
		expect(serverSelector('helm.sh/chart=milvus')).toBe('helm.sh/chart');
		expect(serverSelector('app.kubernetes.io/name=milvus')).toBe('app.kubernetes.io/name=milvus');
		expect(serverSelector('milvus.io/instance')).toBe('milvus.io/instance');
	});
});

describe('of Milvus is', () => {
	const helmPod = { ...app('milvus', 'search'), component: 'querynode' };

	test.each(['5.0.19', '4.2.8', '4.0.1', '3.3.2', '2.1.5'])('a pod of chart %s, known by who owns it', (version) => {
		const lineage = deployed(helmPod, chart(`milvus-${version}`), release('search'));
		expect(member(helmPod, lineage, ['querynode'])).toBe('helm search querynode');
	});

	test.each(
		'standalone proxy rootcoord querycoord datacoord indexcoord mixcoord querynode datanode indexnode streamingnode cdc'.split(' '),
	)('the component %s', (component) => {
		const labels = { ...app('milvus', 'search'), component };
		expect(member(labels, deployed(labels, chart('milvus-5.0.19'), release('search')), [component])).toBe(`helm search ${component}`);
	});

	test('a release that has another name than its pods say', () => {
		expect(member(helmPod, deployed(helmPod, chart('milvus-5.0.19'), release('other')), ['querynode'])).toBe('helm other querynode');
	});

	test('one whose name was overridden: its Deployment tells the chart', () => {
		const labels = { ...app('vectordb', 'vectors'), component: 'standalone' };
		expect(member(labels, deployed(labels, chart('milvus-5.0.19'), release('vectors')), ['standalone'])).toBe('helm vectors standalone');
		expect(member(labels, nobody, ['standalone'])).toBe('not Milvus');
		expect(member(labels, unknown, ['standalone'])).toBe('not Milvus');
	});

	test('one to which the user gave labels, also such as others use', () => {
		const labelled = { ...helmPod, team: 'search', 'app.kubernetes.io/component': 'database', 'milvus.io/resource-group': 'rg1' };
		expect(member(labelled, deployed(labelled, chart('milvus-5.0.19'), release('search')), ['querynode'])).toBe('helm search querynode');
		const ofUser = { ...app('milvus', 'b'), ...ofOperator, ...componentOfOperator('proxy'), component: 'search-team' };
		expect(member(ofUser, deployed(ofUser, {}, {}, milvus('b')), ['proxy'])).toBe('operator b proxy');
	});

	test('a pod of the operator, named by its custom resource and by the owner of that', () => {
		const labels = { ...app('milvus', 'b'), ...ofOperator, ...componentOfOperator('querynode'), 'milvus.io/querynode-group-id': '0' };
		expect(member(labels, deployed(labels, {}, {}, milvus('b')), ['querynode'])).toBe('operator b querynode');
		expect(member(labels, deployed(labels, {}, {}, milvus('b'), milvusCluster('b')), ['querynode'])).toBe('operator b querynode');
		expect(member(labels, deployed(labels, {}, {}, milvus('b'), milvusCluster('whole')), ['querynode'])).toBe('operator whole querynode');
	});

	test('the standalone of an old operator, whose component is called milvus', () => {
		const labels = { ...app('milvus', 'b'), ...ofOperator, ...componentOfOperator('milvus') };
		expect(member(labels, deployed(labels, {}, {}, milvus('b')), ['milvus'])).toBe('operator b standalone');
	});

	test('what `helm template`, Argo CD or kubectl made of the chart, but of no release', () => {
		expect(member(helmPod, deployed(helmPod, chart('milvus-5.0.19')), ['querynode'])).toBe('unmanaged search querynode');
		const byArgo = { ...chart('milvus-5.0.19'), 'argocd.argoproj.io/instance': 'search' };
		expect(member(helmPod, deployed(helmPod, byArgo), ['querynode'])).toBe('unmanaged search querynode');
		const byFlux = { ...chart('milvus-5.0.19'), 'helm.toolkit.fluxcd.io/name': 'search' };
		expect(member(helmPod, deployed(helmPod, byFlux, release('search')), ['querynode'])).toBe('helm search querynode');
	});

	test('a pod made by hand to try something out', () => {
		const labels = { 'app.kubernetes.io/name': 'milvus', 'helm.sh/chart': 'milvus' };
		expect(member(labels, nobody)).toBe('unmanaged some-pod-0');
		expect(member({ 'helm.sh/chart': 'milvus-5.0.19' }, nobody)).toBe('unmanaged some-pod-0');
	});

	test('a Deployment made by hand, one instance whatever its pods are called', () => {
		const labels = { 'app.kubernetes.io/name': 'milvus' };
		expect(member(labels, deployed(labels, {}))).toBe('unmanaged x');
		expect(member(labels, stateful(labels, {}))).toBe('unmanaged x');
		expect(member(labels, { ancestors: [ancestor('v1', 'Node', 'worker-1')], isComplete: true })).toBe('unmanaged some-pod-0');
	});

	test('a pod that has the labels of the operator and no owner: believed to be Milvus, and no more', () => {
		const forged = { ...app('milvus', 'b'), ...ofOperator, ...componentOfOperator('proxy'), 'milvus.io/instance': 'victim' };
		expect(member(forged, nobody, ['proxy'])).toBe('unmanaged victim proxy');
		expect(member(forged, deployed(forged, {}), ['proxy'])).toBe('unmanaged victim proxy');
	});

	test('a pod whose owners the API does not tell: its labels are believed', () => {
		const operatorPod = { ...app('milvus', 'b'), ...ofOperator, ...componentOfOperator('proxy') };
		expect(member(helmPod, unknown, ['querynode'])).toBe('helm search querynode');
		expect(member(operatorPod, unknown, ['proxy'])).toBe('operator b proxy');
	});

	test('a pod of which the API tells some owners: what they say counts, and labels for the rest', () => {
		const upTo = (lineage: Lineage, count: number): Lineage => ({ ancestors: lineage.ancestors.slice(0, count), isComplete: false });
		// A ReplicaSet has the annotations of its Deployment.
		expect(member(helmPod, upTo(deployed(helmPod, chart('milvus-5.0.19'), release('other')), 1), ['querynode'])).toBe(
			'helm other querynode',
		);
		expect(member(helmPod, upTo(deployed(helmPod, {}, {}, milvus('b'), milvusCluster('c')), 3), ['querynode'])).toBe(
			'operator b querynode',
		);
		expect(member(helmPod, upTo(deployed(helmPod, {}), 1), ['querynode'])).toBe('helm search querynode');
	});

	test('what the configuration says that it is', () => {
		const own = { helmReleaseLabels: ['team=vectors'], operatorLabels: [] };
		const pod = { namespace: 'a', name: 'p', labels: { team: 'vectors' }, containers: [{ name: 'server' }] };
		expect(mayBeMilvus(pod, own)).toBe(true);
		expect(membershipOf(pod, nobody, own)).toEqual({ instance: { namespace: 'a', name: 'p', kind: 'unmanaged' } });
		expect(membershipOf({ ...pod, labels: { 'app.kubernetes.io/name': 'milvus' } }, nobody, own)).toBeUndefined();
	});
});

describe('not of Milvus, however near it stands, is', () => {
	const inRelease = release('search');
	const beside: readonly (readonly [string, Labels, Lineage, (readonly string[])?])[] = [
		[
			'etcd in the release',
			{ ...app('etcd', 'search'), ...chart('etcd-8.12.0') },
			stateful(app('etcd', 'search'), chart('etcd-8.12.0'), inRelease),
		],
		[
			'kafka',
			{ ...app('kafka', 'search'), ...componentOfOperator('kafka'), ...chart('kafka-15.5.1') },
			stateful(app('kafka', 'search'), chart('kafka-15.5.1'), inRelease),
		],
		[
			'zookeeper',
			{ ...app('zookeeper', 'search'), ...componentOfOperator('zookeeper'), ...chart('zookeeper-8.1.2') },
			stateful(app('zookeeper', 'search'), chart('zookeeper-8.1.2'), inRelease),
		],
		['minio', { app: 'minio', release: 'search' }, deployed({ app: 'minio', release: 'search' }, { chart: 'minio-8.0.17' }, inRelease)],
		[
			"pulsar's proxy, a component that Milvus has too",
			{ app: 'pulsar', release: 'search', cluster: 'search-pulsar', component: 'proxy' },
			stateful({ app: 'pulsar', component: 'proxy' }, { chart: 'pulsar-2.7.8' }, inRelease),
			['search-pulsar-proxy'],
		],
		[
			"pulsar v3's proxy",
			{ app: 'pulsarv3', release: 'search', cluster: 'search-pulsarv3', component: 'proxy' },
			stateful({ app: 'pulsarv3', component: 'proxy' }, { chart: 'pulsar-3.3.0' }, inRelease),
			['search-pulsarv3-proxy'],
		],
		[
			"pulsar's proxy, whose owners are unknown",
			{ app: 'pulsarv3', release: 'search', component: 'proxy' },
			unknown,
			['search-pulsarv3-proxy'],
		],
		[
			'a job of pulsar',
			{ 'job-name': 'search-pulsarv3-init', 'controller-uid': 'u' },
			{ ancestors: [ancestor('batch/v1', 'Job', 'x')], isComplete: true },
		],
		['tei, the embedding server', app('tei', 'search'), stateful(app('tei', 'search'), chart('tei-1.6.0'), inRelease)],
		[
			'attu, which has the labels of the release',
			{ ...app('milvus', 'search'), component: 'attu', team: 'search' },
			deployed({ ...app('milvus', 'search'), component: 'attu' }, chart('milvus-5.0.19'), inRelease),
			['attu'],
		],
		[
			'woodpecker, which has them too',
			{ ...app('milvus', 'search'), component: 'woodpecker' },
			stateful({ ...app('milvus', 'search'), component: 'woodpecker' }, chart('milvus-5.0.19'), inRelease),
			['woodpecker'],
		],
		[
			'woodpecker under an overridden name',
			{ ...app('vectordb', 'search'), component: 'woodpecker' },
			stateful({ ...app('vectordb', 'search'), component: 'woodpecker' }, chart('milvus-5.0.19'), inRelease),
			['woodpecker'],
		],
		[
			'the operator, installed by Helm',
			app('milvus-operator', 'milvus-operator'),
			deployed(app('milvus-operator', 'milvus-operator'), chart('milvus-operator-1.3.8'), release('milvus-operator')),
			['manager'],
		],
		['the operator, installed by kustomize', { 'control-plane': 'controller-manager' }, deployed({}, {}), ['manager']],
		[
			'etcd in a release that the operator made',
			{ ...app('etcd', 'b-etcd'), ...chart('etcd-8.12.0') },
			stateful(app('etcd', 'b-etcd'), chart('etcd-8.12.0'), release('b-etcd')),
		],
		['minio in a release that the operator made', { app: 'minio', release: 'b-minio' }, deployed({ app: 'minio' }, {}, release('b-minio'))],
		[
			'a pod that the operator runs for an upgrade',
			{ 'milvus.io/upgrade': 'up', 'milvus.io/task-kind': 'backup-meta' },
			{ ancestors: [ancestor('milvus.io/v1beta1', 'MilvusUpgrade', 'up')], isComplete: true },
		],
		['a proxy of somebody else', { component: 'proxy', app: 'web' }, deployed({ component: 'proxy' }, {}), ['proxy']],
		['something in a release that is called milvus', { ...app('grafana', 'milvus'), ...chart('grafana-8.0.0') }, nobody],
		['a pod without labels', {}, nobody],
	];
	for (const [what, labels, lineage, containers] of beside)
		test(what, () => {
			expect(member(labels, lineage, containers)).toMatch(/^not /);
		});

	test('what belongs to another resource of the group milvus.io, whatever its labels', () => {
		const lineage = { ancestors: [ancestor('milvus.io/v1beta1', 'MilvusUpgrade', 'up')], isComplete: true };
		expect(member({ component: 'standalone' }, lineage, ['standalone'])).toBe('not Milvus');
		expect(member({ component: 'standalone' }, { ...lineage, ancestors: [ancestor('example.com/v1', 'Milvus', 'm')] })).toBe('not Milvus');
	});

	test('what many pods are: nobody asks the API who owns them', () => {
		expect(member({ 'k8s-app': 'kube-dns' }, nobody)).toBe('not asked');
		expect(member({ ...app('milvus', 'search'), component: 'attu' }, nobody)).toBe('not asked');
		expect(member({ ...app('etcd', 'search'), ...chart('etcd-8.12.0') }, nobody)).toBe('not asked');
	});
});

describe('the container that runs Milvus', () => {
	const running = (labels: Labels, names: readonly string[]) =>
		names.filter((name) => runsMilvus({ labels, containers: names.map((one) => ({ name: one })) }, name));

	test('is called as the component, before or behind sidecars', () => {
		expect(running({ component: 'querynode' }, ['istio-proxy', 'querynode', 'vector'])).toEqual(['querynode']);
		expect(running({ component: 'querynode' }, ['proxy', 'querynode'])).toEqual(['querynode']);
		expect(running(componentOfOperator('standalone'), ['standalone'])).toEqual(['standalone']);
	});

	test('else is called as any component, else is the first', () => {
		expect(running({}, ['istio-proxy', 'milvus'])).toEqual(['milvus']);
		expect(running({ component: 'querynode' }, ['istio-proxy', 'standalone'])).toEqual(['standalone']);
		expect(running({}, ['server', 'istio-proxy'])).toEqual(['server']);
	});
});
