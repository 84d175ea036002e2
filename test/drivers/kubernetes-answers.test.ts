import { getEventListeners } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
	connect,
	type KubernetesObject,
	KubernetesRefused,
	KubernetesUnavailable,
	resource,
} from '../../src/drivers/kubernetes/kubernetes.ts';
import { answer, apiPlayer, fail, kubeconfigOf, pod, podList, secretToken } from '../support/api-player.ts';
import { temporaryFolder } from '../support/crash.ts';

const pods = resource('v1', 'pods', 'default');
const one = resource('v1', 'pods', 'default', 'a');
const thrown = (promise: Promise<unknown>) =>
	promise.then(
		(value) => expect.unreachable(`no error but ${JSON.stringify(value)}`),
		(error: Error) => error,
	);
const namesOf = async (objects: AsyncIterable<KubernetesObject>) => {
	const names: string[] = [];
	for await (const { metadata } of objects) names.push(metadata.name);
	return names;
};

describe('an answer that is no success is an error that says whether trying again helps', () => {
	const forbidden =
		'pods "a" is forbidden: User "system:serviceaccount:default:x" cannot get resource "pods" in API group "" in the namespace "default"';
	test.each([
		[429, 'TooManyRequests', 'slow down', KubernetesUnavailable, "can't get pods at SERVER: too many requests: slow down"],
		[500, 'InternalError', 'etcd is away', KubernetesUnavailable, "can't get pods at SERVER: etcd is away"],
		[503, 'ServiceUnavailable', 'not yet', KubernetesUnavailable, "can't get pods at SERVER: not yet"],
		[401, 'Unauthorized', 'Unauthorized', KubernetesRefused, 'the API server does not accept the credentials of user "u" of '],
		[403, 'Forbidden', forbidden, KubernetesRefused, `can't get pods at SERVER: ${forbidden}`],
		[422, 'Invalid', 'bad\n\n  name\u001b[31m', KubernetesRefused, "can't get pods at SERVER: bad name\\x1b[31m"],
	])('%i %s', async (code, reason, message, type, words) => {
		await using player = await apiPlayer((_, response) => fail(response, code, reason, message, {}, { 'retry-after': '7' }));
		const error = await thrown(player.cluster.get(one));
		expect(error).toBeInstanceOf(type);
		expect(error.message).toContain(words.replace('SERVER', player.server));
		expect(error.message).not.toContain(secretToken);
		if (error instanceof KubernetesUnavailable) expect(error.retryAfterMs).toBe(7000);
	});

	test('a page of a proxy on the way', async () => {
		await using player = await apiPlayer((_, response) => answer(response, 502, '<html>Bad\nGateway</html>'));
		expect(await thrown(player.cluster.get(one))).toMatchObject({
			name: 'KubernetesUnavailable',
			message: `can't get pods at ${player.server}: <html>Bad Gateway</html>`,
		});
	});

	test('a resource that the API server does not know', async () => {
		await using player = await apiPlayer((_, response) => answer(response, 404, '404 page not found\n'));
		const error = await thrown(player.cluster.get(resource('diagnostics.milvus.io/v1alpha1', 'crashreports', 'default', 'a')));
		expect(error).toBeInstanceOf(KubernetesRefused);
		expect(error.message).toBe(
			`can't get crashreports.diagnostics.milvus.io at ${player.server}: the API server knows no such resource; is its CustomResourceDefinition installed?`,
		);
	});
});

describe('no answer is told as unavailable', () => {
	test.each([
		['nothing within the time limit', () => {}, 'no answer for 300 ms'],
		['half an answer within the time limit', (response) => response.writeHead(200).write('{"kind":'), 'no answer for 300 ms'],
		['a connection that is cut', (response) => response.destroy(), 'the connection was cut'],
		[
			'an answer that is cut',
			(response) => response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()),
			'the connection was cut',
		],
		['garbage', (response) => answer(response, 200, 'garbage'), "what it answers can't be read (no JSON)"],
	] as [string, (response: import('node:http').ServerResponse) => void, string][])('%s', async (_, play, words) => {
		await using player = await apiPlayer((_, response) => play(response), { timeoutMs: 300 });
		expect(await thrown(player.cluster.get(one))).toMatchObject({
			name: 'KubernetesUnavailable',
			message: `can't get pods at ${player.server}: ${words}`,
		});
	});

	test('nobody there', async () => {
		const player = await apiPlayer(() => {});
		await player[Symbol.asyncDispose]();
		expect(await thrown(player.cluster.get(one))).toMatchObject({
			name: 'KubernetesUnavailable',
			message: `can't get pods at ${player.server}: nothing listens there (connection refused)`,
		});
	});
});

test('a request ends at the signal, with the reason of the signal', async () => {
	const stop = new AbortController();
	const reason = new Error('stop');
	await using player = await apiPlayer(() => stop.abort(reason));
	expect(await thrown(player.cluster.get(one, stop.signal))).toBe(reason);
	expect(await thrown(player.cluster.get(one, stop.signal))).toBe(reason);
	expect(await thrown(namesOf(player.cluster.list(pods, {}, stop.signal)))).toBe(reason);
	expect(player.asked).toHaveLength(1);
});

test('nothing of a request stays with a signal that lives on', async () => {
	const { signal } = new AbortController();
	await using player = await apiPlayer(({ path }, response) => answer(response, path === one ? 200 : 500, pod('a', 1)));
	await player.cluster.get(one, signal);
	await thrown(player.cluster.get(pods, signal));
	await thrown(namesOf(player.cluster.list(pods, {}, signal)));
	await player.cluster.log({ namespace: 'a', pod: 'b', container: 'c', tailBytes: 1 }, signal).catch(() => {});
	expect(player.asked).toHaveLength(4);
	expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a kept connection that the server closes just now is no error for what only reads', async () => {
	const connections = new Set<unknown>();
	await using player = await apiPlayer(({ request }, response) => {
		if (connections.has(request.socket)) return request.socket.destroy();
		connections.add(request.socket);
		answer(response, 200, pod('a', 1));
	});
	for (let count = 0; count < 3; count++) expect((await player.cluster.get(one))?.metadata.name).toBe('a');
	expect(connections.size).toBe(3);
	expect(await thrown(player.cluster.create(pods, {}))).toBeInstanceOf(KubernetesUnavailable);
});

test('every request is told, with its verb, resource and status', async () => {
	const made: string[] = [];
	const onRequest = ({ verb, resource, status }: { verb: string; resource: string; status: number | undefined }) =>
		made.push(`${verb} ${resource} ${status}`);
	await using player = await apiPlayer(
		({ path }, response) => (path.endsWith('/cut') ? response.destroy() : answer(response, 200, podList(1))),
		{ onRequest },
	);
	const { cluster } = player;
	await cluster.get(one);
	await namesOf(cluster.list(resource('apps/v1', 'deployments')));
	await cluster.patch(resource('diagnostics.milvus.io/v1alpha1', 'crashreports', 'a', 'b'), {}, { type: 'apply', subresource: 'status' });
	await cluster.get(resource('v1', 'namespaces', undefined, 'a'));
	await cluster.log({ namespace: 'a', pod: 'b', container: 'c', tailBytes: 1 });
	await thrown(cluster.remove(`${one}/cut`));
	expect(made).toEqual([
		'get pods 200',
		'list deployments.apps 200',
		'patch crashreports.diagnostics.milvus.io/status 200',
		'get namespaces 200',
		'get pods/log 200',
		'delete pods/cut undefined',
	]);
});

test('a token that the API server takes no longer is read anew, and the request made again', async () => {
	await using folder = await temporaryFolder();
	const token = join(folder.path, 'token');
	const kubeconfig = join(folder.path, 'config');
	writeFileSync(token, 'first\n');
	const shown: unknown[] = [];
	let good = 'Bearer second';
	await using player = await apiPlayer(({ request }, response) => {
		shown.push(request.headers.authorization);
		if (request.headers.authorization === good) answer(response, 200, pod('a', 1));
		else fail(response, 401, 'Unauthorized', 'Unauthorized');
	});
	writeFileSync(kubeconfig, kubeconfigOf(player.server, '{tokenFile: token}'));
	using cluster = await connect({ kubeconfig, environment: {} });
	writeFileSync(token, 'second\n');
	expect((await cluster.get(one))?.metadata.name).toBe('a');
	good = 'Bearer third';
	writeFileSync(token, ''); // in the middle of being exchanged
	expect(await thrown(cluster.get(one))).toBeInstanceOf(KubernetesRefused);
	writeFileSync(token, 'third');
	expect((await cluster.get(one))?.metadata.name).toBe('a');
	expect(shown).toEqual(['first', 'second', 'second', 'second', 'second', 'third'].map((token) => `Bearer ${token}`));
});

test('an address that speaks no TLS is told', async () => {
	await using folder = await temporaryFolder();
	await using player = await apiPlayer(() => {});
	writeFileSync(join(folder.path, 'config'), kubeconfigOf(player.server.replace('http:', 'https:')));
	using cluster = await connect({ kubeconfig: join(folder.path, 'config'), environment: {} });
	expect(await thrown(cluster.get(one))).toMatchObject({
		name: 'KubernetesRefused',
		message: expect.stringContaining('is it http:// and not https://?'),
	});
});

describe('a list', () => {
	test('goes on as it is now when its pages took longer than the API server remembers', async () => {
		await using player = await apiPlayer(({ query }, response) => {
			const page = { 1: podList(1, pod('a', 1)), 2: podList(1, pod('b', 1)), now: podList(5, pod('c', 4)) }[
				query.continue ?? 1
			] as ReturnType<typeof podList>;
			if (query.continue === 'old') return fail(response, 410, 'Expired', 'too old', { metadata: { continue: 'now' } });
			const next = { 1: '2', 2: 'old' }[query.continue ?? 1];
			answer(response, 200, { ...page, metadata: { ...page.metadata, continue: next } });
		});
		expect(await namesOf(player.cluster.list(pods))).toEqual(['a', 'b', 'c']);
	});

	test('that can not go on is told', async () => {
		await using player = await apiPlayer((_, response) => fail(response, 410, 'Expired', 'too old'));
		expect(await thrown(namesOf(player.cluster.list(pods)))).toMatchObject({
			name: 'KubernetesUnavailable',
			message: expect.stringContaining('too old'),
		});
	});

	test('is read whatever the order of its keys, the cuts between its pieces, and the brackets in its texts', async () => {
		const odd = { metadata: { name: 'odd', resourceVersion: '1', annotations: { items: '[{"}]\\' } }, items: [{ a: [1, {}] }] };
		const texts = [
			JSON.stringify({ items: [odd, odd], kind: 'PodList', metadata: { resourceVersion: '1', items: [1] } }),
			JSON.stringify({ kind: 'items', metadata: { resourceVersion: '1' }, items: [odd, odd], more: { items: [{}] } }, null, '\t'),
			JSON.stringify({ 'it\\"ems': [{}], metadata: { resourceVersion: '1' }, items: [odd, odd] }),
		];
		const whole = Buffer.from(texts[0] ?? '');
		await using player = await apiPlayer(async ({ query }, response) => {
			response.writeHead(200);
			if (query.labelSelector !== undefined) return response.end(texts[Number(query.labelSelector)]);
			for (const byte of whole) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
			response.end();
		});
		for (const labelSelector of ['0', '1', '2', undefined]) {
			const found: KubernetesObject[] = [];
			for await (const object of player.cluster.list(pods, labelSelector === undefined ? {} : { labelSelector })) found.push(object);
			expect(found).toEqual([odd, odd]);
		}
	});

	test.each([
		['is cut after an item', '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}}'],
		['is cut in an item', '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{}'],
		['is no list', '{"kind":"Pod","metadata":{"name":"a"}}'],
		['is no JSON', '<html>'],
		['holds something else than objects', '{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"a"}}]}'],
		['holds nothing', '{"metadata":{"resourceVersion":"1"},"items":[{}]}'],
	])('that %s is told', async (_, text) => {
		await using player = await apiPlayer((_, response) => answer(response, 200, text));
		expect(await thrown(namesOf(player.cluster.list(pods)))).toBeInstanceOf(KubernetesUnavailable);
	});
});

test('what has no name is no path', () => {
	expect(() => resource('v1', 'pods', 'default', '')).toThrow('not a part of a path');
	expect(() => resource('v1', 'pods', '..', 'a')).toThrow('not a part of a path');
	expect(resource('apps/v1', 'deployments', 'a/b', 'c d')).toBe('/apis/apps/v1/namespaces/a%2Fb/deployments/c%20d');
});
