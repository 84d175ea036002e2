import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** What goes wrong on the way, once so many bytes of one direction have passed in all connections together. */
export type Fault = {
	readonly direction: 'to the server' | 'to the client';
	readonly afterBytes: number;
	/** Ends the connection, lets nothing through any more, or changes a byte. */
	readonly does: 'cut' | 'stall' | 'corrupt';
	/** From then on; else once. */
	readonly always?: boolean;
};

/** A network between a client and a server, in which something goes wrong. */
export async function faultyProxy(targetPort: number, fault?: Fault) {
	const sockets = new Set<Socket>();
	let passed = 0;
	let count = 0;
	let connections = 0;
	let isMended = false;
	const isDue = (length: number) => fault !== undefined && !isMended && passed + length > fault.afterBytes && (fault.always || count === 0);

	/** Lets bytes through, until the fault is due. */
	const line = (pair: readonly [Socket, Socket]) =>
		new Transform({
			transform(chunk: Buffer, _encoding, next) {
				const isNow = isDue(chunk.length);
				const at = Math.max(0, (fault?.afterBytes ?? 0) - passed);
				passed += chunk.length;
				if (!isNow) return next(null, chunk);
				count++;
				switch (fault?.does) {
					case 'cut':
						for (const socket of pair) socket.destroy();
						return;
					case 'stall':
						return; // `next` is never called
					case 'corrupt': {
						const changed = Buffer.from(chunk);
						changed[at] = (changed[at] ?? 0) ^ 1;
						return next(null, changed);
					}
					default:
						return next(null, chunk);
				}
			},
		});

	const server = createServer((client) => {
		connections++;
		const upstream = connect(targetPort, '127.0.0.1');
		const pair = [client, upstream] as const;
		for (const [from, to, direction] of [
			[client, upstream, 'to the server'],
			[upstream, client, 'to the client'],
		] as const) {
			sockets.add(from);
			from.on('error', () => {});
			from.on('close', () => {
				sockets.delete(from);
				to.destroy();
			});
			if (fault?.direction === direction) from.pipe(line(pair)).pipe(to);
			else from.pipe(to);
		}
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		endpoint: `http://127.0.0.1:${port}`,
		/** How often a client came. */
		connections: () => connections,
		/** How often it went wrong. */
		faults: () => count,
		/** From now on all goes well; what was under way is cut. */
		mend(): void {
			isMended = true;
			for (const socket of sockets) socket.destroy();
		},
		async [Symbol.asyncDispose]() {
			server.close();
			for (const socket of sockets) socket.destroy();
			await once(server, 'close');
		},
	};
}
