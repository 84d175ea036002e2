import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { values } from '../../scripts/chart/values.ts';
import { capabilities, hostPaths } from '../../scripts/rbac/host.ts';
import { version } from '../../src/cli/version.ts';
import { loadConfig } from '../../src/config/config.ts';
import { root, temporaryFolder } from '../support/crash.ts';
import type { Manifest, Stored } from '../support/kubernetes/api.ts';
import { chart, describeHelm, helm } from '../support/kubernetes/helm.ts';
import { objectsIn, rendered } from '../support/kubernetes/rendered.ts';

const fixture = (name: string) => join(root, 'test/fixtures/chart', name);
const variants: Readonly<Record<string, readonly string[]>> = {
	default: [],
	together: ['--set', 'roles=together'],
	enforcing: ['--set', 'config.cleaner.mode=enforce,config.cleaner.namespaces={milvus}'],
	everything: ['--values', fixture('everything.values.yaml')],
};

const objectsOf = async (...args: readonly string[]) => objectsIn(await rendered('agents', ...args)) as Stored[];
const find = (objects: readonly Stored[], kind: string, name = 'milvus-coredump-agent') =>
	objects.find((object) => object.kind === kind && object.metadata.name === name) ?? expect.fail(`there is no ${kind} ${name}`);
const podOf = (object: Stored) => object.spec.template.spec;
const agentIn = (objects: readonly Stored[]) => podOf(find(objects, 'DaemonSet'));

/** What helm says when it refuses values. */
const refusal = (...args: readonly string[]) =>
	rendered('agents', ...args).then(
		() => expect.fail('it is taken'),
		(error: { stderr: string }) => error.stderr,
	);

describeHelm('the chart', () => {
	test('has the version of the program', () => {
		expect(parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
	});

	test('has in values.yaml every value that there is, and no other', () => {
		const shape = values.omit({ global: true }).required();
		expect(shape.parse(parse(readFileSync(join(chart, 'values.yaml'), 'utf8')))).toBeDefined();
	});

	for (const [name, args] of Object.entries(variants)) {
		test(`makes what is in ${name}.yaml`, async () => {
			expect(await helm('lint', '--strict', chart, ...args)).toContain('0 chart(s) failed');
			const text = (await rendered('agents', ...args)).replace(
				/\nspec:\n {2}group: diagnostics\.milvus\.io\n[\s\S]*?(?=\n---)/,
				'\nspec: …',
			);
			await expect(text).toMatchFileSnapshot(fixture(`${name}.yaml`));
		});

		test(`selects pods by labels that they have, and no others (${name})`, async () => {
			const objects = await objectsOf(...args);
			const workloads = objects.filter(({ kind }) => ['DaemonSet', 'Deployment'].includes(kind));
			const templates = workloads.map(({ spec }) => spec.template.metadata.labels);
			const fits = (selector: object, labels: Readonly<Record<string, string>>) =>
				Object.entries(selector).every(([key, value]) => labels[key] === value);
			for (const { spec, kind } of workloads) {
				expect(templates.filter((labels) => fits(spec.selector.matchLabels, labels))).toHaveLength(1);
				expect(spec.selector.matchLabels).toEqual({
					app: 'milvus-coredump-agent',
					'app.kubernetes.io/component': kind === 'DaemonSet' ? 'node-agent' : 'controller',
				});
			}
			const budget = objects.find(({ kind }) => kind === 'PodDisruptionBudget');
			if (name === 'together') expect(budget).toBeUndefined();
			else expect(templates.filter((labels) => fits(budget?.spec.selector.matchLabels, labels))).toHaveLength(1);
		});
	}

	test('mounts a share of NFS that the node has, also when it is mounted later, and a folder for cores only where they are kept in one', async () => {
		const stores = async (...sets: readonly string[]) => {
			const pod = agentIn(await objectsOf(...sets.flatMap((one) => ['--set', `config.storage.${one}`])));
			return pod.containers[0].volumeMounts.filter(({ name }: { name: string }) => name === 'store');
		};
		expect(await stores('backend=nfs', 'nfs.path=/mnt/cores')).toEqual([
			{ name: 'store', mountPath: '/mnt/cores', mountPropagation: 'HostToContainer' },
		]);
		expect(await stores('backend=s3', 's3.bucket=cores')).toEqual([]);
		const controllerOf = async (...sets: readonly string[]) => {
			const objects = await objectsOf(...sets.flatMap((one) => ['--set', `config.storage.${one}`]));
			const { containers, securityContext } = podOf(find(objects, 'Deployment', 'milvus-coredump-agent-controller'));
			return {
				uid: securityContext.runAsUser,
				mounts: containers[0].volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath),
			};
		};
		// Who clears the share must see it, as its owner.
		expect(await controllerOf('backend=nfs', 'nfs.path=/mnt/cores')).toMatchObject({
			uid: 0,
			mounts: expect.arrayContaining(['/mnt/cores']),
		});
		expect(await controllerOf()).toEqual({ uid: 65532, mounts: ['/etc/milvus-coredump-agent', '/tmp'] });
		expect(await stores()).toEqual([{ name: 'store', mountPath: '/data/coredumps' }]);
	});

	test('gives the agent the configuration that the values hold, which it takes without a warning', async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'config.yaml');
		for (const args of Object.values(variants)) {
			const { data } = find(await objectsOf(...args), 'ConfigMap');
			writeFileSync(file, data['config.yaml']);
			const paths = { stateHome: '/', corePatternDirectory: '/' };
			const { config, warnings } = loadConfig({ file, mode: 'node', paths });
			expect(warnings.filter((warning) => !warning.includes('aiAnalysis'))).toEqual([]);
			if (args === variants.everything) expect(config.storage.localPath).toBe('/srv/cores');
		}
	});

	test('mounts of the node what rbac.md says, and asks for the capabilities that it says', async () => {
		const pod = agentIn(await objectsOf('--set', 'nodeAgent.readForeignCores=true'));
		const mounted = mountsOf(pod);
		const documented = hostPaths.map(({ path, access }) => ({ path, access: access === 'none' ? 'read' : access }));
		expect(mounted.toSorted(byPath)).toEqual(documented.toSorted(byPath));
		expect(pod.containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'], add: capabilities.map(({ name }) => name) });
		expect(agentIn(await objectsOf()).containers[0].securityContext.capabilities).toEqual({ drop: ['ALL'] });
	});

	test('lets the agent write to the folder of the cores only if it is to remove them', async () => {
		const accessOf = async (...args: readonly string[]) =>
			mountsOf(agentIn(await objectsOf(...args))).find(({ path }) => path === '/var/lib/systemd/coredump')?.access;
		expect(await accessOf()).toBe('read');
		expect(await accessOf('--set', 'config.collector.removeOriginal=afterStored')).toBe('write');
	});

	test('never mounts a socket of the container runtime or of systemd, nor what is above it', async () => {
		for (const args of Object.values(variants)) {
			for (const { path } of mountsOf(agentIn(await objectsOf(...args)))) {
				for (const never of [
					'/run/containerd/containerd.sock',
					'/run/crio/crio.sock',
					'/run/k3s/containerd/containerd.sock',
					'/run/systemd/private',
				])
					expect(`${never}/`.startsWith(`${path}/`)).toBe(false);
			}
		}
	});

	for (const name of ['default', 'enforcing', 'everything'])
		test(`gives no pod both files of the node and the right to delete (${name})`, async () => {
			const objects = await objectsOf(...(variants[name] ?? []));
			const roles = new Map(objects.filter(({ kind }) => /Role$/.test(kind)).map((role) => [`${role.kind} ${role.metadata.name}`, role]));
			for (const { spec } of objects.filter(({ kind }) => ['DaemonSet', 'Deployment'].includes(kind))) {
				const account = spec.template.spec.serviceAccountName;
				const verbs = objects
					.filter(({ kind, subjects }) => /RoleBinding$/.test(kind) && subjects.some(({ name }: Manifest['metadata']) => name === account))
					.flatMap(({ roleRef }) => roles.get(`${roleRef.kind} ${roleRef.name}`)?.rules.flatMap((rule: { verbs: string[] }) => rule.verbs));
				const seesNode = spec.template.spec.volumes.some((volume: object) => 'hostPath' in volume);
				expect({ seesNode, mayDelete: verbs.includes('delete') }).not.toEqual({ seesNode: true, mayDelete: true });
			}
		});

	test('says where instances are removed, and what it takes', async () => {
		const notes = async (...sets: readonly string[]) => {
			const args = ['--dry-run=client', '--namespace', 'agents', ...sets.flatMap((one) => ['--set', one])];
			const { info } = JSON.parse(await helm('install', 'agent', chart, ...args, '--output', 'json'));
			return info.notes.replaceAll(/\s+/g, ' ');
		};
		const [mode, where, all] = ['config.cleaner.mode=enforce', 'config.cleaner.namespaces={search,vectors}', 'cleaner.helmReleases=true'];
		const nothing = 'Nothing of Milvus is removed or changed: ';
		expect(await notes()).toContain(`${nothing}cleaning is dry-run, and these accounts have no right to delete anything but`);
		expect(await notes(mode)).toContain(`${nothing}config.cleaner.mode is enforce, but config.cleaner.namespaces names none. These`);
		expect(await notes(mode, where, 'config.cleaner.enabled=false')).toContain('but config.cleaner.enabled is false. These');
		const told = await notes(mode, where);
		expect(told).toContain(
			'that do nothing but crash are REMOVED in search, vectors (config.cleaner.mode: enforce); elsewhere they are only named:',
		);
		expect(told).toContain('Only custom resources of the operator, no Helm releases');
		expect(told).not.toMatch(/can read all Secrets|volumes go|see files/);
		const most = await notes(mode, where, all, 'config.cleaner.allowVolumeLoss=true', 'roles=together');
		for (const words of [/can read all Secrets/, /whose volumes go with them/, /that see files of the nodes have these rights too/])
			expect(most).toMatch(words);
		expect(most).not.toMatch(/Only custom resources|Nothing of Milvus/);
	});

	test('says what is wrong with a value, and where', async () => {
		expect(await refusal('--set', 'nodeagent.resources=1')).toContain("additional properties 'nodeagent' not allowed");
		expect(await refusal('--set', 'config.collector.watchIntervall=10s')).toContain(
			"at '/config/collector': additional properties 'watchIntervall' not allowed",
		);
		expect(await refusal('--set', 'config.collector.watchInterval=10')).toContain(
			"at '/config/collector/watchInterval': got number, want string",
		);
		expect(await refusal('--set', 'config.collector.watchInterval=10 minutes')).toContain(
			"at '/config/collector/watchInterval': '10 minutes' does not match pattern",
		);
		expect(await refusal('--set', 'config.analyzer.valueThreshold=11')).toContain(
			"at '/config/analyzer/valueThreshold': maximum: got 11, want 10",
		);
		expect(await refusal('--set', 'config.aiAnalysis.apiKey=sk-1')).toContain('a secret: put it into a Secret');
		expect(await refusal('--set', 'config.cleaner.namespaces={*}')).toContain(
			"at '/config/cleaner/namespaces/0': '*' does not match pattern",
		);
		expect(await refusal('--set', 'cleaner.moreKinds[0].kind=Route')).toContain("additional properties 'kind' not allowed");
		expect(await refusal('--set', 'roles=both')).toContain("at '/roles': value must be one of 'separate', 'together'");
	});

	test('says so when the pod could not work with the configuration', async () => {
		expect(await refusal('--set', 'config.storage.localPath=relative')).toContain(
			'config.storage.localPath is relative: it must begin with /',
		);
		expect(await refusal('--set', 'config.analyzer.scratchPath=/scratch')).toContain(
			'config.analyzer.scratchPath is /scratch, which no volume of the pod holds: begin it with /host to name a folder of the node, or mount one by nodeAgent.extraVolumes',
		);
		expect(await refusal('--set', 'config.monitor.healthPort=0')).toContain('config.monitor.metricsPort and healthPort must be real ports');
		const moreKinds = ['--set', 'config.cleaner.mode=enforce,config.cleaner.namespaces={a},cleaner.helmReleases=true'];
		expect(await refusal(...moreKinds, '--set', 'cleaner.moreKinds[0].apiGroup=a.io')).toContain(
			'each of cleaner.moreKinds has an apiGroup, which may be "", and resources',
		);
		for (const of of ['podMonitor', 'prometheusRule'])
			expect(await refusal('--set', `${of}.enabled=true,config.monitor.prometheusEnabled=false`)).toContain(
				`${of}.enabled asks for metrics`,
			);
	});
});

type Pod = {
	readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
	readonly containers: readonly { readonly volumeMounts: readonly { readonly name: string; readonly readOnly?: boolean }[] }[];
};

function mountsOf({ volumes, containers }: Pod) {
	return volumes.flatMap(({ name, hostPath }) => {
		const isWritable = containers.some(({ volumeMounts }) => volumeMounts.some((mount) => mount.name === name && !mount.readOnly));
		return hostPath ? [{ path: hostPath.path, access: isWritable ? 'write' : 'read' }] : [];
	});
}

const byPath = (one: { path: string }, other: { path: string }) => (one.path < other.path ? -1 : 1);
