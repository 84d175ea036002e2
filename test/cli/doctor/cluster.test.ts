import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controllerRights, nodeAgentRights, opinionsName } from '../../../src/domain/rights.ts';
import { cli } from '../../support/cli.ts';
import { cliInContainer, host } from '../../support/container.ts';
import { mountTest, root, temporaryFolder } from '../../support/crash.ts';
import { type Cluster, unique } from '../../support/kubernetes/cluster.ts';
import { controlPlane, describeKubernetes, sharedControlPlane } from '../../support/kubernetes/control-plane.ts';
import { helmRelease } from '../../support/kubernetes/helm-release.ts';
import { find } from '../../support/kubernetes/programs.ts';
import { unmanagedPod } from '../../support/kubernetes/unmanaged-pod.ts';

const group = 'rbac.authorization.k8s.io';

/** As RBAC has them. */
type Rule = { readonly [key in 'apiGroups' | 'resources' | 'verbs']: readonly string[] } & { readonly resourceNames?: readonly string[] };

/** All that the agent on a node needs. */
const needed: readonly Rule[] = [
	{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
	{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
	{ apiGroups: ['apps'], resources: ['replicasets', 'deployments', 'statefulsets'], verbs: ['get'] },
	{ apiGroups: ['milvus.io'], resources: ['milvuses', 'milvusclusters'], verbs: ['get'] },
	{ apiGroups: [''], resources: ['events'], verbs: ['list', 'create', 'patch'] },
	{ apiGroups: ['diagnostics.milvus.io'], resources: ['crashreports'], verbs: ['get', 'list', 'create', 'patch'] },
	{ apiGroups: ['diagnostics.milvus.io'], resources: ['crashreports/status'], verbs: ['patch'] },
	{ apiGroups: [''], resources: ['configmaps'], resourceNames: [opinionsName], verbs: ['get', 'update'] },
];

/** A service account, which may do something in one namespace or in all. @returns path of its kubeconfig */
async function account(cluster: Cluster, namespace: string, rules: readonly Rule[], isOfAll: boolean): Promise<string> {
	const name = unique('agent');
	await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
	const kind = isOfAll ? 'ClusterRole' : 'Role';
	const metadata = { name, ...(isOfAll ? {} : { namespace }) };
	await cluster.create({ apiVersion: `${group}/v1`, kind, metadata, rules });
	await cluster.create({
		...{ apiVersion: `${group}/v1`, kind: `${kind}Binding`, metadata },
		roleRef: { apiGroup: group, kind, name },
		subjects: [{ kind: 'ServiceAccount', name, namespace }],
	});
	return cluster.kubeconfigOf(namespace, name);
}

/** What is told of the cluster, a line each. */
async function doctor(kubeconfig: string, node: string, ...args: readonly string[]) {
	const { stdout, stderr, code } = await cli(['doctor', '--kubeconfig', kubeconfig, '--node', node, ...args]);
	expect(stderr).toBe('');
	expect(code).toBe(1); // at least the folder of the cores is not there
	return clusterLines(stdout);
}

function clusterLines(stdout: string): string[] {
	const told = stdout.trimEnd().split(/\n(?=ok|warning|error)/);
	const from = told.findIndex((line) => /^\w+ +API server:/.test(line));
	return told.slice(from).map((line) => line.replace(/^(\w+) +/, '$1 ').replace(/\n\s+→ /, ' → '));
}

const startingWith = (start: string) => expect.stringMatching(new RegExp(`^${RegExp.escape(start)}`));
const noReports = startingWith(
	'warning CrashReports: the CustomResourceDefinition crashreports.diagnostics.milvus.io is not installed: crashes are told only by each node for itself → kubectl apply -f deploy/crds/crashreports.yaml',
);
const noPodLogs = startingWith('warning discovery.podLogsPath: /host/var/log/pods can not be read (ENOENT)');

describeKubernetes('doctor on a cluster', () => {
	test('tells what it finds: server, user, rights, node, and whose pods are on it', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const release = { namespace: namespace.name, node, chart: 'milvus-5.0.19', attu: true, dependencies: ['etcd'] } as const;
		await helmRelease(cluster, { ...release, release: 'search', components: { proxy: 1, querynode: 2 } });
		await unmanagedPod(cluster, { namespace: namespace.name, node });
		await unmanagedPod(cluster, { namespace: namespace.name, name: 'elsewhere' });
		const agent = await account(cluster, namespace.name, needed, true);
		expect(await doctor(agent, node)).toEqual([
			expect.stringMatching(
				new RegExp(`^ok API server: https://\\S+, Kubernetes v1\\.\\d+\\.\\d+, as system:serviceaccount:${namespace.name}:agent-\\w+$`),
			),
			'ok rights: all that the agent needs (13 kinds)',
			noReports,
			`ok node: ${node} has 6 pods`,
			`ok Milvus on this node: 4 of 6 pods: ${namespace.name}/search (helm): proxy 1, querynode 2; ${namespace.name}/test-crash-pod (unmanaged): no component 1`,
			noPodLogs,
		]);
		expect(await doctor(cluster.kubeconfig, node)).toContain(`ok node: ${node} is there`);
		const noNode = await doctor(cluster.kubeconfig, 'no-such-node');
		expect(noNode).toContain(
			'error node: there is no node no-such-node → name it by --node or $NODE_NAME (in a pod: fieldRef spec.nodeName)',
		);
		expect(noNode).toContain('ok Milvus on this node: none of the 0 pods is Milvus');
	});

	test('tells each right that is missing, and what is lost without it', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		const nothing = await account(cluster, namespace.name, [], true);
		const lines = (await doctor(nothing, node)).filter((line) => / rights:/.test(line));
		const text = lines
			.map((line) => `${line.replaceAll(/\bagent-[0-9a-f]{8}\b/g, 'agent').replaceAll(namespace.name, 'milvus')}\n`)
			.join('');
		await expect(text).toMatchFileSnapshot('../../fixtures/doctor/missing-rights.txt');

		const fewer = needed.map((rule) => ({ ...rule, verbs: rule.verbs.filter((verb) => verb !== 'watch' && verb !== 'patch') }));
		const told = await doctor(
			await account(
				cluster,
				namespace.name,
				fewer.filter(({ verbs }) => verbs.length > 0),
				true,
			),
			node,
		);
		expect(told.filter((line) => / rights:/.test(line))).toEqual([
			startingWith('error rights: may not watch pods in all namespaces: no pod of this node is known'),
			startingWith('warning rights: may not patch events in all namespaces'),
			startingWith('warning rights: may not patch crashreports.diagnostics.milvus.io in all namespaces'),
			startingWith('warning rights: may not patch crashreports.diagnostics.milvus.io/status in all namespaces'),
		]);
	});

	test('asks for rights only in the namespaces that are looked at, but for the pods of the node', async () => {
		const cluster = await sharedControlPlane();
		await using one = await cluster.namespace();
		await using two = await cluster.namespace();
		await using folder = await temporaryFolder();
		const config = join(folder.path, 'config.yaml');
		writeFileSync(config, `discovery: { namespaces: [${one.name}, ${two.name}] }\n`);
		const inOne = await account(cluster, one.name, needed, false);
		const told = (await doctor(inOne, await cluster.node(), '--config', config)).filter((line) => / rights:/.test(line));
		expect(told[0]).toEqual(startingWith('error rights: may not list, watch pods in all namespaces'));
		expect(told[1]).toEqual(startingWith(`warning rights: may not get pods in ${two.name}: `));
		expect(told).toHaveLength(13);
	});

	test('asks a controller for nothing of a node, and who does both for all', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const ofAll = [{ apiGroups: ['diagnostics.milvus.io'], resources: ['crashreports'], verbs: ['list', 'watch'] }];
		const who = await account(cluster, namespace.name, ofAll, true);
		const { stdout } = await cli(['doctor', '--kubeconfig', who, '--role', 'controller'], {
			environment: { POD_NAMESPACE: namespace.name },
		});
		const lines = stdout
			.replaceAll(/agent-\w{8}\b/g, 'agent')
			.replaceAll(namespace.name, 'milvus')
			.split(/\n(?=\w)/);
		expect(lines.map((line) => line.replace(/\s+/g, ' ').trim())).toEqual([
			'ok configuration: the defaults (node)',
			startingWith('ok API server: '),
			'warning rights: may not delete crashreports.diagnostics.milvus.io in all namespaces: they stay for ever, and fill etcd → add to the role of system:serviceaccount:milvus:agent: {apiGroups: ["diagnostics.milvus.io"], resources: ["crashreports"], verbs: [delete]}',
			...[
				...['list pods', 'get namespaces', 'get replicasets.apps', 'get deployments.apps', 'get statefulsets.apps'],
				...['get milvuses.milvus.io', 'get milvusclusters.milvus.io', 'list milvusupgrades.milvus.io'],
				...['list, create, patch, delete instancecleanups.diagnostics.milvus.io', 'patch instancecleanups.diagnostics.milvus.io/status'],
			].map((right) => startingWith(`warning rights: may not ${right} in all namespaces: instances `)),
			startingWith('warning rights: may not create events in all namespaces: '),
			'error rights: may not get, update leases.coordination.k8s.io in milvus: it does nothing → add to the role of system:serviceaccount:milvus:agent: {apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: [milvus-coredump-agent-controller], verbs: [get, update]}',
			'error rights: may not create leases.coordination.k8s.io in milvus: it does nothing → add to the role of system:serviceaccount:milvus:agent: {apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: [create]}',
			expect.stringContaining('CrashReports: '),
			expect.stringContaining('InstanceCleanups: '),
		]);
		const node = await cluster.node();
		expect(await doctor(cluster.kubeconfig, node, '--role', 'both')).toContain(
			`ok rights: all that the agent needs (${nodeAgentRights.length + controllerRights.length} kinds)`,
		);
	});

	test('asks a controller that enforces for the rights to remove, and for helm', async () => {
		const cluster = await sharedControlPlane();
		await using own = await cluster.namespace();
		await using listed = await cluster.namespace();
		await using folder = await temporaryFolder();
		const config = join(folder.path, 'config.yaml');
		const told = async (cleaner: object, who = cluster.kubeconfig, path = folder.path) => {
			writeFileSync(config, JSON.stringify({ cleaner }));
			const { stdout } = await cli(['doctor', '--kubeconfig', who, '--role', 'controller', '--config', config], {
				environment: { POD_NAMESPACE: own.name, PATH: path },
				program: [process.execPath, join(root, 'src/main.ts')],
			});
			const lines = stdout
				.replaceAll(own.name, 'agents')
				.replaceAll(listed.name, 'milvus')
				.split(/\n(?=\w)/);
			return lines.map((line) => line.replace(/\s+/g, ' ').trim()).filter((line) => / (rights to remove|helm):/.test(line));
		};
		const enforce = { mode: 'enforce', namespaces: [listed.name] };
		for (const none of [{}, { mode: 'enforce' }, { namespaces: [listed.name] }, { ...enforce, enabled: false }])
			expect(await told(none)).toEqual([]);

		const noHelm =
			'error helm: is not installed: Helm releases are not removed → take the image of the agent, which has it, or install Helm 4';
		const all = 'ok rights to remove: all that it takes in milvus';
		expect(await told(enforce)).toEqual([all, noHelm]);
		const program = join(await find('helm'), 'helm');
		symlinkSync(program, join(folder.path, 'helm'));
		expect(await told(enforce)).toEqual([all, expect.stringMatching(/^ok helm: v4\.\d+\.\d+$/)]);
		await using other = await temporaryFolder();
		writeFileSync(join(other.path, 'helm'), '#!/bin/sh\necho v3.19.0\n', { mode: 0o755 });
		expect((await told(enforce, undefined, other.path)).at(-1)).toContain('error helm: is v3.19.0, and not Helm 4: ');

		const secrets = [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'update'] }];
		const some = await account(cluster, listed.name, secrets, false);
		const [saving, operator, ofHelm] = await told({ ...enforce, allowVolumeLoss: true }, some);
		expect(saving).toContain(
			'warning rights to remove: may not get secrets, list secrets, create secrets, 2 more in agents: nothing can be saved, and so nothing is removed → give them by',
		);
		expect(operator).toContain(
			'may not list services, list configmaps, list persistentvolumeclaims, 6 more in milvus: instances of the operator',
		);
		expect(ofHelm).toMatch(
			/may not delete secrets, get services, list services, \d+ more in milvus: Helm releases are not removed there, .*; Helm releases with such claims are not removed there → give them by the value cleaner.helmReleases of the chart/,
		);
	});

	test('sees that the CustomResourceDefinition is installed', async () => {
		await using cluster = await controlPlane();
		const names = { kind: 'CrashReport', plural: 'crashreports', singular: 'crashreport', listKind: 'CrashReportList' };
		const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
		const version = { name: 'v1alpha1', served: true, storage: true, schema };
		const definition = (subresources: object) => ({
			apiVersion: 'apiextensions.k8s.io/v1',
			kind: 'CustomResourceDefinition',
			metadata: { name: 'crashreports.diagnostics.milvus.io' },
			spec: { group: 'diagnostics.milvus.io', scope: 'Namespaced', names, versions: [{ ...version, subresources }] },
		});
		await cluster.create(definition({ status: {} }));
		await expect
			.poll(() => doctor(cluster.kubeconfig, 'any'), { timeout: 30_000, interval: 500 })
			.toContain('ok CrashReports: diagnostics.milvus.io/v1alpha1 is installed');
		expect(await doctor(cluster.kubeconfig, 'any', '--role', 'both')).toContain(
			'warning InstanceCleanups: the CustomResourceDefinition instancecleanups.diagnostics.milvus.io is not installed: instances that do nothing but crash are not told of → kubectl apply -f deploy/crds/instancecleanups.yaml',
		);
	});

	test('says in one line why there is no cluster, and checks the rest', async () => {
		await using cluster = await controlPlane();
		await cluster.stopApi();
		expect(await doctor(cluster.kubeconfig, 'any')).toEqual([
			expect.stringMatching(
				/^error API server: can't get \/version at https:\S+: nothing listens there \(connection refused\) → see that the address, /,
			),
			noPodLogs,
		]);
		await using folder = await temporaryFolder();
		const none = join(folder.path, 'none');
		expect(await doctor(none, 'any')).toEqual([
			`error API server: kubeconfig ${none}: there is no such file → name the cluster with --kubeconfig`,
			noPodLogs,
		]);
	});

	mountTest('weighs the limits of the node against what its pods may need', async () => {
		const cluster = await sharedControlPlane();
		await using namespace = await cluster.namespace();
		const node = await cluster.node();
		await using machine = await host();
		for (const folder of ['var/crash', 'var/log/pods', 'var/lib/systemd/coredump', 'etc/systemd']) machine.folder(folder);
		machine.write('usr/lib/systemd/system/systemd-coredump.socket', '[Socket]\nMaxConnections=16\n');
		machine.write('usr/lib/systemd/system/systemd-coredump@.service', '[Service]\nRuntimeMaxSec=5min\n');
		machine.write('usr/lib/systemd/libsystemd-shared-252.so', '');
		machine.write('config.yaml', 'collector: { coredumpPath: /host/var/crash }\n');
		const pod = (name: string, mountPath: string, memory: string) =>
			cluster.create({
				apiVersion: 'v1',
				kind: 'Pod',
				metadata: { name, namespace: namespace.name, labels: { 'app.kubernetes.io/name': 'milvus' } },
				spec: {
					nodeName: node,
					volumes: [{ name: 'cores', hostPath: { path: '/var/crash' } }],
					containers: [
						{ name: 'milvus', image: 'milvus', resources: { limits: { memory } }, volumeMounts: [{ name: 'cores', mountPath }] },
					],
				},
			});
		await pod('right', '/var/crash', '4Gi');
		await pod('wrong', '/crash', '64Gi');
		const told = async (corePattern: string, ...args: readonly string[]) => {
			const all = ['doctor', '--kubeconfig', cluster.kubeconfig, '--node', node, ...args];
			return (await cliInContainer(machine, { corePattern }, all)).stdout.replaceAll(namespace.name, 'ns');
		};
		const byFile = await told('/var/crash/core.%p', '--config', '/host/config.yaml');
		expect(byFile).toContain(
			"error    core_pattern in containers: /var/crash is looked up in each container's own root, and ns/wrong do not mount it: their cores are lost\n",
		);
		expect(byFile).toContain('ok       discovery.podLogsPath: /host/var/log/pods can be read\n');
		const bySystemd = await told('|/usr/lib/systemd/systemd-coredump %P');
		expect(bySystemd).toContain(
			'warning  coredump.conf: a core of 68.7 GB (ns/wrong, by the limit of its memory) would not be whole: core cut at 34.4 GB\n',
		);
		expect(bySystemd).toContain(
			'warning  systemd-coredump@.service: RuntimeMaxSec=5 min, but a core of 68.7 GB (ns/wrong, by the limit of its memory) takes about 13 min',
		);
	});
});
