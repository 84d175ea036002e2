import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ConnectOptions, connect, type KubernetesObject, resource } from '../../src/drivers/kubernetes/kubernetes.ts';
import { exec, temporaryFolder } from '../support/crash.ts';
import { followed } from '../support/informed.ts';
import { describeKubernetes, sharedControlPlane } from '../support/kubernetes/control-plane.ts';

describeKubernetes('a real API server', () => {
	test('gives a collection in pages, and each object once', async () => {
		await using at = await somewhere();
		await at.makePods(2_000);
		const names: string[] = [];
		for await (const pod of at.cluster.list(at.pods)) names.push(pod.metadata.name);
		expect(names.toSorted()).toEqual(podNames(2_000));
		expect(at.made()).toEqual(Array(4).fill('list pods 200'));
		const [first] = await fromAsync(at.cluster.list(at.pods, { metadataOnly: true, labelSelector: 'number=p0007' }));
		expect(first).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'p0007' } });
		expect(first).not.toHaveProperty('spec');
	});

	test('makes, changes, replaces and removes, and what stands in the way is an outcome', async () => {
		await using at = await somewhere();
		const { cluster } = at;
		const maps = resource('v1', 'configmaps', at.namespace);
		const map = `${maps}/a`;
		const body = (data: object, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...more }, data });
		expect(await cluster.get(map)).toBeUndefined();
		expect(await cluster.patch(map, { data: { a: '1' } }, { type: 'merge' })).toMatchObject({ is: 'absent' });
		expect(await cluster.replace(map, body({ a: '1' }, { resourceVersion: '1' }))).toMatchObject({ is: 'absent' });
		expect(await cluster.remove(map)).toMatchObject({ is: 'absent' });
		expect(await cluster.create(maps, body({ a: '1' }))).toMatchObject({ is: 'done', object: { data: { a: '1' } } });
		expect(await cluster.create(maps, body({ a: '2' }))).toMatchObject({ is: 'exists' });
		expect(await cluster.patch(map, { data: { b: '2' } }, { type: 'merge' })).toMatchObject({
			is: 'done',
			object: { data: { a: '1', b: '2' } },
		});
		expect(await cluster.patch(map, body({ a: '3' }), { type: 'apply' })).toMatchObject({
			is: 'done',
			object: { data: { a: '3', b: '2' } },
		});
		expect(await cluster.patch(`${maps}/new`, { ...body({}), metadata: { name: 'new' } }, { type: 'apply' })).toMatchObject({ is: 'done' });

		const now = await cluster.get(map);
		const { uid = '', resourceVersion = '' } = now?.metadata ?? {};
		expect(await cluster.replace(map, body({ c: '4' }, { resourceVersion }))).toMatchObject({ is: 'done', object: { data: { c: '4' } } });
		expect(await cluster.replace(map, body({ c: '5' }, { resourceVersion }))).toMatchObject({
			is: 'conflict',
			reason: expect.stringContaining('modified'),
		});
		expect(await cluster.remove(map, { uid: 'another' })).toMatchObject({ is: 'conflict' });
		expect(await cluster.remove(map, { uid, resourceVersion })).toMatchObject({ is: 'conflict' });
		expect(await cluster.remove(map, { uid })).toMatchObject({ is: 'done' });
		expect(await cluster.get(map)).toBeUndefined();
	});

	test('changes a status by itself', async () => {
		await using at = await somewhere();
		await at.makePods(1);
		const pod = `${at.pods}/p0000`;
		await at.cluster.patch(pod, { status: { phase: 'Running', message: 'hello' } }, { type: 'merge', subresource: 'status' });
		expect(await at.cluster.get(pod)).toMatchObject({ status: { phase: 'Running', message: 'hello' } });
	});

	test('refuses in words that name what is missing', async () => {
		await using at = await somewhere();
		const { cluster: admin } = at;
		await admin.create(resource('v1', 'serviceaccounts', at.namespace), { metadata: { name: 'weak' } });
		const weak = await at.as('weak');
		await expect(fromAsync(weak.list(resource('v1', 'pods')))).rejects.toMatchObject({
			name: 'KubernetesRefused',
			status: 403,
			message: `can't list pods at ${admin.server}: pods is forbidden: User "system:serviceaccount:${at.namespace}:weak" cannot list resource "pods" in API group "" at the cluster scope`,
		});
		await expect(weak.remove(`${at.pods}/a`)).rejects.toThrow(/cannot delete resource "pods" in API group "" in the namespace/);
		await expect(admin.get(resource('diagnostics.milvus.io/v9', 'crashreports', 'a', 'b'))).rejects.toThrow(
			'is its CustomResourceDefinition installed?',
		);
		await expect(admin.get(resource('apps/v1', 'nothings', 'a', 'b'))).rejects.toThrow('the API server knows no such resource');
		await expect(
			admin.create(resource('v1', 'pods', 'no-such-namespace'), {
				metadata: { name: 'a' },
				spec: { containers: [{ name: 'a', image: 'a' }] },
			}),
		).rejects.toMatchObject({
			name: 'KubernetesRefused',
			message: `can't create pods at ${admin.server}: namespaces "no-such-namespace" not found`,
		});
		await expect(admin.create(at.pods, { metadata: { name: 'a' } })).rejects.toThrow(/is invalid: spec.containers: Required value/);
	});

	test('does not believe a wrong token, and is not believed without the right authority or name', async () => {
		await using at = await somewhere();
		const strangerAuthority = (
			await exec('openssl', [
				'req',
				'-x509',
				'-newkey',
				'ec',
				'-pkeyopt',
				'ec_paramgen_curve:P-256',
				'-nodes',
				'-keyout',
				'/dev/null',
				'-subj',
				'/CN=stranger',
			])
		).stdout;
		const problem = async (change: (config: Kubeconfig) => void) => {
			const cluster = await at.changed(change);
			return cluster.get(`${at.pods}/a`).then(
				() => 'no error',
				({ name, message }) => `${name}: ${message.replace(/^can't get pods at \S+: /, '')}`,
			);
		};
		expect(await problem(() => {})).toBe('no error');
		expect(await problem(({ users: [{ user }] }) => Object.assign(user, { token: 'secret' }))).toMatch(/^no error$/); // its certificate counts
		expect(
			await problem(({ users }) => {
				users[0].user = { token: 'secret' };
			}),
		).toMatch(/^KubernetesRefused: the API server does not accept the credentials of user "admin" of \S+$/);
		expect(
			await problem(({ clusters: [{ cluster }] }) => {
				cluster['certificate-authority-data'] = Buffer.from(strangerAuthority).toString('base64');
			}),
		).toBe("KubernetesRefused: the server's certificate is not signed by the authority that is configured (certificate-authority)");
		expect(
			await problem(({ clusters: [{ cluster }] }) => {
				cluster['tls-server-name'] = 'other.example';
			}),
		).toBe("KubernetesRefused: the server's certificate is for other names (tls-server-name)");
		expect(
			await problem(({ clusters: [{ cluster }] }) => {
				cluster['certificate-authority-data'] = undefined;
				cluster['insecure-skip-tls-verify'] = true;
			}),
		).toBe('no error');
		expect(
			await problem(({ clusters: [{ cluster }] }) => {
				cluster.server = cluster.server.replace('https:', 'http:');
			}),
		).toBe('KubernetesRefused: Client sent an HTTP request to an HTTPS server.');
	});

	test('knows the service account of a pod by its files, also when they are exchanged', async () => {
		await using at = await somewhere();
		await at.cluster.create(resource('v1', 'serviceaccounts', at.namespace), { metadata: { name: 'agent' } });
		const [{ user }] = at.kubeconfig(await at.kubeconfigOf('agent')).users;
		const [{ cluster }] = at.kubeconfig().clusters;
		writeFileSync(join(at.folder, 'token'), 'out of date');
		writeFileSync(join(at.folder, 'ca.crt'), Buffer.from(cluster['certificate-authority-data'] ?? '', 'base64'));
		writeFileSync(join(at.folder, 'namespace'), at.namespace);
		const { hostname, port } = new URL(cluster.server);
		const environment = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
		using inPod = await connect({ environment, serviceAccount: at.folder });
		writeFileSync(join(at.folder, 'token'), user.token ?? '');
		await expect(inPod.get(`${at.pods}/a`)).rejects.toThrow(`User "system:serviceaccount:${inPod.namespace}:agent" cannot get`);
	});

	test('tells what is created, changed and deleted, and what enters and leaves a selection', async () => {
		await using at = await somewhere();
		const node = await at.node();
		await at.makePods(2, { nodeName: node });
		await using all = followed(at.cluster, { path: at.pods });
		await using mine = followed(at.cluster, { path: at.pods, fieldSelector: `spec.nodeName=${node}`, labelSelector: 'kind!=other' });
		await expect.poll(() => [all.told, mine.told]).toEqual([['synced p0000 p0001'], ['synced p0000 p0001']]);
		await at.cluster.create(at.pods, podOf('elsewhere'));
		await at.cluster.create(at.pods, podOf('here', { nodeName: node }));
		await at.cluster.patch(`${at.pods}/p0000`, { metadata: { labels: { kind: 'other' } } }, { type: 'merge' });
		await at.cluster.patch(`${at.pods}/p0000`, { metadata: { labels: { kind: 'same' } } }, { type: 'merge' });
		await at.removeNow('p0001');
		await at.cluster.create(at.pods, podOf('p0001', { nodeName: node }));
		const deleted = ['~p0001', '-p0001', '+p0001']; // it is marked first
		await expect.poll(() => all.told.slice(1)).toEqual(['+elsewhere', '+here', '~p0000', '~p0000', ...deleted]);
		await expect.poll(() => mine.told.slice(1)).toEqual(['+here', '-p0000', '+p0000', ...deleted]);
		expect(
			at
				.made()
				.filter((made) => /^(list|watch)/.test(made))
				.toSorted(),
		).toEqual(['list pods 200', 'list pods 200', 'watch pods 200', 'watch pods 200']);
	});

	test('ends a watch after its time, and it is taken up without a word', async () => {
		await using at = await somewhere();
		await using informed = followed(at.cluster, { path: at.pods, timing: { watchSeconds: [2, 2] } });
		await expect.poll(() => at.made().filter((made) => made === 'watch pods 200').length, { timeout: 20_000 }).toBeGreaterThan(2);
		await at.makePods(1);
		await expect.poll(() => informed.told).toEqual(['synced', '+p0000']);
		expect(at.made().filter((made) => made.startsWith('list'))).toHaveLength(1);
	});

	test('gives the end of a log, whose rest is never kept', async () => {
		await using at = await somewhere();
		// What a kubelet does in a real cluster is played here, behind the real API server.
		const asked: URL[] = [];
		await using kubelet = await servedLogs(at.folder, (url, write) => {
			asked.push(url);
			if (url.searchParams.get('previous') === 'true') return write(400, 'previous terminated container "main" in pod "p0000" not found');
			for (let line = 0; line < 50_000; line++) write(200, `line ${line} ${'.'.repeat(100)}\n`);
			return write(200, 'panic: the end\n');
		});
		const node = await at.node();
		await at.cluster.patch(
			`${resource('v1', 'nodes')}/${node}/status`,
			{
				status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } },
			},
			{ type: 'merge' },
		);
		await at.makePods(1, { nodeName: node });
		const log = (options: object) =>
			at.cluster.log({ namespace: at.namespace, pod: 'p0000', container: 'main', tailBytes: 1000, ...options });
		const cut = await log({});
		expect(cut).toMatchObject({ is: 'log', isCut: true });
		if (cut.is !== 'log') return;
		expect(cut.tail).toHaveLength(1000);
		expect(cut.tail.toString()).toMatch(/line 49999 \.+\npanic: the end\n$/);
		expect(cut.tail.buffer.byteLength).toBeLessThan(100_000);
		expect(asked[0]?.pathname).toBe(`/containerLogs/${at.namespace}/p0000/main`);
		expect(Object.fromEntries(asked[0]?.searchParams ?? [])).toEqual({ tailLines: '125' });
		expect(await log({ previous: true })).toEqual({
			is: 'none',
			reason: expect.stringContaining('previous terminated container "main" in pod "p0000" not found'),
		});
		expect(await log({ pod: 'gone' })).toEqual({ is: 'none', reason: 'pods "gone" not found' });
		expect(await log({ container: 'other' })).toEqual({ is: 'none', reason: 'container other is not valid for pod p0000' });
		await kubelet[Symbol.asyncDispose]();
		await expect(log({})).rejects.toMatchObject({ name: 'KubernetesUnavailable', message: expect.stringContaining('connection refused') });
	});
});

type Kubeconfig = {
	clusters: [
		{ cluster: { server: string; [key: string]: string | boolean | undefined; 'certificate-authority-data'?: string | undefined } },
	];
	users: [{ user: { token?: string; [key: string]: string | undefined } }];
};

const podNames = (count: number) => Array.from({ length: count }, (_, index) => `p${String(index).padStart(4, '0')}`);
const podOf = (name: string, spec: object = {}) => ({
	metadata: { name, labels: { number: name } },
	spec: { nodeName: 'nowhere', terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'milvus' }], ...spec },
});

async function fromAsync(objects: AsyncIterable<KubernetesObject>): Promise<KubernetesObject[]> {
	return Array.fromAsync(objects);
}

/** A namespace of the shared control plane, with the cluster as the driver sees it. */
async function somewhere() {
	const plane = await sharedControlPlane();
	const stack = new AsyncDisposableStack();
	const namespace = stack.use(await plane.namespace());
	const folder = stack.use(await temporaryFolder()).path;
	const requests: string[] = [];
	const connected = async (options: ConnectOptions) => stack.use(await connect({ environment: {}, ...options }));
	const cluster = await connected({
		kubeconfig: plane.kubeconfig,
		onRequest: ({ verb, resource, status }) => requests.push(`${verb} ${resource} ${status}`),
	});
	const pods = resource('v1', 'pods', namespace.name);
	await expect.poll(() => plane.list(`/api/v1/namespaces/${namespace.name}/serviceaccounts`), { timeout: 20_000 }).toHaveLength(1);
	const kubeconfig = (path = plane.kubeconfig): Kubeconfig => parse(readFileSync(path, 'utf8'));
	return {
		cluster,
		namespace: namespace.name,
		pods,
		folder,
		node: () => plane.node(),
		/** The requests of the driver. */
		made: (): readonly string[] => requests,
		kubeconfig,
		kubeconfigOf: (serviceAccount: string) => plane.kubeconfigOf(namespace.name, serviceAccount),
		as: async (serviceAccount: string) => connected({ kubeconfig: await plane.kubeconfigOf(namespace.name, serviceAccount) }),
		/** The same cluster by another kubeconfig. */
		async changed(change: (config: Kubeconfig) => void) {
			const config = kubeconfig();
			change(config);
			const path = join(folder, 'config');
			writeFileSync(path, stringify(config));
			return connected({ kubeconfig: path });
		},
		async makePods(count: number, spec: object = {}) {
			const manifest = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', ...podOf(name, spec) });
			const withNamespace = (name: string) => {
				const pod = manifest(name);
				return { ...pod, metadata: { ...pod.metadata, namespace: namespace.name } };
			};
			await Promise.all(podNames(count).map((name) => plane.create(withNamespace(name))));
		},
		async removeNow(name: string) {
			await plane.call('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

async function servedLogs(folder: string, play: (url: URL, write: (status: number, text: string) => void) => void) {
	const [key, cert] = [join(folder, 'kubelet.key'), join(folder, 'kubelet.crt')];
	await exec('openssl', [
		'req',
		'-x509',
		'-newkey',
		'ec',
		'-pkeyopt',
		'ec_paramgen_curve:P-256',
		'-nodes',
		'-keyout',
		key,
		'-out',
		cert,
		'-subj',
		'/CN=kubelet',
	]);
	const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
		play(new URL(request.url ?? '', 'https://x'), (status, text) => {
			response.statusCode = status;
			response.write(text);
		});
		response.end();
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as AddressInfo).port,
		async [Symbol.asyncDispose]() {
			if (!server.listening) return;
			server.close();
			server.closeAllConnections();
			await once(server, 'close');
		},
	};
}
