import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Cluster, type ConnectOptions, connect } from '../../src/drivers/kubernetes/kubernetes.ts';
import { temporaryFolder } from './crash.ts';

/**
 * Plays the bad moments of an API server, which a real one does not have on demand: slow, cut and broken answers. What it says is
 * written from what a real one (1.35) says; good moments are tested with that.
 */
export async function apiPlayer(play: (request: Asked, response: ServerResponse) => void, options: Partial<ConnectOptions> = {}) {
	const folder = await temporaryFolder();
	const asked: Asked[] = [];
	const server = createServer((request, response) => {
		const url = new URL(request.url ?? '', 'http://x');
		const one: Asked = { request, path: url.pathname, query: Object.fromEntries(url.searchParams), at: performance.now() };
		asked.push(one);
		play(one, response);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	const kubeconfig = join(folder.path, 'config');
	writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`));
	const cluster: Cluster = await connect({ kubeconfig, environment: {}, ...options });
	return {
		cluster,
		server: `http://127.0.0.1:${port}`,
		/** All requests, in their order. */
		asked,
		async [Symbol.asyncDispose]() {
			cluster[Symbol.dispose]();
			server.close();
			server.closeAllConnections();
			await folder[Symbol.asyncDispose]();
		},
	};
}

export type Asked = {
	readonly request: IncomingMessage;
	readonly path: string;
	readonly query: Readonly<Record<string, string>>;
	readonly at: number;
};

export const secretToken = 'top-secret-token';

export const kubeconfigOf = (server: string, user = `{token: ${secretToken}}`) => `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${server}"}}]
users: [{name: u, user: ${user}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

export function answer(
	response: ServerResponse,
	code: number,
	body: object | string,
	headers: Readonly<Record<string, string>> = {},
): void {
	const isText = typeof body === 'string';
	response.writeHead(code, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers });
	response.end(isText ? body : JSON.stringify(body));
}

/** What a real API server answers when it fails. */
export function fail(response: ServerResponse, code: number, reason: string, message: string, more: object = {}, headers = {}): void {
	answer(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...more }, headers);
}

export const pod = (name: string, resourceVersion: number, uid = `uid-${name}`) => ({
	metadata: { name, namespace: 'default', uid, resourceVersion: String(resourceVersion) },
});

export const podList = (resourceVersion: number, ...items: readonly object[]) => ({
	kind: 'PodList',
	apiVersion: 'v1',
	metadata: { resourceVersion: String(resourceVersion) },
	items,
});

export const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
export const bookmark = (resourceVersion: number) =>
	event('BOOKMARK', { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(resourceVersion) } });
