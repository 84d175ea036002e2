import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import type { Telemetry } from '../../telemetry/telemetry.ts';

export type MonitorOptions = {
	/** `127.0.0.1` for this machine alone. */
	readonly address: string;
	/** 0: any free port; absent: no metrics. */
	readonly metricsPort?: number | undefined;
	readonly healthPort: number;
};

/** A port that is taken or forbidden now may be free later. */
const retryMs = 5_000;

/** Tells the outside how the agent is: metrics for Prometheus, health for the kubelet. What can't be opened is tried again, until it is. */
export async function startMonitor(telemetry: Telemetry, options: MonitorOptions, retryAfterMs = retryMs): Promise<AsyncDisposable> {
	const waiting = new Map<Listener, string>();
	const servers: Server[] = [];
	const stop = new AbortController();
	const listeners: readonly Listener[] = [
		...(options.metricsPort === undefined ? [] : [{ name: 'metrics', app: metricsApp(telemetry), port: options.metricsPort } as const]),
		{ name: 'health', app: healthApp(telemetry), port: options.healthPort },
	];

	async function open(closed: readonly Listener[]): Promise<void> {
		const opened: Partial<Record<Listener['name'], number>> = {};
		for (const listener of closed) {
			const { name, app, port } = listener;
			try {
				const server = await listen(app, options.address, port);
				servers.push(server);
				waiting.delete(listener);
				opened[name] = (server.address() as AddressInfo).port;
			} catch (error) {
				waiting.set(listener, `port ${port} can't be opened: ${describe(error)} (monitor.${name}Port)`);
			}
		}
		if (Object.keys(opened).length > 0) telemetry.listening(opened);
		if (waiting.size > 0) telemetry.componentNotReady('monitor', [...waiting.values()].join('; '));
		else telemetry.componentReady('monitor');
	}

	async function retry(): Promise<void> {
		while (waiting.size > 0) {
			await delay(retryAfterMs, undefined, { signal: stop.signal }).catch(() => {}); // stopped: seen below
			if (stop.signal.aborted) return;
			await open([...waiting.keys()]);
		}
	}

	await open(listeners);
	const retrying = retry();
	return {
		async [Symbol.asyncDispose]() {
			stop.abort();
			await retrying;
			await Promise.all(servers.map(close));
		},
	};
}

type Listener = { readonly name: 'metrics' | 'health'; readonly app: Hono; readonly port: number };

function metricsApp({ metrics: { registry } }: Telemetry): Hono {
	return new Hono().get('/metrics', async (context) =>
		context.body(await registry.metrics(), 200, { 'content-type': registry.contentType }),
	);
}

/** `/healthz`: the process works; `/readyz`: all its components do, or 503 with the reasons. */
function healthApp({ states }: Telemetry): Hono {
	const components = () => [...states].map(([name, { ready, reason }]) => ({ name, ready, ...(reason ? { reason } : {}) }));
	return new Hono()
		.get('/healthz', (context) => context.json({ status: 'ok', components: components() }))
		.get('/readyz', (context) => {
			const isReady = components().every(({ ready }) => ready);
			return context.json({ status: isReady ? 'ready' : 'not ready', components: components() }, isReady ? 200 : 503);
		});
}

async function listen(app: Hono, hostname: string, port: number): Promise<Server> {
	const server = serve({ fetch: app.fetch, hostname, port }) as Server;
	await once(server, 'listening');
	return server;
}

/** Without waiting for clients that keep their connection. */
async function close(server: Server): Promise<void> {
	const closed = once(server, 'close');
	server.close();
	if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
	await closed;
}

function describe(error: unknown): string {
	const code = error instanceof Error && 'code' in error ? error.code : undefined;
	if (code === 'EADDRINUSE') return 'another process uses it';
	if (code === 'EACCES') return 'only root may';
	return error instanceof Error ? error.message : String(error);
}
