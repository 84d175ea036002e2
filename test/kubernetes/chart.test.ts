import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { manifestOf } from '../../src/components/monitor/publisher/manifest.ts';
import { permit } from '../../src/components/opinion/budget.ts';
import { clusterLedger } from '../../src/components/opinion/cluster-ledger.ts';
import { connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';
import type { Manifest, Stored } from '../support/kubernetes/api.ts';
import { type Cluster, unique } from '../support/kubernetes/cluster.ts';
import { type ControlPlane, controlPlane, describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { chart, helm } from '../support/kubernetes/helm.ts';
import { find } from '../support/kubernetes/programs.ts';
import { rendered } from '../support/kubernetes/rendered.ts';
import { podReport } from '../support/pod-report.ts';

const soon = { timeout: 30_000 };
const name = 'milvus-coredump-agent';
const kinds = 'daemonset,deployment,configmap,serviceaccount,role,rolebinding,poddisruptionbudget,networkpolicy,pod';

/** What there is of the agent in a namespace and in the cluster, sorted. */
async function present(cluster: Cluster, namespace: string): Promise<string[]> {
	const inNamespace = await cluster.kubectl('-n', namespace, 'get', kinds, '-l', `app=${name}`, '-o', 'name');
	const inCluster = await cluster.kubectl('get', 'clusterrole,clusterrolebinding', '-l', `app=${name}`, '-o', 'name');
	const all = [...inNamespace.trim().split('\n'), ...inCluster.trim().split('\n')].filter(Boolean);
	return all.filter((one) => !one.startsWith('pod/')).toSorted();
}

/** As an agent writes it. */
function crashReport(namespace: string): Manifest {
	const time = new Date().toISOString();
	const report = podReport({ id: '0123456789ab', time, association: { namespace, pod: 'pod' } });
	const { status, ...manifest } = manifestOf(report, { count: 1, firstTime: time, lastTime: time }, { node: 'node-1', namespace });
	return manifest as unknown as Manifest;
}

/** What asking models has cost, as the node agent keeps it, with its rights. */
async function opinionsIn(cluster: Cluster, namespace: string) {
	const kubeconfig = await cluster.kubeconfigOf(namespace, name);
	return {
		/** @returns what was asked so far */
		async ask(about: string): Promise<string[]> {
			using connected = await connect({ kubeconfig, environment: {} });
			return await clusterLedger({ cluster: connected, namespace }).change((book) => {
				const [next] = permit(book, { about, party: 'node-1', cost: 1, ticket: about }, undefined, Date.now());
				return [next, next.open.map((one) => one.about)];
			}, AbortSignal.timeout(30_000));
		},
	};
}

let plane: Promise<ControlPlane> | undefined;
/** One for the tests of this file that leave nothing in it. */
const shared = () => {
	plane ??= controlPlane();
	return plane;
};
afterAll(async () => (await plane)?.[Symbol.asyncDispose]());

/** A namespace in which the agent may be, of which the rest of the cluster is cleaned at the end of the block. */
async function scene() {
	const cluster = await shared();
	const namespace = await cluster.namespace();
	await cluster.kubectl('label', 'node', await cluster.node(), 'kubernetes.io/os=linux');
	return {
		cluster,
		namespace: namespace.name,
		[Symbol.asyncDispose]: async () => {
			await cluster.kubectl('delete', 'clusterrole,clusterrolebinding', '-l', `app=${name}`);
			await namespace[Symbol.asyncDispose]();
			await cluster.kubectl('delete', 'nodes', '--all');
		},
	};
}

describeKubernetes('the chart on a cluster', () => {
	test('is installed, changed and uninstalled, and leaves the CrashReports', async () => {
		await using cluster = await controlPlane();
		await using namespace = await cluster.namespace();
		const onCluster = ['--kubeconfig', cluster.kubeconfig, '--namespace', namespace.name];
		const daemonSet = () => cluster.call<Stored>('GET', `/apis/apps/v1/namespaces/${namespace.name}/daemonsets/${name}`);
		const configured = async () =>
			(await cluster.call<Stored>('GET', `/api/v1/namespaces/${namespace.name}/configmaps/${name}`)).data['config.yaml'];

		const told = await helm('install', 'crashes', chart, ...onCluster);
		expect(told).toContain('Nothing of Milvus is removed or changed: cleaning is dry-run');
		expect(await present(cluster, namespace.name)).toEqual([
			'clusterrole.rbac.authorization.k8s.io/milvus-coredump-agent',
			'clusterrole.rbac.authorization.k8s.io/milvus-coredump-agent-controller',
			'clusterrolebinding.rbac.authorization.k8s.io/milvus-coredump-agent',
			'clusterrolebinding.rbac.authorization.k8s.io/milvus-coredump-agent-controller',
			'configmap/milvus-coredump-agent',
			'configmap/milvus-coredump-agent-opinions',
			'daemonset.apps/milvus-coredump-agent',
			'deployment.apps/milvus-coredump-agent-controller',
			'poddisruptionbudget.policy/milvus-coredump-agent-controller',
			'role.rbac.authorization.k8s.io/milvus-coredump-agent',
			'role.rbac.authorization.k8s.io/milvus-coredump-agent-controller',
			'rolebinding.rbac.authorization.k8s.io/milvus-coredump-agent',
			'rolebinding.rbac.authorization.k8s.io/milvus-coredump-agent-controller',
			'serviceaccount/milvus-coredump-agent',
			'serviceaccount/milvus-coredump-agent-controller',
		]);
		// As the server keeps it: a field that it does not know would be gone.
		expect(JSON.stringify((await daemonSet()).spec)).toContain('"recursiveReadOnly":"IfPossible"');
		await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd/crashreports.diagnostics.milvus.io');
		await expect.poll(() => cluster.create(crashReport(namespace.name)).catch(String), soon).toMatchObject({ kind: 'CrashReport' });

		const opinions = await opinionsIn(cluster, namespace.name);
		await opinions.ask('one');
		const before = (await daemonSet()).metadata;
		await helm('upgrade', 'crashes', chart, ...onCluster, '--set', 'config.analyzer.valueThreshold=7', '--reuse-values');
		expect(await configured()).toBe('analyzer:\n  valueThreshold: 7\n');
		// The agent reads it anew by itself.
		expect((await daemonSet()).metadata).toMatchObject({ generation: (before as { generation?: number }).generation });

		await helm('upgrade', 'crashes', chart, ...onCluster, '--set', 'roles=together,networkPolicy.enabled=true');
		expect((await present(cluster, namespace.name)).filter((one) => !/role/.test(one))).toEqual([
			'configmap/milvus-coredump-agent',
			'configmap/milvus-coredump-agent-opinions',
			'daemonset.apps/milvus-coredump-agent',
			'networkpolicy.networking.k8s.io/milvus-coredump-agent',
			'serviceaccount/milvus-coredump-agent',
		]);

		await helm('rollback', 'crashes', '1', ...onCluster);
		expect(await opinions.ask('two')).toEqual(['one', 'two']);

		expect(await helm('uninstall', 'crashes', ...onCluster)).toContain('CustomResourceDefinition');
		await expect.poll(() => present(cluster, namespace.name), soon).toEqual([]);
		expect(await cluster.kubectl('-n', namespace.name, 'get', 'crashreports', '-o', 'name')).toContain('pod-0123456789ab');
		await helm('install', 'crashes', chart, ...onCluster);
		await helm('uninstall', 'crashes', ...onCluster);
	});

	test('asks for no more than it must of a namespace that enforces pod security', async () => {
		await using scenery = await scene();
		const { cluster, namespace } = scenery;
		const objects = await rendered(namespace, '--set', 'crds.install=false', '--skip-tests');
		const violations = async (level: string) => {
			await cluster.kubectl('label', '--overwrite', 'namespace', namespace, `pod-security.kubernetes.io/warn=${level}`);
			const { stderr } = await kubectl(cluster, objects, '-n', namespace, 'apply', '--dry-run=server', '-f', '-');
			return stderr.split('\n').filter((line) => line.startsWith('Warning'));
		};
		const hostPaths = /hostPath volumes \((volume "[a-z-]+"|volumes ("[a-z-]+"(, )?)+)\)/;
		const [baseline, ...others] = await violations('baseline');
		expect(others).toEqual([]);
		expect(baseline?.replace(hostPaths, 'HOST')).toBe('Warning: would violate PodSecurity "baseline:latest": HOST');
		const [restricted, ...more] = await violations('restricted');
		expect(more).toEqual([]);
		expect(restricted?.replace(/volumes ("[a-z-]+"(, )?)+ use/, 'VOLUMES use')).toBe(
			'Warning: would violate PodSecurity "restricted:latest": restricted volume types (VOLUMES use restricted volume type "hostPath"), runAsNonRoot != true (pod or container "node-agent" must set securityContext.runAsNonRoot=true), runAsUser=0 (pod must not set runAsUser=0)',
		);

		await cluster.kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
		await kubectl(cluster, objects, '-n', namespace, 'apply', '-f', '-');
		const controllers = () => cluster.list(`/api/v1/namespaces/${namespace}/pods?labelSelector=app.kubernetes.io/component=controller`);
		await expect.poll(async () => (await controllers()).length, soon).toBe(2);
	});
});

describeKubernetes('the plain manifests', () => {
	test('are taken by the API server as they are, the one by hand and those for later too', async () => {
		await using scenery = await scene();
		const { cluster, namespace } = scenery;
		const apply = (...args: readonly string[]) => cluster.kubectl('-n', namespace, 'apply', '--validate=strict', ...args);
		await apply('-f', join(root, 'deploy/crds'));
		const files = ['rbac', 'configmap', 'daemonset', 'test-crash-pod'].flatMap((file) => ['-f', join(root, `deploy/${file}.yaml`)]);
		await apply('--server-side', '--dry-run=server', ...files);
		await apply(...files);
		await using instances = await cluster.namespace();
		const enforce = readFileSync(join(root, 'deploy/enforce.yaml'), 'utf8');
		for (const text of [enforce, enforce.replaceAll(/^# (?= *[a-zA-Z-]+:( |$)| *- |---$| *# )/gm, '')]) {
			const placed = text
				.replaceAll('namespace: default', `namespace: ${namespace}`)
				.replaceAll('namespace: milvus', `namespace: ${instances.name}`);
			await kubectl(cluster, placed, 'apply', '--validate=strict', '-f', '-');
		}
		expect(await present(cluster, namespace)).toContain('daemonset.apps/milvus-coredump-agent');
		expect(await present(cluster, instances.name)).toContain('role.rbac.authorization.k8s.io/milvus-coredump-agent-enforce-helm');
		const { data } = await cluster.call<Stored>('GET', `/api/v1/namespaces/${namespace}/configmaps/${name}`);
		expect(data['config.yaml']).toBe(readFileSync(join(root, 'configs/config.yaml'), 'utf8'));
	});

	test('come and go by deploy.sh, with the image and in the namespace that it is told', async () => {
		await using scenery = await scene();
		const { cluster, namespace } = scenery;
		const image = { IMAGE_NAME: 'registry.example.com:5000/team/agent', IMAGE_TAG: '1.10' };
		const place = { NAMESPACE: namespace };
		const { stdout } = await deploy(cluster, { ...image, ...place, TIMEOUT: '0' });
		expect(stdout).toContain(`registry.example.com:5000/team/agent:1.10 runs in namespace ${namespace}`);
		const pods = () => cluster.list(`/api/v1/namespaces/${namespace}/pods?labelSelector=app=${name}`);
		await expect
			.poll(async () => (await pods()).map(({ spec }) => spec.containers[0].image), soon)
			.toEqual(['registry.example.com:5000/team/agent:1.10']);
		const asAgent = `system:serviceaccount:${namespace}:${name}`;
		expect(await cluster.kubectl('auth', 'can-i', 'list', 'pods', '-A', '--as', asAgent)).toBe('yes\n');
		const { data } = await cluster.call<Stored>('GET', `/api/v1/namespaces/${namespace}/configmaps/${name}`);
		expect(data['config.yaml']).toBe(readFileSync(join(root, 'configs/config.yaml'), 'utf8'));

		const opinions = await opinionsIn(cluster, namespace);
		await opinions.ask('one');
		await deploy(cluster, { ...image, ...place, TIMEOUT: '0' });
		expect(await opinions.ask('two')).toEqual(['one', 'two']);
		await cluster.create(crashReport(namespace));
		await expect(deploy(cluster, { ...place, TIMEOUT: '1s' })).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining('it is not ready everywhere'),
		});

		const gone = await deploy(cluster, place, '--delete');
		expect(gone.stdout).toContain('kubectl --kubeconfig');
		expect(gone.stdout).toContain('rm -r /var/lib/milvus-coredump-agent');
		expect(await present(cluster, namespace)).toEqual([]);
		expect(await cluster.kubectl('-n', namespace, 'get', 'crashreports', '-o', 'name')).toContain('pod-0123456789ab');
		await deploy(cluster, place, '--delete');
	});

	test('are not applied by deploy.sh to a namespace that is not there, or with an argument that it does not know', async () => {
		await using scenery = await scene();
		const { cluster } = scenery;
		const nowhere = unique('nowhere');
		await expect(deploy(cluster, { NAMESPACE: nowhere })).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining(`create namespace ${nowhere}`),
		});
		await expect(deploy(cluster, {}, '--remove')).rejects.toMatchObject({
			code: 2,
			stderr: expect.stringContaining('scripts/deploy.sh [--delete]'),
		});
		expect(await cluster.kubectl('get', 'clusterrole', '-l', `app=${name}`, '-o', 'name')).toBe('');
	});
});

async function kubectl(cluster: Cluster, input: string, ...args: readonly string[]) {
	const running = exec(join(await find('kubernetes'), 'kubectl'), ['--kubeconfig', cluster.kubeconfig, ...args]);
	running.child.stdin?.end(input);
	return running;
}

async function deploy(cluster: Cluster, environment: Readonly<Record<string, string>>, ...args: readonly string[]) {
	const program = `${join(await find('kubernetes'), 'kubectl')} --kubeconfig ${cluster.kubeconfig}`;
	// kubectl keeps there what it has asked.
	await using home = await temporaryFolder();
	return await exec(join(root, 'scripts/deploy.sh'), [...args], {
		env: { PATH: process.env.PATH, HOME: home.path, KUBECTL: program, ...environment },
	});
}
