import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parse, stringify } from 'yaml';

/**
 * A network between a client and an API server that can be cut without a word: what is on its way then stays where it is, and nobody
 * is told that a connection is over.
 *
 * @param kubeconfig of the API server
 * @param path where a kubeconfig that leads through it is written
 */
export async function freezingProxy(kubeconfig: string, path: string) {
	const config = parse(readFileSync(kubeconfig, 'utf8'));
	const target = new URL(config.clusters[0].cluster.server);
	const pairs = new Set<readonly [Socket, Socket]>();
	let isFrozen = false;
	const server = createServer({ pauseOnConnect: true }, (client) => {
		const upstream = connect(Number(target.port), target.hostname);
		const pair = [client, upstream] as const;
		pairs.add(pair);
		for (const [from, to] of [pair, [upstream, client] as const]) {
			from.on('error', () => {});
			from.on('close', () => {
				pairs.delete(pair);
				to.destroy();
			});
			from.pipe(to);
		}
		if (isFrozen) freeze(pair);
		else client.resume();
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	config.clusters[0].cluster.server = `https://127.0.0.1:${port}`;
	writeFileSync(path, stringify(config), { mode: 0o600 });
	return {
		kubeconfig: path,
		/** From now on nothing passes, of old connections and new ones. */
		freeze(): void {
			isFrozen = true;
			for (const pair of pairs) freeze(pair);
		},
		/** New connections pass again; the old ones never will. */
		thaw(): void {
			isFrozen = false;
		},
		/** Ends all connections, and says so. */
		cut(): void {
			for (const pair of pairs) for (const socket of pair) socket.destroy();
		},
		async [Symbol.asyncDispose]() {
			server.close();
			for (const pair of pairs) for (const socket of pair) socket.destroy();
			await once(server, 'close');
		},
	};
}

function freeze([client, upstream]: readonly [Socket, Socket]): void {
	for (const socket of [client, upstream]) {
		socket.unpipe();
		socket.pause();
	}
}
