import { copyFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { type CliResult, cli } from '../support/cli.ts';
import { exec, temporaryFolder } from '../support/crash.ts';
import { type Manifest, ownedBy, pathOf, type Stored } from '../support/kubernetes/api.ts';
import { describeKubernetes } from '../support/kubernetes/control-plane.ts';
import { ownControlPlane } from '../support/kubernetes/definitions.ts';
import { find } from '../support/kubernetes/programs.ts';
import { password, saving } from '../support/kubernetes/saving.ts';
import { until } from '../support/until.ts';

const soon = { timeout: 60_000 };
const kinds = ['deployments', 'statefulsets', 'services', 'configmaps', 'persistentvolumeclaims'] as const;

function cleanupOf(name: string, namespace: string): Manifest {
	const time = '2026-01-02T03:04:05.000Z';
	const target = { apiVersion: 'helm.sh/v1', kind: 'Release', name: 'a', uid: 'b' };
	return {
		...{ apiVersion: 'diagnostics.milvus.io/v1alpha1', kind: 'InstanceCleanup', metadata: { name, namespace } },
		spec: { instance: 'a', kind: 'helm', target, decidedAt: time, dueAt: time, windowSeconds: 3600, limit: 5 },
	};
}

describeKubernetes('restore', () => {
	const own = ownControlPlane();

	/** Takes any status: what is read of it here is added to its schema by who writes it. */
	beforeAll(async () => {
		const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/instancecleanups.diagnostics.milvus.io';
		const definition = await own.cluster.call('GET', path);
		const [version] = definition.spec.versions;
		version.schema.openAPIV3Schema.properties.status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
		await own.cluster.call('PUT', path, definition);
		// It is served so a little after it is told to be.
		const probe = await own.cluster.create(cleanupOf('probe', 'default'));
		const taken = () =>
			own.cluster.call('PATCH', `${pathOf(probe)}/status`, { status: { free: true } }).then(
				({ status }) => status.free,
				() => undefined,
			);
		await until('any status is taken', taken, (isTaken) => isTaken === true);
		await own.cluster.call('DELETE', pathOf(probe));
	}, 60_000);

	async function scene() {
		const [here, home] = [await saving(own.cluster), await temporaryFolder()];
		const { cluster, namespace } = here;
		const programs = [await find('kubernetes'), await find('helm')].join(delimiter);
		const environment = { PATH: [programs, process.env.PATH].join(delimiter), KUBECONFIG: cluster.kubeconfig, HOME: home.path };
		const silent = (result: CliResult) => {
			expect(result.stdout + result.stderr).not.toContain(password);
			return result;
		};
		return {
			...here,
			...{ environment, home: home.path },
			restore: async (...args: readonly string[]) => silent(await cli(['restore', ...args], { environment })),
			/** What stands there as somebody would type it, or hand it to a shell. */
			async shell(commands: string, env: Readonly<Record<string, string>> = environment) {
				const { stdout, stderr } = await exec('sh', ['-ec', commands], { env, cwd: home.path });
				return silent({ code: 0, stdout, stderr });
			},
			/** What makes up an instance, but for what is another each time. */
			async objects() {
				const all: Stored[] = [];
				for (const kind of kinds) all.push(...JSON.parse(await cluster.kubectl('-n', namespace, 'get', kind, '-o', 'json')).items);
				const known = all.filter(({ metadata: { name } }) => !/-scratch$|-farewell$|^kube-root-ca/.test(name));
				return known.map(({ kind, metadata: { name, labels, annotations }, spec = {}, data }) => {
					const { clusterIP, clusterIPs, ...rest } = spec;
					return { kind, name, labels, annotations, data, spec: rest };
				});
			},
			uidOf: async (kind: string, name: string) =>
				(await cluster.kubectl('-n', namespace, 'get', kind, name, '-o', 'jsonpath={.metadata.uid}')) || expect.fail('no uid'),
			/** Waits until all that goes with a release has gone. */
			async removed(release: string) {
				await here.helm('uninstall', release);
				const left = async () =>
					(await here.present('deployments,statefulsets,persistentvolumeclaims')).filter((one) => !/ a-milvus$|data-/.test(one));
				await expect.poll(left, soon).toEqual([]);
			},
			async [Symbol.asyncDispose]() {
				await here[Symbol.asyncDispose]();
				await home[Symbol.asyncDispose]();
			},
			/** With what was written down of it. */
			async cleanup(name: string, status: object) {
				const made = await cluster.create(cleanupOf(name, namespace));
				await cluster.call('PATCH', `${pathOf(made)}/status`, { status });
			},
		};
	}

	test('prints what brings a Helm release back, and a shell does it', { timeout: 240_000 }, async () => {
		await using here = await scene();
		const { namespace, into } = here;
		await here.install('a');
		await here.helm('upgrade', 'a', here.chart, '--reuse-values');
		await expect.poll(async () => (await here.present('persistentvolumeclaims')).length, soon).toBe(2 + 1 + 4);
		const [before, kept] = [await here.objects(), await here.uidOf('pvc', 'a-milvus')];
		const saved = await here.save('a');
		expect(await here.restore(saved.name)).toEqual({
			code: 2,
			stdout: '',
			stderr: `milvus-coredump-agent: nothing is restored: Helm release a of namespace ${namespace} is there (revision 2: deployed); if its objects are not, this makes them: helm --namespace ${namespace} rollback a 2\n`,
		});
		await here.removed('a');
		const { code, stdout, stderr } = await here.restore(saved.name);
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		expect(stdout.trimEnd().split('\n')).toEqual([
			`# Helm release a of namespace ${namespace}, as it was at ${new Date(saved.at).toISOString()}: revision 2, chart milvus-5.0.19`,
			`kubectl --namespace ${into} get secret ${saved.name} --output jsonpath='{.data.restore\\.json}' | base64 -d | kubectl create --filename - &&`,
			`helm --namespace ${namespace} rollback a 2`,
			'# Its crashes of before still count, as far back as cleaner.restartTimeWindow reaches. To keep it from being removed again:',
			`# kubectl --namespace ${namespace} annotate deployments,statefulsets --selector app.kubernetes.io/instance=a diagnostics.milvus.io/keep=true`,
		]);
		await here.shell(stdout);
		await expect.poll(here.objects, soon).toEqual(before);
		expect(await here.uidOf('pvc', 'a-milvus')).toBe(kept);
		expect(JSON.parse(await here.helm('history', 'a', '-o', 'json'))).toMatchObject([
			{ revision: 2, status: 'superseded' },
			{ revision: 3, status: 'deployed', description: 'Rollback to 2' },
		]);
		expect(await here.helm('get', 'values', 'a')).toContain(password);
		await here.shell(stdout.trimEnd().split('\n').at(-1)?.slice(2) ?? '');
		for (const { metadata } of await here.cluster.list(`/apis/apps/v1/namespaces/${namespace}/deployments`))
			expect(metadata.annotations).toMatchObject({ 'diagnostics.milvus.io/keep': 'true' });
		expect((await here.restore(saved.name)).stderr).toContain('is there (revision 3: deployed)\n');
	});

	test('brings a Helm release back, by the name of its InstanceCleanup', { timeout: 240_000 }, async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await here.install('a');
		const [before, kept] = [await here.objects(), await here.uidOf('pvc', 'a-milvus')];
		const older = await here.save('a');
		await here.helm('upgrade', 'a', here.chart, '--reuse-values');
		const saved = await here.save('a');
		await here.removed('a');
		const both = await here.restore('a-0123456789');
		expect(both.code).toBe(2);
		expect(both.stderr).toMatch(
			/^milvus-coredump-agent: several were saved for a-0123456789: .*; give one of these names, and its --namespace\n$/,
		);
		expect(both.stderr).toContain(older.name);

		await here.cleanup('a-0123456789', { phase: 'Done', saved: { ...saved, at: new Date().toISOString() } });
		const on = [
			'--kubeconfig',
			cluster.kubeconfig,
			'--context',
			JSON.parse(await cluster.kubectl('config', 'view', '-o', 'json'))['current-context'],
		];
		const result = await here.restore('a-0123456789', '--apply', ...on);
		expect(result).toEqual({ code: 0, stderr: '', stdout: expect.any(String) });
		expect(result.stdout.trimEnd().split('\n')).toEqual([
			`created: Secret sh.helm.release.v1.a.v2 of namespace ${namespace}, the record of Helm release a of namespace ${namespace}`,
			`rolled back: Helm release a of namespace ${namespace} is as it was at ${new Date(saved.at).toISOString()}: revision 2, chart milvus-5.0.19`,
			'Its crashes of before still count, as far back as cleaner.restartTimeWindow reaches. To keep it from being removed again:',
			`kubectl --kubeconfig ${on[1]} --context ${on[3]} --namespace ${namespace} annotate deployments,statefulsets --selector app.kubernetes.io/instance=a diagnostics.milvus.io/keep=true`,
		]);
		await expect.poll(here.objects, soon).toEqual(before);
		expect(await here.uidOf('pvc', 'a-milvus')).toBe(kept);
		expect(await here.helm('get', 'values', 'a')).toContain(password);
	});

	test('restores nothing while something of a release is there, and says how to go on where it stopped half way', {
		timeout: 240_000,
	}, async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await here.install('a');
		const before = await here.objects();
		const saved = await here.save('a');
		const refused = async () => {
			const printed = await here.restore(saved.name);
			expect(await here.restore(saved.name, '--apply')).toEqual(printed);
			expect(printed).toMatchObject({ code: 2, stdout: '' });
			return printed.stderr.replace('milvus-coredump-agent: nothing is restored: ', '');
		};
		const record = here.secretPath('sh.helm.release.v1.a.v1', namespace);
		await cluster.call('PATCH', record, { metadata: { labels: { status: 'uninstalling' } } });
		expect(await refused()).toBe(
			`the removal of Helm release a of namespace ${namespace} is not over (revision 1: uninstalling); if nobody is at it, helm --namespace ${namespace} uninstall a ends it\n`,
		);
		const slow = `/apis/apps/v1/namespaces/${namespace}/deployments/a-milvus-standalone`;
		const claim = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/a-milvus-logs`;
		for (const path of [slow, claim]) await cluster.call('PATCH', path, { metadata: { finalizers: ['example.org/slow'] } });
		await here.helm('uninstall', 'a');
		expect(await refused()).toBe(
			`Helm release a of namespace ${namespace} is not all gone yet: Deployment a-milvus-standalone is still there\n`,
		);
		await cluster.call('PATCH', slow, { metadata: { finalizers: [] } });
		await expect
			.poll(refused, soon)
			.toBe(`Helm release a of namespace ${namespace} is not all gone yet: PersistentVolumeClaim a-milvus-logs is still there\n`);
		await cluster.call('PATCH', claim, { metadata: { finalizers: [] } });
		await expect.poll(async () => (await here.restore(saved.name)).code, soon).toBe(0);

		const withoutHelm = { ...here.environment, PATH: process.env.PATH ?? '' };
		expect(await cli(['restore', saved.name, '--apply'], { environment: withoutHelm })).toEqual({
			...{ code: 2, stdout: '' },
			stderr: 'milvus-coredump-agent: helm is not installed here: https://helm.sh/docs/intro/install/; nothing was restored\n',
		});
		expect(await here.present('secrets')).toEqual([]);
		const quota = await here.create('v1', 'ResourceQuota', 'none', { spec: { hard: { 'count/services': '0' } } });
		await expect.poll(async () => (await cluster.read(quota)).status?.hard, soon).toBeTruthy();
		const half = await here.restore(saved.name, '--apply');
		expect(half).toMatchObject({ code: 1, stdout: expect.stringMatching(/^created: .*\n$/) });
		const [, words, command = ''] = /^milvus-coredump-agent: (.*); once that is mended: (.*)\n$/.exec(half.stderr) ?? [];
		expect(words).toMatch(/^the record is there again, but not what belongs to it: .*exceeded quota/);
		await cluster.call('DELETE', pathOf(quota));
		await here.shell(command);
		await expect.poll(here.objects, soon).toEqual(before);
	});

	for (const kind of ['Milvus', 'MilvusCluster'] as const)
		test(`brings back a ${kind} of the operator, by its commands and by itself`, async () => {
			await using here = await scene();
			const { cluster, namespace, into } = here;
			const spec = { mode: 'standalone', dependencies: { storage: { inCluster: { values: { secretKey: password } } } } };
			const make = (kind: string, rest: object) =>
				here.create(`milvus.io/${kind === 'Milvus' ? 'v1beta1' : 'v1alpha1'}`, kind, 'c', { spec, ...rest });
			const labels = { team: 'search' };
			const made = await make(kind, { metadata: { labels, finalizers: ['example.org/slow'] } });
			const child = kind === 'MilvusCluster' ? await make('Milvus', { metadata: { ownerReferences: [ownedBy(made)] } }) : undefined;
			const saved = await here.save('c', 'operator');
			const refused = async () =>
				(await here.restore(saved.name, '--apply')).stderr.replace('milvus-coredump-agent: nothing is restored: ', '');
			const what = `${kind} c of namespace ${namespace}`;
			expect(await refused()).toBe(`${what} is there\n`);
			await cluster.call('DELETE', pathOf(made));
			expect(await refused()).toBe(`${what} is being deleted, and not gone yet: is the operator at work?\n`);
			await cluster.call('PATCH', pathOf(made), { metadata: { finalizers: [] } });
			if (child) await expect.poll(() => here.present('milvuses'), soon).toEqual([]);

			const { stdout, stderr, code } = await here.restore(saved.name);
			const plural = kind === 'Milvus' ? 'milvuses' : 'milvusclusters';
			expect([code, stderr, ...stdout.trimEnd().split('\n')]).toEqual([
				...[0, '', `# ${what}, as it was at ${new Date(saved.at).toISOString()}`],
				`kubectl --namespace ${into} get secret ${saved.name} --output jsonpath='{.data.restore\\.json}' | base64 -d | kubectl create --filename -`,
				'# Its crashes of before still count, as far back as cleaner.restartTimeWindow reaches. To keep it from being removed again:',
				`# kubectl --namespace ${namespace} annotate ${plural}.milvus.io c diagnostics.milvus.io/keep=true`,
			]);
			await here.shell(stdout);
			expect(await cluster.read(made)).toMatchObject({ metadata: { labels }, spec });
			await here.shell(stdout.trimEnd().split('\n').at(-1)?.slice(2) ?? '');
			expect((await cluster.read(made)).metadata).toMatchObject({ annotations: { 'diagnostics.milvus.io/keep': 'true' } });

			await cluster.call('DELETE', pathOf(made));
			const applied = await here.restore(saved.name, '--apply');
			expect(applied).toMatchObject({ code: 0, stderr: '' });
			expect(applied.stdout).toContain(`created: ${what}, as it was at ${new Date(saved.at).toISOString()}; the operator makes the rest\n`);
			const { metadata, ...rest } = await cluster.read(made);
			expect(rest).toEqual({ apiVersion: made.apiVersion, kind, spec });
			expect(metadata).toMatchObject({ labels, uid: expect.not.stringMatching(made.metadata.uid) });
			expect([metadata.finalizers, metadata.annotations]).toEqual([undefined, undefined]);
		});

	test('lists what was saved, and whether it is gone', async () => {
		await using here = await scene();
		const { cluster, namespace, into } = here;
		expect(await here.restore('--namespace', into)).toEqual({ code: 0, stdout: 'no instance was saved\n', stderr: '' });
		const made = await here.create('milvus.io/v1beta1', 'Milvus', 'c', { spec: { password } });
		const operated = await here.save('c', 'operator');
		await here.install('a');
		const released = await here.save('a');
		await cluster.call('DELETE', pathOf(made));
		const rows = async (...args: readonly string[]) => {
			const { code, stdout, stderr } = await here.restore(...args);
			expect([code, stderr]).toEqual([0, '']);
			return stdout
				.trimEnd()
				.split('\n')
				.map((line) => line.split(/ {2,}/));
		};
		const expected = [
			['NAME', 'SAVED IN', 'INSTANCE', 'SAVED', 'NOW'],
			[released.name, into, `Helm release a of namespace ${namespace}`, new Date(released.at).toISOString(), 'there'],
			[operated.name, into, `Milvus c of namespace ${namespace}`, new Date(operated.at).toISOString(), 'gone'],
		];
		expect(await rows('--namespace', into)).toEqual(expected);
		expect(await rows()).toEqual(expect.arrayContaining(expected));
		expect(await here.restore('--apply')).toMatchObject({ code: 2, stderr: expect.stringContaining('--apply is for one instance') });
	});

	test('restores from nothing but what the agent saved, and says what is wrong with a name', { timeout: 240_000 }, async () => {
		await using here = await scene();
		const { cluster, namespace, into } = here;
		const made = await here.create('milvus.io/v1beta1', 'Milvus', 'c', { spec: {} });
		const saved = await here.save('c', 'operator', { cleanup: 'c-cleanup' });
		await cluster.call('DELETE', pathOf(made));
		const told = async (...args: readonly string[]) => {
			const { code, stdout, stderr } = await here.restore(...args);
			expect(stdout).toBe('');
			return [code, stderr.replace('milvus-coredump-agent: ', '').trimEnd()];
		};
		const lists = '`milvus-coredump-agent restore` lists what is saved';
		expect(await told('nonsense')).toEqual([2, `nothing is there of name nonsense: ${lists}`]);
		expect(await told('a;b', '--apply')).toEqual([2, `a;b is no name of an InstanceCleanup or a Secret: ${lists}`]);
		expect(await told('--namespace', '..')).toEqual([2, '--namespace ..: no namespace can be called so']);
		await here.cleanup('only-named', { phase: 'DryRun' });
		expect(await told('only-named')).toEqual([2, `nothing was saved for InstanceCleanup only-named (DryRun): ${lists}`]);
		const place = { namespace: into, name: saved.name };
		await here.cleanup('another', { phase: 'Done', saved: place });
		const secret = `Secret ${saved.name} of namespace ${into}`;
		const odd = [1, `${secret} is not as the agent saves an instance: nothing is restored from it`];
		expect(await told('another', '--apply')).toEqual(odd);
		await here.cleanup('c-cleanup', { phase: 'Done', saved: place });
		expect((await here.restore('c-cleanup', '--namespace', into)).code).toBe(0);
		const elsewhere = `what was saved for InstanceCleanup c-cleanup is in namespace ${into}, not in ${namespace}`;
		expect(await told('c-cleanup', '--namespace', namespace)).toEqual([2, elsewhere]);
		const second = await cluster.create(cleanupOf('c-cleanup', into));
		expect((await told('c-cleanup', '--apply'))[1]).toContain('there are several InstanceCleanups c-cleanup, in namespaces ');
		await cluster.call('DELETE', pathOf(second));

		const other = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { namespace, name: 'c' } };
		const replaced = (manifest: string) =>
			cluster.call('PATCH', here.secretPath(saved.name), { data: { 'restore.json': Buffer.from(manifest).toString('base64') } });
		for (const manifest of [JSON.stringify(other), '', 'null', `{"a":${password}`]) {
			await replaced(manifest);
			expect(await told('c-cleanup', '--apply')).toEqual(odd);
		}
		await cluster.call('DELETE', here.secretPath(saved.name));
		expect(await told('c-cleanup')).toEqual([2, `${secret}, in which the instance was saved, is not there any more`]);
	});

	test('says where to look for somebody who may not look everywhere, and which right is missing', async () => {
		await using here = await scene();
		const { cluster, into, namespace } = here;
		const made = await here.create('milvus.io/v1beta1', 'Milvus', 'c', { spec: { password } });
		const saved = await here.save('c', 'operator');
		await cluster.call('DELETE', pathOf(made));
		const [rbac, metadata] = ['rbac.authorization.k8s.io', { name: 'reader', namespace: into }];
		await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
		const allow = async (where: string, apiGroup: string, ...resources: readonly string[]) => {
			const at = { apiVersion: `${rbac}/v1`, metadata: { ...metadata, namespace: where } };
			await cluster.create({ ...at, kind: 'Role', rules: [{ apiGroups: [apiGroup], resources, verbs: ['get', 'list'] }] });
			const roleRef = { apiGroup: rbac, kind: 'Role', name: 'reader' };
			await cluster.create({ ...at, kind: 'RoleBinding', roleRef, subjects: [{ kind: 'ServiceAccount', ...metadata }] });
		};
		await allow(into, '', 'secrets');
		await allow(namespace, 'milvus.io', 'milvuses', 'milvusclusters');
		const as = ['--kubeconfig', await cluster.kubeconfigOf(into, 'reader')];
		const everywhere = await here.restore(saved.name, ...as);
		expect([everywhere.code, everywhere.stderr]).toEqual([
			1,
			expect.stringMatching(/secrets is forbidden: .*; with --namespace, the agent's own, no other is looked into\n$/),
		]);
		await expect.poll(async () => (await here.restore(saved.name, ...as, '--namespace', into)).code, soon).toBe(0);
		expect(await here.restore(saved.name, ...as, '--namespace', into, '--apply')).toEqual({
			...{ code: 1, stdout: '' },
			stderr: `milvus-coredump-agent: nothing was restored: Milvus c of namespace ${namespace} can't be created: the right to do so is missing\n`,
		});
	});

	test('prints commands that a shell takes as they are, whatever the kubeconfig is called', async () => {
		await using here = await scene();
		const { cluster } = here;
		const made = await here.create('milvus.io/v1beta1', 'Milvus', 'c', { spec: {} });
		const saved = await here.save('c', 'operator');
		await cluster.call('DELETE', pathOf(made));
		const kubeconfig = join(here.home, `it's $(a) "place"`);
		copyFileSync(cluster.kubeconfig, kubeconfig);
		const { stdout } = await here.restore(saved.name, '--kubeconfig', kubeconfig);
		await here.shell(stdout, { PATH: here.environment.PATH, HOME: here.home });
		expect((await cluster.read(made)).metadata.uid).not.toBe(made.metadata.uid);
	});
});
