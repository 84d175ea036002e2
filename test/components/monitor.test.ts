import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startMonitor } from '../../src/components/monitor/monitor.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import { listening } from '../support/telemetry.ts';

/** A monitor on free ports of this machine alone. */
async function monitored(options: { readonly metricsPort?: number | undefined; readonly healthPort?: number } = {}) {
	const { telemetry, lines } = listening();
	const monitor = await startMonitor(telemetry, { address: '127.0.0.1', metricsPort: 0, healthPort: 0, ...options }, 50);
	const ports = lines.find(({ msg }) => msg === 'listening') as unknown as { readonly metrics?: number; readonly health?: number };
	const get = (port: number | undefined, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
	return { telemetry, lines, ports, get, change: monitor.change, [Symbol.asyncDispose]: () => monitor[Symbol.asyncDispose]() };
}

/** All components but the monitor itself. */
function startOthers(telemetry: Telemetry): void {
	for (const component of ['config', 'journal', 'collector', 'analyzer', 'storage', 'opinion'] as const)
		telemetry.componentReady(component);
}

test('readiness is that of all components, with the reason of each that is not', async () => {
	await using home = await monitored();
	const starting = await home.get(home.ports.health, '/readyz');
	expect(starting.status).toBe(503);
	expect(((await starting.json()) as { components: unknown[] }).components).toEqual([
		{ name: 'config', ready: false, reason: 'starting' },
		{ name: 'journal', ready: false, reason: 'starting' },
		{ name: 'monitor', ready: true },
		{ name: 'collector', ready: false, reason: 'starting' },
		{ name: 'analyzer', ready: false, reason: 'starting' },
		{ name: 'storage', ready: false, reason: 'starting' },
		{ name: 'opinion', ready: false, reason: 'starting' },
	]);
	startOthers(home.telemetry);
	const ready = await home.get(home.ports.health, '/readyz');
	expect(ready.status).toBe(200);
	expect(await ready.json()).toMatchObject({ status: 'ready', components: Array(7).fill({ ready: true }) });
	home.telemetry.componentNotReady('storage', 'the disk is full');
	const not = await home.get(home.ports.health, '/readyz');
	expect(not.status).toBe(503);
	expect(await not.json()).toMatchObject({
		status: 'not ready',
		components: expect.arrayContaining([{ name: 'storage', ready: false, reason: 'the disk is full' }]),
	});
	expect((await home.get(home.ports.health, '/healthz')).status).toBe(200);
	home.telemetry.componentReady('storage');
	expect((await home.get(home.ports.health, '/readyz')).status).toBe(200);
	expect(home.lines.map(({ msg }) => msg).filter((msg) => msg.startsWith('storage'))).toEqual([
		'storage is ready',
		'storage is not ready: the disk is full',
		'storage is ready again',
	]);
});

test('a state is told when it changes, not each time it is looked at', async () => {
	const { telemetry, lines } = listening();
	for (let index = 0; index < 3; index++) telemetry.componentNotReady('storage', 'full');
	telemetry.componentNotReady('storage', 'gone');
	for (let index = 0; index < 3; index++) telemetry.componentReady('storage');
	expect(lines.filter((line) => 'reason' in line)).toEqual([]); // it is in the message already
	expect(lines.map(({ msg }) => msg)).toEqual(['storage is not ready: full', 'storage is not ready: gone', 'storage is ready again']);
});

test('metrics are served under their names', async () => {
	await using home = await monitored();
	home.telemetry.coreFound('a', '/x', 1);
	const response = await home.get(home.ports.metrics, '/metrics');
	expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
	const text = await response.text();
	const names = [...text.matchAll(/^# TYPE milvus_coredump_agent_(\S+)/gm)].map(([, name]) => name);
	expect(names).toEqual(
		expect.arrayContaining([
			'coredumps_discovered_total',
			'coredumps_processed_total',
			'coredumps_skipped_total',
			'coredumps_errors_total',
			'analysis_total',
			'analysis_successful_total',
			'analysis_failed_total',
			'analysis_duration_seconds',
			'value_score_distribution',
			'files_stored_total',
			'storage_size_bytes',
			'storage_errors_total',
			'up',
			'last_processed_file_timestamp',
		]),
	);
	expect(text).toMatch(/^milvus_coredump_agent_coredumps_discovered_total 1$/m);
	expect((await home.get(home.ports.metrics, '/else')).status).toBe(404);
});

test('a port that is taken is told, the other is served all the same, and it is opened when it is free', async () => {
	const other = createServer().listen(0, '127.0.0.1');
	await once(other, 'listening');
	const { port } = other.address() as { port: number };
	await using home = await monitored({ metricsPort: port });
	expect(home.lines.at(-1)?.msg).toBe(`monitor is not ready: port ${port} can't be opened: another process uses it (monitor.metricsPort)`);
	startOthers(home.telemetry);
	expect((await home.get(home.ports.health, '/readyz')).status).toBe(503);
	other.close();
	await expect.poll(() => home.lines.at(-1)?.msg).toBe('monitor is ready again');
	expect((await home.get(port, '/metrics')).status).toBe(200);
	expect((await home.get(home.ports.health, '/readyz')).status).toBe(200);
});

test('no metrics when they are switched off', async () => {
	await using home = await monitored({ metricsPort: undefined });
	expect(home.ports.metrics).toBeUndefined();
	startOthers(home.telemetry);
	expect((await home.get(home.ports.health, '/readyz')).status).toBe(200);
});

test('with other options what differs is closed and opened, also where the ports are exchanged', async () => {
	await using home = await monitored();
	const { metrics = 0, health = 0 } = home.ports;
	const address = '127.0.0.1';
	const agent = new Agent({ keepAlive: true, maxSockets: 1 });
	const getKept = async () => {
		const [response] = await once(request({ host: address, port: health, path: '/healthz', agent }).end(), 'response');
		response.resume();
		await once(response, 'end');
		return response.req.reusedSocket;
	};
	expect(await getKept()).toBe(false);
	await home.change({ address, metricsPort: undefined, healthPort: 0 });
	await expect(home.get(metrics, '/metrics')).rejects.toThrow();
	expect(await getKept()).toBe(true); // not even the connection was closed
	await home.change({ address, metricsPort: health, healthPort: metrics });
	expect((await home.get(health, '/metrics')).status).toBe(200);
	expect((await home.get(metrics, '/healthz')).status).toBe(200);
	agent.destroy();
});

test('it closes although a client keeps its connection', async () => {
	const home = await monitored();
	const agent = new Agent({ keepAlive: true });
	const get = request({ host: '127.0.0.1', port: home.ports.health, path: '/healthz', agent }).end();
	const [response] = await once(get, 'response');
	response.resume();
	await once(response, 'end');
	await home[Symbol.asyncDispose]();
	agent.destroy();
	await expect(home.get(home.ports.health, '/healthz')).rejects.toThrow();
});
