import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';

export { type ExpiryOptions, expiry } from './expiry/expiry.ts';
export { type ReportTable, reportTable } from './expiry/report-table.ts';
export { type PublisherDeps, type PublisherOptions, publisher } from './publisher/publisher.ts';

export type MonitorOptions = {
	/** `127.0.0.1` for this machine alone. */
	readonly address: string;
	/** 0: any free port; absent: no metrics. */
	readonly metricsPort?: number | undefined;
	readonly healthPort: number;
};

export type Monitor = AsyncDisposable & {
	/** Closes and opens what differs; a port that stays the same stays open. One that could not be opened is tried again. */
	change(options: MonitorOptions): Promise<void>;
};

type Open = { readonly server: Server; readonly address: string; readonly port: number };

/** A port that is taken or forbidden now may be free later. */
const retryMs = 5_000;

/** Tells the outside how the agent is: metrics for Prometheus, health for the kubelet. */
export async function startMonitor(telemetry: Telemetry, options: MonitorOptions, retryAfterMs = retryMs): Promise<Monitor> {
	const apps = { metrics: metricsApp(telemetry), health: healthApp(telemetry) } as const;
	const open = new Map<keyof typeof apps, Open>();
	let retry: NodeJS.Timeout | undefined;
	let changing = Promise.resolve();

	/** One change after the other. */
	function change(wanted: MonitorOptions): Promise<void> {
		clearTimeout(retry);
		changing = changing.then(() => exchange(wanted));
		return changing;
	}

	async function exchange(options: MonitorOptions): Promise<void> {
		const { address, metricsPort, healthPort } = options;
		const wanted = [
			{ name: 'metrics', port: metricsPort, key: 'monitor.metricsPort' },
			{ name: 'health', port: healthPort, key: 'monitor.healthPort' },
		] as const;
		for (const { name, port } of wanted) {
			const is = open.get(name);
			if (is && !(is.port === port && is.address === address)) await shut(name, is);
		}
		const problems: string[] = [];
		const opened: { metrics?: number; health?: number } = {};
		for (const { name, port, key } of wanted) {
			if (port === undefined || open.has(name)) continue;
			try {
				const server = await listen(apps[name], address, port);
				open.set(name, { server, address, port });
				opened[name] = (server.address() as AddressInfo).port;
			} catch (error) {
				problems.push(`port ${port} can't be opened: ${describe(error)} (${key})`);
			}
		}
		if (Object.keys(opened).length > 0) telemetry.listening(opened);
		if (problems.length === 0) return telemetry.componentReady('monitor');
		telemetry.componentNotReady('monitor', problems.join('; '));
		clearTimeout(retry);
		retry = setTimeout(() => change(options), retryAfterMs);
	}

	async function shut(name: keyof typeof apps, { server }: Open): Promise<void> {
		open.delete(name);
		await close(server);
	}

	await change(options);
	return {
		change,
		async [Symbol.asyncDispose]() {
			await changing;
			clearTimeout(retry);
			for (const [name, is] of [...open].reverse()) await shut(name, is);
		},
	};
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
	const code = codeOf(error);
	if (code === 'EADDRINUSE') return 'another process uses it';
	if (code === 'EACCES') return 'only root may';
	return messageOf(error);
}
