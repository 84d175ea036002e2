import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../../src/components/monitor/publisher/token-bucket.ts';
import { apiPlayer, kubeconfigOf } from '../support/api-player.ts';
import { temporaryFolder } from '../support/crash.ts';
import { emptyJournal } from '../support/journal.ts';
import { crash, publishing } from '../support/publishing.ts';

describe('the token bucket', () => {
	test('gives so many at once and then so many each second, reports first', async () => {
		const bucket = tokenBucket({ perSecond: 50, burst: 3 });
		const { signal } = new AbortController();
		const order: string[] = [];
		const started = performance.now();
		const take = (name: 'reports' | 'events') => bucket.take(name, signal).then(() => order.push(name));
		await Promise.all([take('events'), take('events'), take('events'), take('events'), take('events'), take('reports'), take('reports')]);
		expect(order).toEqual(['events', 'events', 'events', 'reports', 'reports', 'events', 'events']);
		expect(performance.now() - started).toBeGreaterThanOrEqual(75);
	});

	test('forgets who does not wait any more', async () => {
		const bucket = tokenBucket({ perSecond: 20, burst: 1 });
		const { signal } = new AbortController();
		await bucket.take('reports', signal);
		const stop = new AbortController();
		const given = bucket.take('reports', stop.signal);
		const next = bucket.take('events', signal);
		stop.abort(new Error('over'));
		await expect(given).rejects.toThrow('over');
		await next;
		await expect(bucket.take('events', stop.signal)).rejects.toThrow('over');
	});
});

test('an API server that asks for time gets it', async () => {
	await using opened = await emptyJournal(undefined, { now: Date.now });
	const place = { namespace: 'milvus', pod: 'p', podUid: 'u', instance: 'my-release' };
	crash(opened.journal, { index: 1, association: place });
	await using player = await apiPlayer(({ request, path }, response) => {
		const isFirst = player.asked.filter((one) => one.path === path && one.request.method === request.method).length === 1;
		if (request.method === 'PATCH' && isFirst && path.includes('/crashreports/')) {
			response.writeHead(429, { 'retry-after': '2' }).end();
			return;
		}
		const list = { metadata: { resourceVersion: '1' }, items: [] };
		response.writeHead(200, { 'content-type': 'application/json' });
		response.end(JSON.stringify(request.method === 'GET' ? list : { metadata: { name: 'p', generation: 1 } }));
	});
	await using folder = await temporaryFolder();
	const kubeconfig = join(folder.path, 'config');
	writeFileSync(kubeconfig, kubeconfigOf(player.server));
	await using running = await publishing(kubeconfig, opened.journal, { node: 'node-1', namespace: 'default' });
	await expect.poll(() => opened.journal.outbox.unpublished(0, 1), { timeout: 10_000 }).toEqual([]);
	const [refused, again] = player.asked.filter(
		({ request, path }) => request.method === 'PATCH' && path.endsWith('/crashreports/p-6b86b273ff34'),
	);
	expect((again?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(2000);
	expect(running.lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('too many requests'));
});
