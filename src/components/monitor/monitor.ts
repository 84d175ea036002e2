import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
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

/** Tells the outside how the agent is: metrics for Prometheus, health for the kubelet. */
export async function startMonitor(telemetry: Telemetry, options: MonitorOptions): Promise<AsyncDisposable> {
	await using servers = new AsyncDisposableStack();
	const listening: { metrics?: number; health?: number } = {};
	const problems: string[] = [];
	for (const [name, app, port, key] of [
		['metrics', metricsApp(telemetry), options.metricsPort, 'monitor.metricsPort'],
		['health', healthApp(telemetry), options.healthPort, 'monitor.healthPort'],
	] as const) {
		if (port === undefined) continue;
		try {
			const server = await listen(app, options.address, port);
			servers.defer(() => close(server));
			listening[name] = (server.address() as AddressInfo).port;
		} catch (error) {
			problems.push(`port ${port} can't be opened: ${describe(error)} (${key})`);
		}
	}
	telemetry.listening(listening);
	if (problems.length > 0) telemetry.componentNotReady('monitor', problems.join('; '));
	else telemetry.componentReady('monitor');
	return servers.move();
}

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
