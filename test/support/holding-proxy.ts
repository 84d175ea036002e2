import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { parse } from 'yaml';
import { kubeconfigOf } from './api-player.ts';

/** A request of a client, as the API server is told it. */
export type Passing = { readonly method: string; readonly path: string; readonly body: string };

/** A request that goes no further. */
export type Held = {
	readonly request: Passing;
	/** It goes on. */
	release(): void;
};

export type Written = Passing & { /** Of the answer; 0: there was none. */ readonly status: number };

/**
 * The way of a client to an API server, on which one request can be held: so a client stands where a test wants it to, however slow the machine is.
 *
 * @param kubeconfig of the API server, with its certificates in it
 * @param path where a kubeconfig that leads through it is written; who follows it has the same rights
 */
export async function holdingProxy(kubeconfig: string, path: string) {
	const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8'));
	const decoded = (base64: string) => Buffer.from(base64, 'base64');
	const agent = new https.Agent({
		keepAlive: true,
		ca: decoded(clusters[0].cluster['certificate-authority-data']),
		cert: decoded(users[0].user['client-certificate-data']),
		key: decoded(users[0].user['client-key-data']),
	});
	const written: Written[] = [];
	const holds = new Set<Hold>();

	/** Where somebody waits for such a request, it is held until it is let go. */
	async function pass(moment: Moment, request: Passing): Promise<void> {
		const hold = [...holds].find((one) => one.moment === moment && one.isIt(request));
		if (!hold) return;
		holds.delete(hold);
		const gate = Promise.withResolvers<void>();
		hold.reached({ request, release: gate.resolve });
		await gate.promise;
	}

	async function forward(from: IncomingMessage, to: ServerResponse): Promise<void> {
		const content = await buffer(from);
		const { method = 'GET', url = '/', headers } = from;
		const request = { method, path: new URL(url, 'http://x').pathname, body: content.toString() };
		await pass('before', request);
		if (to.destroyed) return;
		const { host: _, authorization: __, connection: ___, ...own } = headers;
		const asked = https.request(clusters[0].cluster.server + url, { method, headers: own, agent });
		to.on('close', () => asked.destroy());
		const isWrite = method !== 'GET';
		try {
			asked.end(content);
			const [answer] = (await once(asked, 'response')) as [IncomingMessage];
			const { statusCode: status = 0 } = answer;
			if (isWrite) written.push({ ...request, status });
			await pass('after', request);
			to.writeHead(status, answer.headers);
			to.flushHeaders(); // a watch may have nothing to say for long
			answer.on('error', () => to.destroy());
			answer.pipe(to);
		} catch {
			if (isWrite) written.push({ ...request, status: 0 });
			to.destroy(); // as the API server's own connection
		}
	}

	const server = createServer((from, to) => {
		forward(from, to).catch(() => to.destroy()); // the client has gone
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	writeFileSync(path, kubeconfigOf(`http://127.0.0.1:${port}`), { mode: 0o600 });

	return {
		kubeconfig: path,
		/** All that was asked for but to look, in the order of the answers. */
		written: written as readonly Written[],
		/** Holds the next such request before the API server hears of it, or its answer before the client does. @returns which it is, once it is there */
		hold(moment: Moment, isIt: (request: Passing) => boolean): () => Held | undefined {
			let held: Held | undefined;
			const reached = (one: Held) => {
				held = one;
			};
			holds.add({ moment, isIt, reached });
			return () => held;
		},
		async [Symbol.asyncDispose]() {
			server.close();
			server.closeAllConnections();
			agent.destroy();
			await once(server, 'close');
		},
	};
}

export type Moment = 'before' | 'after';
type Hold = { readonly moment: Moment; readonly isIt: (request: Passing) => boolean; readonly reached: (held: Held) => void };

export type HoldingProxy = Awaited<ReturnType<typeof holdingProxy>>;
