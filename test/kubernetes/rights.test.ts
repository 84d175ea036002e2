import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';
import { installation } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { root } from '../support/crash.ts';
import { crashReports } from '../support/crash-reports.ts';
import { type Account, grantsIn, grantsOf, installed } from '../support/kubernetes/account.ts';
import type { Stored } from '../support/kubernetes/api.ts';
import { attempts, isAmong, passed } from '../support/kubernetes/attempts.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { crashLoop } from '../support/kubernetes/crash-loop.ts';
import { helmRelease } from '../support/kubernetes/helm-release.ts';
import { defineMilvus, operatorInstance } from '../support/kubernetes/milvus-operator.ts';
import { operatorPod } from '../support/kubernetes/operator-stand-in/operator-pod.ts';
import { playKubelet } from '../support/kubernetes/played-kubelet.ts';
import { rendered } from '../support/kubernetes/rendered.ts';

type Variant = Account & { readonly rights: readonly Right[] };

const ofChart = (namespace: string) => rendered(namespace, '--show-only', 'templates/rbac.yaml');
const ofPlain = async (namespace: string) =>
	readFileSync(join(root, 'deploy/rbac.yaml'), 'utf8').replaceAll(/^( +namespace:) default$/gm, `$1 ${namespace}`);

const variants: Readonly<Record<string, Variant>> = {
	"the chart's node agent": { account: 'milvus-coredump-agent', rights: nodeAgentRights, manifests: ofChart },
	"the chart's controller": { account: 'milvus-coredump-agent-controller', rights: controllerRights, manifests: ofChart },
	'the agent of the plain manifests': {
		account: 'milvus-coredump-agent',
		rights: [...nodeAgentRights, ...controllerRights],
		manifests: ofPlain,
	},
};

describeKubernetes('rights', () => {
	for (const [name, variant] of Object.entries(variants)) {
		test(`of ${name} are those that are listed, and no others`, async () => {
			await using scenery = await installed(variant);
			const { namespace } = scenery;
			expect(await grantsOf(scenery, namespace)).toEqual(grantsIn(variant.rights));
			expect(await grantsOf(scenery, 'kube-system')).toEqual(grantsIn(variant.rights.filter(({ isOfOwn }) => !isOfOwn)));
		});

		test(`of ${name} let pass what it asks for, and refuse all else that is tried`, async () => {
			await using scenery = await installed(variant);
			const { cluster, namespace, as } = scenery;
			const all = await attempts(cluster, namespace);
			const allowed = await passed(as, all);
			expect(allowed).toEqual(all.filter((attempt) => isAmong(variant.rights, attempt)).map(({ what }) => what));
			const impersonating = as.kubectl('--as', 'admin', '-n', namespace, 'get', 'pods');
			await expect(impersonating).rejects.toMatchObject({ stderr: expect.stringContaining('cannot impersonate resource "users"') });
			expect(all.length - allowed.length).toBeGreaterThan(100);
			// Each right was tried.
			const tried = (right: Right, verb: string) =>
				all.some((attempt) => attempt.right.resource === right.resource && attempt.right.verb === verb);
			expect(variant.rights.flatMap((right) => right.verbs.filter((verb) => !tried(right, verb)))).toEqual([]);
		});
	}

	test('of the node agent suffice: it tells of crashes, and doctor misses none', async () => {
		await using scenery = await installed(variants["the chart's node agent"] as Variant);
		const { cluster, namespace, kubeconfig } = scenery;
		await using home = await installation({ collector: { correlationTimeout: '1s', journaldPath: '/nowhere' } });
		await using place = await cluster.namespace();
		const node = await cluster.node();
		const components = { querynode: 1 };
		const { pods } = await helmRelease(cluster, { namespace: place.name, node, release: 'search', chart: 'milvus-5.0.19', components });
		const played = playKubelet(cluster, pods[0] as Stored);
		await played.run(new Date(Date.now() - 3600_000));
		const agent = await home.startOn(kubeconfig, node);
		await agent.line('publisher is ready');
		await played.crash({ exitCode: 137, reason: 'OOMKilled' });
		const reports = () => cluster.list(`/apis/diagnostics.milvus.io/v1alpha1/namespaces/${place.name}/crashreports`);
		await expect.poll(async () => (await reports())[0]?.status?.summary?.what, { timeout: 60_000 }).toBe('OOMKilled');
		const events = () => cluster.list(`/api/v1/namespaces/${place.name}/events?fieldSelector=source=milvus-coredump-agent`);
		await expect.poll(async () => (await events()).length, { timeout: 60_000 }).toBe(2);
		await agent.stop();
		expect(agent.lines.filter(({ msg }) => /right|forbidden/i.test(msg))).toEqual([]);
		const { stdout } = await cli(['doctor', '--kubeconfig', kubeconfig, '--node', node], { environment: { POD_NAMESPACE: namespace } });
		expect(stdout).toMatch(/^ok +rights: all that the agent needs/m);
		expect(stdout).toContain(`system:serviceaccount:${namespace}:milvus-coredump-agent`);
	});
	test('of the controller suffice: it says of an instance that does nothing but crash what it may know of it', async () => {
		await using scenery = await installed(variants["the chart's controller"] as Variant);
		const { cluster, namespace, kubeconfig } = scenery;
		await defineMilvus(cluster);
		await using reports = await crashReports(cluster);
		const place = { namespace: reports.namespace, node: await cluster.node() };
		const helm = await helmRelease(cluster, { ...place, release: 'search', chart: 'milvus-5.0.19', components: { standalone: 1 } });
		const operator = await operatorInstance(cluster, { ...place, name: 'vectors', mode: 'standalone' });
		await operatorPod(cluster, place);
		const loop = (pod: Stored, name: string, kind: 'helm' | 'operator', first: number) =>
			crashLoop(cluster, { reports, pod, instance: { name, kind }, first });
		await loop(helm.pods[0] as Stored, 'search', 'helm', 0);
		await loop(operator.pods[0] as Stored, 'vectors', 'operator', 10);
		await using home = await installation({ cleaner: { cleanupDelay: '1s' }, discovery: { namespaces: [reports.namespace] } });
		const args = ['--config', home.config, '--kubeconfig', kubeconfig, '--role', 'controller'];
		const agent = await home.start({ POD_NAMESPACE: namespace, POD_NAME: 'controller' }, [], args);
		const cleanups = () => cluster.list(`/apis/diagnostics.milvus.io/v1alpha1/namespaces/${reports.namespace}/instancecleanups`);
		const told = async () => (await cleanups()).map(({ spec, status }) => `${spec.instance} ${status?.phase} ${status?.contents.is}`);
		await expect.poll(told, { timeout: 90_000, interval: 500 }).toEqual(['search DryRun unknown', 'vectors DryRun unknown']);
		const events = () => cluster.list(`/api/v1/namespaces/${reports.namespace}/events?fieldSelector=source=milvus-coredump-agent`);
		await expect.poll(async () => (await events()).length, { timeout: 30_000 }).toBe(4);
		await agent.stop();
		expect(agent.lines.filter(({ msg }) => /lacks|refuses/i.test(msg))).toEqual([]);
		await cluster.call('DELETE', `/apis/diagnostics.milvus.io/v1alpha1/namespaces/${reports.namespace}/instancecleanups`);
	});
});
