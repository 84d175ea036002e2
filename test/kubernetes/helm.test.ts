import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type HelmPlace, helm } from '../../src/drivers/helm/helm.ts';
import { type ConnectOptions, connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { root, temporaryFolder } from '../support/crash.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';
import { helm as helmOfTests } from '../support/kubernetes/helm.ts';
import { presentIn } from '../support/kubernetes/present.ts';
import { find } from '../support/kubernetes/programs.ts';

const milvusChart = join(root, 'test/support/kubernetes/charts/milvus');
const claims = 'persistentvolumeclaims';
const kinds = `deployments,statefulsets,services,configmaps,secrets,${claims}`;
const soon = { timeout: 60_000 };

/** A namespace, a folder that stands for the one of temporary files, and the driver in both. */
async function scene() {
	const cluster = await sharedControlPlane();
	const namespace = await cluster.namespace();
	const folder = await temporaryFolder();
	const at = (name: string) => join(folder.path, name);
	mkdirSync(at('temporary'));
	const program = join(await find('helm'), 'helm');
	const path = `/api/v1/namespaces/${namespace.name}`;
	const here = {
		cluster,
		namespace: namespace.name,
		at,
		program,
		path,
		/** What helm as somebody who may do everything, and who is no part of the test, does. */
		byHand: (...args: readonly string[]) => helmOfTests(...args, '--kubeconfig', cluster.kubeconfig, '--namespace', namespace.name),
		install: (release: string, chart = milvusChart) => here.byHand('install', release, chart, '--no-hooks'),
		/** How its newest revision stands; undefined when there is no record. */
		status: async (release: string) => {
			const records = await cluster.list(`${path}/secrets?labelSelector=owner=helm,name=${release}`);
			return records.toSorted((a, b) => Number(a.metadata.labels?.version) - Number(b.metadata.labels?.version)).at(-1)?.metadata.labels
				?.status;
		},
		/** A chart with these objects. */
		chart(objects: readonly object[]) {
			mkdirSync(at('chart/templates'), { recursive: true });
			writeFileSync(at('chart/Chart.yaml'), 'apiVersion: v2\nname: milvus\nversion: 1.0.0\n');
			writeFileSync(at('chart/templates/all.yaml'), objects.map((object) => stringify(object)).join('---\n'));
			return at('chart');
		},
		/** @param rules of its role in the namespace. @returns its kubeconfig */
		async account(name: string, ...rules: readonly { readonly verbs: readonly string[]; readonly resources: readonly string[] }[]) {
			const metadata = { name, namespace: namespace.name };
			await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
			const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata };
			await cluster.create({ ...rbac, kind: 'Role', rules: rules.map((rule) => ({ apiGroups: ['', 'apps'], ...rule })) });
			await cluster.create({
				...{ ...rbac, kind: 'RoleBinding', subjects: [{ kind: 'ServiceAccount', ...metadata }] },
				roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
			});
			return cluster.kubeconfigOf(namespace.name, name);
		},
		async driver(options: ConnectOptions = { kubeconfig: cluster.kubeconfig }, place: Partial<HelmPlace> = {}) {
			const environment = options.environment ?? {};
			using connected = await connect({ ...options, environment });
			return helm({ kubeconfig: connected.kubeconfig, environment, program, folder: at('temporary'), ...place });
		},
		async uninstall(
			release: string,
			options?: ConnectOptions,
			{ timeoutMs = 30_000, ...place }: Partial<HelmPlace> & { readonly timeoutMs?: number } = {},
		) {
			const driver = await here.driver(options, place);
			return driver.uninstall({ namespace: namespace.name, release, timeoutMs }, AbortSignal.timeout(60_000));
		},
		async [Symbol.asyncDispose]() {
			for (const name of ['a', 'b']) await cluster.kubectl('delete', 'clusterrole', `${namespace.name}:${name}`, '--ignore-not-found');
			await namespace[Symbol.asyncDispose]();
			const left = readdirSync(at('temporary'));
			await folder[Symbol.asyncDispose]();
			expect(left).toEqual([]);
		},
	};
	return here;
}

const hook = (kind: string, name: string, rest: object, annotations: object = {}) => ({
	...{ apiVersion: kind === 'Job' ? 'batch/v1' : 'v1', kind },
	metadata: { name, annotations: { 'helm.sh/hook': 'pre-delete', ...annotations } },
	...rest,
});
/** A Job that never ends, as no node is like that. */
const endless = (env: readonly object[] = []) => ({
	spec: {
		template: {
			spec: { restartPolicy: 'Never', nodeSelector: { nowhere: 'true' }, containers: [{ name: 'main', image: 'nothing', env }] },
		},
	},
});

describeKubernetes('helm', () => {
	test('uninstalls a release, says what it keeps, and brings it back from its record', async () => {
		await using here = await scene();
		const { cluster, namespace } = here;
		await here.byHand('install', 'a', milvusChart);
		const workloads = await presentIn(cluster, namespace, 'deployments,statefulsets,services');
		const [record] = await cluster.list(`${here.path}/secrets?labelSelector=owner=helm`);

		expect(await here.uninstall('a')).toEqual({
			is: 'done',
			words: 'release "a" uninstalled. These resources were kept due to the resource policy: [PersistentVolumeClaim] a-milvus',
		});
		await expect.poll(() => presentIn(cluster, namespace, 'deployments,statefulsets,services,secrets'), soon).toEqual([]);
		expect(await presentIn(cluster, namespace, claims)).toContain('PersistentVolumeClaim a-milvus');
		// The hooks have run.
		expect(await presentIn(cluster, namespace, 'configmaps')).toContain('ConfigMap a-farewell');
		expect(await here.uninstall('a')).toEqual({ is: 'absent', words: 'there is no release a' });

		const driver = await here.driver();
		const rollback = (revision: number) =>
			driver.rollback({ namespace, release: 'a', revision, timeoutMs: 30_000 }, AbortSignal.timeout(60_000));
		expect(await rollback(1)).toEqual({ is: 'absent', words: 'there is no release a' });
		const { apiVersion, kind, metadata, type, data } = record as NonNullable<typeof record>;
		const { name, labels = {} } = metadata;
		await cluster.create({ apiVersion, kind, metadata: { name, namespace, labels }, type, data });
		expect(await rollback(7)).toEqual({ is: 'failed', words: 'release has no 7 version' });
		expect(await rollback(1)).toEqual({ is: 'done', words: 'release a is as in revision 1 again' });
		expect(await presentIn(cluster, namespace, 'deployments,statefulsets,services')).toEqual(workloads);
		expect(await here.status('a')).toBe('deployed');
	});

	test('uninstalls nothing when it may not look at all that belongs to the release, which Helm would forget', async () => {
		await using here = await scene();
		await here.install('a');
		const all = { verbs: ['*'], resources: ['secrets', 'configmaps', 'services', claims, 'statefulsets'] };
		const kubeconfig = await here.account('blind', all);
		const before = await presentIn(here.cluster, here.namespace, kinds);
		expect(await here.uninstall('a', { kubeconfig })).toEqual({
			is: 'failed',
			words: expect.stringMatching(
				/^nothing was uninstalled, .*: \S+ "\S+" is forbidden: User "system:serviceaccount:\S+:blind" cannot get/,
			),
		});
		expect(await presentIn(here.cluster, here.namespace, kinds)).toEqual(before);
		expect(await here.status('a')).toBe('deployed');

		// The right is taken away after the look.
		writeFileSync(here.at('helm'), `#!/bin/sh\ncase "$*" in *--dry-run*) exit 0 ;; esac\nexec ${here.program} "$@"\n`, { mode: 0o700 });
		expect(await here.uninstall('a', { kubeconfig }, { program: here.at('helm') })).toEqual({
			is: 'failed',
			words: expect.stringMatching(
				/^Helm has forgotten release a, and left .*: \[Deployment\] a-milvus-mixcoord: deployments\.apps \S+ is forbidden/,
			),
		});
		expect(await here.status('a')).toBe(undefined);
	});

	test('says who may not delete what, and goes on with a release that was uninstalled by half', async () => {
		await using here = await scene();
		await here.install('a', here.chart([{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 1 }] } }]));
		const reading = [
			{ verbs: ['*'], resources: ['secrets'] },
			{ verbs: ['get'], resources: ['services'] },
		];
		const kubeconfig = await here.account('reader', ...reading);
		expect(await here.uninstall('a', { kubeconfig })).toEqual({
			is: 'failed',
			words: `failed to delete release: a: [services "a" is forbidden: User "system:serviceaccount:${here.namespace}:reader" cannot delete resource "services" in API group "" in the namespace "${here.namespace}"]`,
		});
		expect(await here.status('a')).toBe('uninstalling');
		expect(await here.uninstall('a')).toEqual({ is: 'done', words: 'release "a" uninstalled' });
		expect(await presentIn(here.cluster, here.namespace, kinds)).toEqual([]);
	});

	test('gives up a hook that does not end, in time', async () => {
		await using here = await scene();
		await here.install('a', here.chart([hook('Job', 'endless', endless())]));
		expect(await here.uninstall('a', undefined, { timeoutMs: 1000 })).toEqual({
			is: 'failed',
			words: expect.stringMatching(/^resource Job\/\S+\/endless not ready/),
		});
		expect(await here.status('a')).toBe('uninstalling');
	});

	test('is gone with all that is its own when it is not wanted any more', async () => {
		await using here = await scene();
		await here.install('a', here.chart([hook('Job', 'endless', endless())]));
		const driver = await here.driver();
		const abort = new AbortController();
		const what = { namespace: here.namespace, release: 'a', timeoutMs: 600_000 };
		const running = driver.uninstall(what, abort.signal);
		running.catch(() => {});
		await expect.poll(() => here.cluster.list(`/apis/batch/v1/namespaces/${here.namespace}/jobs`), soon).toHaveLength(1);
		const [home = ''] = readdirSync(here.at('temporary'));
		expect(processesWith(home)).toHaveLength(1);
		// What it is given to say who it is, has no name any more.
		expect(readdirSync(here.at(`temporary/${home}`))).not.toContain('kubeconfig');
		abort.abort(new Error('not wanted any more'));
		await expect(running).rejects.toThrow('not wanted any more');
		expect(processesWith(home)).toEqual([]);
		await expect(driver.uninstall(what, abort.signal)).rejects.toThrow('not wanted any more');
		expect(await here.status('a')).toBe('uninstalling');
	});

	test('does not tell what the API server quotes of a manifest', async () => {
		await using here = await scene();
		const env = [{ name: 'PASSWORD', value: 'very-secret' }];
		const policy = { 'helm.sh/hook-delete-policy': 'hook-succeeded' };
		await here.cluster.create({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'last', namespace: here.namespace }, ...endless() });
		await here.install('a', here.chart([hook('Job', 'last', endless(env), policy)]));
		const { is, words } = await here.uninstall('a');
		expect([is, words]).toEqual(['failed', expect.stringMatching(/Job.* "last" is invalid: spec\.template: Invalid value: …/)]);
		expect(words).not.toContain('very-secret');
	});

	test('says in one line what is in the way of running it at all', async () => {
		await using here = await scene();
		const { kubeconfig } = await connect({ kubeconfig: here.cluster.kubeconfig, environment: {} });
		const words = async (place: object, what: object = {}) => {
			const driver = helm({ kubeconfig, environment: {}, program: here.program, folder: here.at('temporary'), ...place });
			const ran = await driver.uninstall(
				{ namespace: here.namespace, release: 'a', timeoutMs: 1000, ...what },
				AbortSignal.timeout(60_000),
			);
			expect(ran.is).toBe('failed');
			return ran.words;
		};
		const PATH = here.at('temporary');
		expect(await words({ program: undefined, environment: { PATH } })).toBe('helm is not installed: https://helm.sh/docs/intro/install/');
		writeFileSync(here.at('no-program'), '');
		expect(await words({ program: here.at('no-program') })).toBe('helm could not be started');
		expect(await words({ folder: here.at('nowhere') })).toMatch(/^helm has no place to work: ENOENT: .*nowhere/);
		for (const release of ['--kubeconfig=x', '-a', 'a b', 'A', '', 'a\n', 'a'.repeat(54)])
			expect(await words({}, { release })).toBe(`${JSON.stringify(release)} is no name of a Helm release`);
		expect(await words({}, { namespace: 'a.b' })).toBe('"a.b" is no name of a namespace');
		const nowhere = JSON.stringify({
			...JSON.parse(kubeconfig()),
			clusters: [{ name: 'milvus-coredump-agent', cluster: { server: 'http://127.0.0.1:1' } }],
		});
		expect(await words({ kubeconfig: () => nowhere })).toMatch(/^kubernetes cluster unreachable: .*127\.0\.0\.1:1\b.*connection refused$/);
		const proxy = kubeconfig().replace('"server"', '"proxy-url":"http://me:very%secret@proxy","server"');
		expect(await words({ kubeconfig: () => proxy })).toContain('"http://…@proxy');
	});
});

/** Ids of the processes that have it in their environment. */
function processesWith(text: string): string[] {
	return readdirSync('/proc').filter((pid) => {
		try {
			return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(text);
		} catch {
			return false; // gone since, or of somebody else
		}
	});
}

describeKubernetes('helm speaks with the same API server as the same user', () => {
	/** Users without rights, each with a kubeconfig, so that helm's words tell who it was. */
	async function users<const N extends string>(...names: readonly N[]) {
		const here = await scene();
		const files = {} as Record<N, string>;
		for (const name of names) files[name] = await here.account(name);
		const account = (name: string) => `system:serviceaccount:${here.namespace}:${name}`;
		return {
			...here,
			...files,
			kubeconfigs: files,
			/** @returns as whom the agent is connected, which must be as whom helm is */
			async who(options: ConnectOptions, environment: NodeJS.ProcessEnv) {
				using connected = await connect({ ...options, environment });
				const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
				const answer = await connected.create('/apis/authentication.k8s.io/v1/selfsubjectreviews', review);
				const { username } = (answer as unknown as { object: { status: { userInfo: { username: string } } } }).object.status.userInfo;
				expect(await here.uninstall('a', { ...options, environment })).toEqual({
					is: 'failed',
					words: expect.stringContaining(`User "${username}" cannot list resource "secrets"`),
				});
				return username.replace(account(''), '');
			},
		};
	}
	const parsed = (file: string) => JSON.parse(readFileSync(file, 'utf8'));
	const elsewhere = (name: string) => ({
		clusters: [{ name, cluster: { server: 'https://127.0.0.1:1' } }],
		users: [{ name, user: { token: 'x' } }],
		contexts: [{ name, context: { cluster: name, user: name } }],
	});
	/** A kubeconfig whose current context leads elsewhere; the one that is left is `here`. */
	function withElsewhere(file: string) {
		const { clusters, users, contexts, ...rest } = parsed(file);
		const other = elsewhere('elsewhere');
		return JSON.stringify({
			...rest,
			clusters: [...other.clusters, ...clusters],
			users: [...other.users, ...users],
			contexts: [...other.contexts, { ...contexts[0], name: 'here' }],
			'current-context': 'elsewhere',
		});
	}

	test('in each of the ways in which that is found, whatever else is configured', async () => {
		await using here = await users('named', 'listed', 'pod', 'home', 'stranger');
		mkdirSync(here.at('.kube'));
		writeFileSync(here.at('.kube/config'), withElsewhere(here.home));
		const strangersToken = parsed(here.stranger).users[0].user.token;
		/** Each would lead Helm elsewhere. */
		const settings = { HELM_KUBETOKEN: strangersToken, HELM_KUBECONTEXT: 'elsewhere', HELM_DRIVER: 'memory', HELM_NAMESPACE: 'default' };
		const KUBECONFIG = `${here.at('missing')}:${here.listed}:${here.stranger}`;
		const { hostname, port } = new URL(here.cluster.url);
		const inPod = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
		const HOME = here.at('.');
		mkdirSync(here.at('account'));
		const { clusters, users: own } = parsed(here.pod);
		writeFileSync(here.at('account/ca.crt'), Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64'));
		writeFileSync(here.at('account/token'), own[0].user.token);
		const serviceAccount = here.at('account');

		expect(await here.who({ kubeconfig: here.named, serviceAccount }, { HOME, KUBECONFIG, ...inPod, ...settings })).toBe('named');
		expect(await here.who({ serviceAccount }, { HOME, KUBECONFIG, ...inPod, ...settings })).toBe('listed');
		expect(await here.who({ serviceAccount }, { HOME, ...inPod, ...settings })).toBe('pod');
		expect(await here.who({ serviceAccount, context: 'here' }, { HOME, ...inPod, ...settings })).toBe('home');
		expect(await here.who({ serviceAccount, context: 'here' }, { HOME, ...settings })).toBe('home');
		await here.install('a');
		expect(await here.uninstall('a', { environment: { HOME } })).toMatchObject({
			is: 'failed',
			words: expect.stringMatching(/127\.0\.0\.1:1\b.*connection refused/),
		});
		expect(await here.status('a')).toBe('deployed');
	});

	test('also when the kubeconfig has become another since', async () => {
		await using here = await users('first', 'second');
		writeFileSync(here.at('config'), readFileSync(here.first));
		const driver = await here.driver({ kubeconfig: here.at('config') });
		const words = async () =>
			(await driver.uninstall({ namespace: here.namespace, release: 'a', timeoutMs: 1000 }, AbortSignal.timeout(60_000))).words;
		for (const text of [readFileSync(here.second, 'utf8'), withElsewhere(here.first), '']) {
			writeFileSync(here.at('config'), text);
			expect(await words()).toContain(`User "system:serviceaccount:${here.namespace}:first" cannot list`);
		}
	});

	test('by a certificate, as another, by a file that is exchanged, by a plugin with its own environment', async () => {
		await using here = await users('one', 'two');
		const written = (user: object) => {
			writeFileSync(here.at('config'), JSON.stringify({ ...parsed(here.one), users: [{ name: 'admin', user }] }));
			return { kubeconfig: here.at('config') };
		};
		const token = (file: string): string => parsed(file).users[0].user.token;
		const [admin] = parse(readFileSync(here.cluster.kubeconfig, 'utf8')).users;
		expect(await here.who(written({ ...admin.user, as: 'her', 'as-groups': ['system:authenticated'] }), {})).toBe('her');

		writeFileSync(here.at('token'), token(here.one));
		const driver = await here.driver(written({ tokenFile: 'token' }));
		const words = async () =>
			(await driver.uninstall({ namespace: here.namespace, release: 'a', timeoutMs: 1000 }, AbortSignal.timeout(60_000))).words;
		expect(await words()).toContain(':one" cannot list');
		writeFileSync(here.at('token'), token(here.two));
		expect(await words()).toContain(':two" cannot list');

		const script = 'printf \'{"apiVersion": "%s", "kind": "ExecCredential", "status": {"token": "%s"}}\' "$1" "$(cat "$HOME/$WHICH")"';
		const apiVersion = 'client.authentication.k8s.io/v1';
		const exec = {
			apiVersion,
			command: 'sh',
			args: ['-c', script, 'sh', apiVersion],
			interactiveMode: 'Never',
			env: [{ name: 'WHICH', value: 'token' }],
		};
		expect(await here.who(written({ exec }), { HOME: here.at('.'), PATH: process.env.PATH })).toBe('two');
	});
});
