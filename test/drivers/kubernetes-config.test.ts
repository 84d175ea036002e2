import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { asKubeconfig } from '../../src/drivers/kubernetes/as-kubeconfig.ts';
import { readKubeconfig } from '../../src/drivers/kubernetes/kubeconfig.ts';
import { type ConnectOptions, connect, resource } from '../../src/drivers/kubernetes/kubernetes.ts';
import { answer, apiPlayer, fail, kubeconfigOf, pod, secretToken } from '../support/api-player.ts';
import { temporaryFolder } from '../support/crash.ts';

const one = resource('v1', 'pods', 'default', 'a');
const address = (name: string) => `https://${name}.example:6443`;

/** A folder with kubeconfigs and the like, as a home. */
async function home(files: Readonly<Record<string, string>>) {
	const folder = await temporaryFolder();
	const at = (name: string) => join(folder.path, name);
	for (const [name, text] of Object.entries(files)) {
		mkdirSync(join(at(name), '..'), { recursive: true });
		writeFileSync(at(name), text);
	}
	return {
		path: folder.path,
		at,
		connect: (options: ConnectOptions = {}) =>
			connect({ serviceAccount: at('account'), ...options, environment: { HOME: folder.path, ...options.environment } }),
		/** What is told of a configuration that is wrong, without the folder. */
		problem: async (options: ConnectOptions = {}) => {
			const error: Error = await connect({
				serviceAccount: at('account'),
				...options,
				environment: { HOME: folder.path, ...options.environment },
			}).then(
				() => expect.unreachable('no error'),
				(error) => error,
			);
			expect(error.name).toBe('ConfigError');
			expect(error.message).not.toContain('secret');
			return error.message.replaceAll(`${folder.path}/`, '');
		},
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

const account = { 'account/token': 'a.b.c', 'account/ca.crt': 'PEM', 'account/namespace': 'agents' };
const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('the API server is looked for', () => {
	test('in the file that is named, then KUBECONFIG, then as the service account of the pod, then in ~/.kube/config', async () => {
		await using all = await home({
			named: kubeconfigOf(address('named')),
			listed: kubeconfigOf(address('listed')),
			'.kube/config': kubeconfigOf(address('home')),
			...account,
		});
		const KUBECONFIG = `${all.at('missing')}::${all.at('listed')}`;
		expect((await all.connect({ kubeconfig: all.at('named'), environment: { KUBECONFIG, ...inPod } })).server).toBe(address('named'));
		expect((await all.connect({ environment: { KUBECONFIG, ...inPod } })).server).toBe(address('listed'));
		const pod = await all.connect({ environment: inPod });
		expect([pod.server, pod.namespace]).toEqual(['https://10.96.0.1', 'agents']);
		expect((await all.connect({ environment: { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' } })).server).toBe(
			'https://[fd00::1]:6443',
		);
		expect((await all.connect()).server).toBe(address('home'));
		expect((await all.connect({ context: 'x', environment: inPod })).server).toBe(address('home'));
	});

	test('nowhere else, and one line says what to do', async () => {
		await using empty = await home({});
		expect(await empty.problem()).toBe(
			'no Kubernetes is configured: name a kubeconfig by --kubeconfig or KUBECONFIG (there is no .kube/config)',
		);
		expect(await empty.problem({ environment: { KUBECONFIG: empty.at('nope') } })).toBe('nope (from KUBECONFIG): there is no such file');
		expect(await empty.problem({ kubeconfig: empty.at('nope') })).toBe('kubeconfig nope: there is no such file');
		expect(await empty.problem({ environment: inPod })).toBe(
			'account/token: there is no token of a service account, though KUBERNETES_SERVICE_HOST is set; does the pod say automountServiceAccountToken: false?',
		);
	});
});

test('of several files the first that has an entry counts, and paths are relative to their file', async () => {
	await using player = await apiPlayer(({ request }, response) => answer(response, 200, pod(String(request.headers.authorization), 1)));
	await using both = await home({
		one: 'contexts: [{name: x, context: {cluster: c, user: u, namespace: mine}}]\nclusters: null\nusers: []\ncurrent-context: ""',
		'two/config': kubeconfigOf(player.server, '{tokenFile: token}'),
		'two/token': ' from-two \n',
		three: kubeconfigOf(address('three')),
	});
	using cluster = await both.connect({ environment: { KUBECONFIG: ['one', 'two/config', 'three'].map(both.at).join(':') } });
	expect([cluster.server, cluster.namespace]).toEqual([player.server, 'mine']);
	expect((await cluster.get(one))?.metadata.name).toBe('Bearer from-two');
});

test('what the user is, is shown to the API server', async () => {
	await using player = await apiPlayer(({ request: { rawHeaders } }, response) => {
		const shown = rawHeaders
			.map((text, at) => (at % 2 === 0 ? `${text.toLowerCase()}: ${rawHeaders[at + 1]}` : ''))
			.filter((text) => /^(auth|imp|user)/.test(text));
		answer(response, 200, pod(shown.sort().join('\n'), 1));
	});
	const shownBy = async (user: string) => {
		await using folder = await home({ config: kubeconfigOf(player.server, user) });
		using cluster = await folder.connect({ kubeconfig: folder.at('config') });
		return (await cluster.get(one))?.metadata.name;
	};
	const agent = 'user-agent: milvus-coredump-agent';
	expect(await shownBy('{token: abc}')).toBe(`authorization: Bearer abc\n${agent}`);
	expect(await shownBy('{username: me, password: it}')).toBe(`authorization: Basic ${Buffer.from('me:it').toString('base64')}\n${agent}`);
	expect(await shownBy('{token: abc, as: her, as-groups: [one, "two, three"]}')).toBe(
		`authorization: Bearer abc\nimpersonate-group: one\nimpersonate-group: two, three\nimpersonate-user: her\n${agent}`,
	);
	const token = (exp: number) => `a.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.c`;
	expect(await shownBy(`{auth-provider: {name: oidc, config: {id-token: ${token(9_999_999_999)}}}}`)).toContain(
		`Bearer ${token(9_999_999_999)}`,
	);
	await expect(shownBy(`{auth-provider: {name: oidc, config: {id-token: ${token(1)}}}}`)).rejects.toThrow(
		'the id-token has run out; kubectl get --raw /version renews it',
	);
});

test.each([
	['{token: abc, as: her, as-uid: "7", as-groups: [one, "two, three"]}', 'certificate-authority-data: YWJj, tls-server-name: other'],
	[
		'{tokenFile: token, client-certificate: a.crt, client-key: a.key}',
		'certificate-authority: ca.crt, proxy-url: "http://me:it@proxy.example"',
	],
	['{username: me, password: it, client-certificate-data: YWJj, client-key-data: YWJj}', 'insecure-skip-tls-verify: true'],
	[
		'{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [a], env: [{name: B, value: c}], installHint: d}}',
		'certificate-authority-data: YWJj',
	],
	[
		'{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: plugin, provideClusterInfo: true}}',
		'extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: x}}]',
	],
	['{}', ''],
])('another program is told the same: %s, %s', async (user, cluster) => {
	const text = kubeconfigOf(address('a/below'), user).replace('{server:', `{${cluster === '' ? '' : `${cluster}, `}server:`);
	await using folder = await home({ 'config/mine': text });
	const environment = { HTTPS_PROXY: 'http://proxy.example', PATH: '/bin', UNSET: undefined };
	const target = readKubeconfig([folder.at('config/mine')], undefined, environment);
	writeFileSync(folder.at('another'), asKubeconfig(target));
	const read = readKubeconfig([folder.at('another')], undefined, environment);
	expect({ ...read, user: { ...read.user, name: target.user.name } }).toEqual(target);
});

describe('a mistake is told with its place, and without what is secret', () => {
	test.each([
		['{token: [secret]}', 'config:5: users.0.user.token is a list; expected a text'],
		['{token: 123}', 'config:5: users.0.user.token is a number; expected a text'],
		['{exec: {command: x, args: [a, 5]}}', 'config:5: users.0.user.exec.apiVersion is missing; expected a text'],
		[
			'{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}}',
			'config:5: users.0.user.exec.apiVersion is "client.authentication.k8s.io/v1alpha1"; expected client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1',
		],
		[
			'{client-certificate-data: c2VjcmV0}',
			'user "u" of config: client-certificate and client-key belong together; one of them is missing',
		],
		['{client-certificate: nope.crt, client-key: nope.key}', 'client-certificate nope.crt (user "u" of config): there is no such file'],
		['{auth-provider: {name: gcp}}', 'user "u" of config: auth-provider gcp is no longer part of Kubernetes; use its plugin (exec)'],
		['{token: "secret}', 'config:8: not YAML, at column 1: Missing closing "quote'],
	])('%s', async (user, words) => {
		await using folder = await home({ config: kubeconfigOf(address('a'), user) });
		expect(await folder.problem({ kubeconfig: folder.at('config') })).toContain(words);
	});

	test('of a server, a proxy, a context', async () => {
		const problem = async (text: string, options: ConnectOptions = {}) => {
			await using folder = await home({ config: text });
			return folder.problem({ ...options, kubeconfig: folder.at('config') });
		};
		const good = kubeconfigOf(address('a'));
		expect(await problem(kubeconfigOf('a.example'))).toBe(
			'config:4: clusters.0.cluster.server is "a.example"; expected an address such as https://10.0.0.1:6443',
		);
		expect(await problem(kubeconfigOf('https://me:secret@a.example'))).toBe(
			"config: a server's address holds a user name; it belongs under users",
		);
		expect(await problem(good.replace('"}', '", proxy-url: "socks5://secret"}'))).toBe(
			'config:4: clusters.0.cluster.proxy-url is a text; expected an address that begins with http:// or https:// (SOCKS is not supported)',
		);
		expect(await problem(good, { context: 'y' })).toBe('config: no context y; there is x');
		expect(await problem(good.replace('cluster: c,', 'cluster: d,'))).toBe('config: no cluster d; there is c');
		expect(await problem('current-context: x')).toBe('config: no context x; there is no context at all');
		expect(await problem('clusters: []')).toBe('config: no current-context; name one by --context, or kubectl config use-context');
	});
});

describe('a plugin gives the credentials', () => {
	/** Answers as the plugin of the user `u`, which is a script of the shell. */
	async function plugged(script: string, exec = '') {
		const player = await apiPlayer(({ request }, response) => {
			if (request.headers.authorization === 'Bearer refused') fail(response, 401, 'Unauthorized', 'Unauthorized');
			else answer(response, 200, pod(String(request.headers.authorization), 1));
		});
		const files = await home({
			'deep/config': kubeconfigOf(
				player.server,
				`{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [login], env: [{name: FLAVOUR, value: sweet}]${exec}}}`,
			),
			'deep/plugin': `#!/bin/sh\nset -e\ncd "$(dirname "$0")"\necho run >> runs\n${script}\n`,
		});
		chmodSync(files.at('deep/plugin'), 0o755);
		const cluster = await files.connect({ kubeconfig: files.at('deep/config'), environment: { PATH: process.env.PATH } });
		return {
			ask: async () => (await cluster.get(one))?.metadata.name,
			async [Symbol.asyncDispose]() {
				cluster[Symbol.dispose]();
				await files[Symbol.asyncDispose]();
				await player[Symbol.asyncDispose]();
			},
		};
	}
	const credential = (token: string, more = '') =>
		`echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'"${token}"'"${more}}}'`;

	test('once, for all who ask meanwhile', async () => {
		await using plugin = await plugged(credential('$1-$FLAVOUR-$(grep -c . runs)'));
		expect(await Promise.all([plugin.ask(), plugin.ask()])).toEqual(['Bearer login-sweet-1', 'Bearer login-sweet-1']);
		expect(await plugin.ask()).toBe('Bearer login-sweet-1');
	});

	test('again when they have run out, or the API server does not take them', async () => {
		await using passing = await plugged(credential('$(grep -c . runs)', ',"expirationTimestamp":"2020-01-01T00:00:00Z"'));
		expect([await passing.ask(), await passing.ask()]).toEqual(['Bearer 1', 'Bearer 2']);
		await using refused = await plugged(`if [ $(grep -c . runs) = 1 ]; then ${credential('refused')}; else ${credential('good')}; fi`);
		expect(await refused.ask()).toBe('Bearer good');
	});

	test('and is told of the cluster where it wants to know', async () => {
		const info = `${credential('$(echo "$KUBERNETES_EXEC_INFO" | base64 -w0)')}`;
		const told = async (exec: string) => {
			await using plugin = await plugged(info, exec);
			return JSON.parse(Buffer.from((await plugin.ask())?.slice('Bearer '.length) ?? '', 'base64').toString());
		};
		const spec = { interactive: false };
		expect(await told('')).toEqual({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', spec });
		expect(await told(', provideClusterInfo: true')).toMatchObject({
			spec: { cluster: { server: expect.stringContaining('http://127.0.0.1') } },
		});
	});

	test('or is said to fail', async () => {
		const problem = async (script: string, exec?: string) => {
			await using plugin = await plugged(script, exec);
			return await plugin.ask().then(
				() => expect.unreachable('no error'),
				({ name, message }) => `${name}: ${message.replaceAll(/\S*deep\//g, '')}`,
			);
		};
		expect(await problem('echo one >&2; echo "log in first" >&2; exit 3')).toBe(
			'KubernetesUnavailable: user "u" of config: plugin gives no credentials: log in first',
		);
		expect(await problem('exit 3')).toBe('KubernetesUnavailable: user "u" of config: plugin gives no credentials: exit code 3');
		expect(await problem('echo hello')).toBe('KubernetesUnavailable: user "u" of config: plugin does not answer with an ExecCredential');
	});

	test('or is said not to be installed, and how to', async () => {
		const exec = '{exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, installHint: see https://example.com}}';
		await using files = await home({ config: kubeconfigOf(address('a'), exec) });
		using cluster = await files.connect({ kubeconfig: files.at('config') });
		await expect(cluster.get(one)).rejects.toMatchObject({
			name: 'KubernetesRefused',
			message: expect.stringContaining('no-such-plugin is not installed: see https://example.com'),
		});
	});
});

test('a proxy is used where the kubeconfig or the environment names one', async () => {
	await using player = await apiPlayer((_, response) => answer(response, 200, pod('a', 1)));
	let used = 0;
	const proxy = createServer((request, response) => {
		used++;
		const { port, pathname } = new URL(request.url ?? '');
		const socket = connectTcp(Number(port), '127.0.0.1', () =>
			socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`),
		);
		socket.pipe(response.socket as NonNullable<typeof response.socket>);
	}).listen(0, '127.0.0.1');
	await once(proxy, 'listening');
	const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
	try {
		await using files = await home({
			plain: kubeconfigOf(player.server),
			proxied: kubeconfigOf(player.server).replace('"}', `", proxy-url: "${url}"}`),
		});
		using named = await files.connect({ kubeconfig: files.at('proxied') });
		expect((await named.get(one))?.metadata.name).toBe('a');
		expect(used).toBe(1);
		using inherited = await files.connect({ kubeconfig: files.at('plain'), environment: { HTTP_PROXY: url } });
		expect((await inherited.get(one))?.metadata.name).toBe('a');
		expect(used).toBe(2);
		using excepted = await files.connect({ kubeconfig: files.at('plain'), environment: { HTTP_PROXY: url, NO_PROXY: '127.0.0.1' } });
		expect((await excepted.get(one))?.metadata.name).toBe('a');
		expect(used).toBe(2);
	} finally {
		proxy.close();
	}
});

test('nothing that can be printed of a connection holds a secret', async () => {
	await using player = await apiPlayer((_, response) => fail(response, 401, 'Unauthorized', 'Unauthorized'));
	const error: unknown = await player.cluster.get(one).catch((error) => error);
	const { inspect } = await import('node:util');
	expect(inspect([player.cluster, error], { depth: 10 })).not.toContain(secretToken);
});
