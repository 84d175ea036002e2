import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { delays } from '../../src/drivers/kubernetes/delays.ts';
import { resource } from '../../src/drivers/kubernetes/kubernetes.ts';
import { type Asked, answer, apiPlayer, bookmark, event, fail, pod, podList } from '../support/api-player.ts';
import { followed } from '../support/informed.ts';

const path = resource('v1', 'pods', 'default');
const timing = { idleLimitMs: 300, firstDelayMs: 10, longestDelayMs: 50 };

/** Plays a collection with one pod, `a`, and what is given to its watches, one after another; the last goes on for the rest. */
async function watched(...watches: readonly ((response: ServerResponse, asked: Asked) => void)[]) {
	let count = 0;
	const player = await apiPlayer((asked, response) => {
		if (asked.query.watch !== 'true') return answer(response, 200, podList(10, pod('a', 5)));
		watches[Math.min(count++, watches.length - 1)]?.(response, asked);
	});
	const informed = followed(player.cluster, { path, timing });
	return {
		...informed,
		/** The resource versions from which it listed and watched. */
		asked: () => player.asked.map(({ query }) => `${query.watch === 'true' ? 'watch' : 'list'} ${query.resourceVersion ?? 'now'}`),
		requests: player.asked,
		async [Symbol.asyncDispose]() {
			await informed[Symbol.asyncDispose]();
			await player[Symbol.asyncDispose]();
		},
	};
}

/** A watch that tells of `b` at resource version 12, and stays. */
const good = (response: ServerResponse) => response.writeHead(200).write(event('ADDED', pod('b', 12)));

describe('whatever a watch brings, it is taken up where it ended', () => {
	const begun = (text: string) => (response: ServerResponse) => response.writeHead(200).write(text);
	test.each([
		['garbage', begun(`${event('MODIFIED', pod('a', 11))}garbage\n`), "can't be read (no JSON)"],
		[
			'an event of no known type',
			begun(`${event('MODIFIED', pod('a', 11))}${event('SURPRISE', pod('a', 12))}`),
			"can't be read (no watch event)",
		],
		['an event without an object', begun(`${event('MODIFIED', pod('a', 11))}{"type":"ADDED"}\n`), "can't be read (no watch event)"],
		[
			'a cut connection',
			(response) => begun(event('MODIFIED', pod('a', 11)))(response) && setTimeout(() => response.destroy(), 20),
			'the connection was cut',
		],
		['silence', begun(event('MODIFIED', pod('a', 11))), 'no sign of life for 300 ms'],
		['a trickle', (response) => begun(event('MODIFIED', pod('a', 11)))(response) && trickle(response), 'no sign of life for 300 ms'],
	] as [string, (response: ServerResponse) => void, string][])('%s', async (_, first, words) => {
		await using informed = await watched(first, good);
		await expect.poll(() => informed.told).toHaveLength(5);
		expect(informed.told).toEqual(['synced a', '~a', expect.stringContaining(words), 'available', '+b']);
		expect(informed.asked()).toEqual(['list 0', 'watch 10', 'watch 11']);
	});

	test('half a line at its end', async () => {
		await using informed = await watched((response) => response.end(`${event('MODIFIED', pod('a', 11))}{"type":"ADD`), good);
		await expect.poll(() => informed.told).toHaveLength(3);
		expect(informed.told).toEqual(['synced a', '~a', '+b']);
		expect(informed.asked()).toEqual(['list 0', 'watch 10', 'watch 11']);
	});

	test('nothing at all', async () => {
		await using informed = await watched((response) => response.writeHead(200).end(), good);
		await expect.poll(() => informed.told).toHaveLength(4);
		expect(informed.told).toEqual(['synced a', expect.stringContaining('the API server ends it at once'), 'available', '+b']);
	});

	test('an event cut at every byte', async () => {
		const text = Buffer.from(event('ADDED', { ...pod('b', 12), spec: { note: 'größer – 大' } }));
		await using informed = await watched(async (response) => {
			response.writeHead(200);
			for (const byte of text) await new Promise((resolve) => response.write(Buffer.of(byte), resolve));
		});
		await expect.poll(() => informed.told).toHaveLength(2);
		expect(informed.told).toEqual(['synced a', '+b']);
	});
});

describe('when the API server knows no more what was', () => {
	test.each([
		[
			'410 as an event',
			(response: ServerResponse) =>
				response.writeHead(200).write(event('ERROR', { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' })),
		],
		['410 as the answer', (response: ServerResponse) => fail(response, 410, 'Expired', 'too old')],
		['an older resource version', (response: ServerResponse) => response.writeHead(200).write(bookmark(3))],
	])('it is listed anew and the differences are told: %s', async (_, first) => {
		let lists = 0;
		let watches = 0;
		await using player = await apiPlayer(({ query }, response) => {
			if (query.watch === 'true') return watches++ === 0 ? first(response) : good(response);
			const again = [pod('same', 5), pod('changed', 20), pod('made-anew', 21, 'other-uid'), pod('new', 22)];
			if (lists++ > 0) return answer(response, 200, podList(30, ...again));
			answer(response, 200, podList(10, pod('same', 5), pod('changed', 6), pod('made-anew', 7), pod('gone', 8)));
		});
		await using informed = followed(player.cluster, { path, timing });
		await expect.poll(() => informed.told).toHaveLength(7);
		expect(informed.told).toEqual(['synced changed gone made-anew same', '-made-anew', '-gone', '~changed', '+made-anew', '+new', '+b']);
		expect(player.asked.map(({ query }) => query.resourceVersion)).toEqual(['0', '10', undefined, '30']);
	});

	test('a list from a version that it does not have yet is asked for without one', async () => {
		let watches = 0;
		await using player = await apiPlayer(({ query }, response) => {
			if (query.watch === 'true')
				return watches++ === 0 ? response.writeHead(200).write(event('ERROR', { code: 500, message: 'odd' })) : good(response);
			if (query.resourceVersion !== '10') return answer(response, 200, podList(query.resourceVersion === '0' ? 10 : 8, pod('a', 5)));
			const details = { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 };
			fail(response, 504, 'Timeout', 'Too large resource version: 10, current: 8', { details });
		});
		await using informed = followed(player.cluster, { path, timing });
		await expect.poll(() => informed.told).toHaveLength(4);
		expect(informed.told).toEqual(['synced a', expect.stringContaining('odd'), 'available', '+b']);
		expect(player.asked.map(({ query }) => query.resourceVersion)).toEqual(['0', '10', '10', undefined, '8']);
	});
});

test('what is known already is not told again', async () => {
	await using informed = await watched((response) =>
		response
			.writeHead(200)
			.write(
				[
					event('ADDED', pod('a', 5)),
					event('MODIFIED', pod('a', 4)),
					event('MODIFIED', pod('a', 11)),
					event('MODIFIED', pod('a', 11)),
					event('DELETED', pod('a', 12)),
					event('DELETED', pod('a', 12)),
					event('ADDED', pod('b', 13)),
				].join(''),
			),
	);
	await expect.poll(() => informed.told).toHaveLength(4);
	expect(informed.told).toEqual(['synced a', '~a', '-a', '+b']);
});

test('bookmarks move on the place from which it is taken up, and are a sign of life', async () => {
	await using informed = await watched((response) => {
		response.writeHead(200);
		const timer = setInterval(() => response.write(bookmark(20)), 100);
		setTimeout(() => response.end(), 1000);
		response.on('finish', () => clearInterval(timer));
	}, good);
	await expect.poll(() => informed.requests, { timeout: 5_000 }).toHaveLength(3);
	expect(informed.asked()).toEqual(['list 0', 'watch 10', 'watch 20']);
	expect(informed.told.slice(0, 1)).toEqual(['synced a']);
	expect(informed.told.join()).not.toContain('unavailable');
});

test('an API server that wants to be left alone for a second is', async () => {
	const refusal = (response: ServerResponse) =>
		fail(response, 429, 'TooManyRequests', 'storage is (re)initializing', {}, { 'retry-after': '1' });
	let lists = 0;
	await using player = await apiPlayer(({ query }, response) => {
		if (query.watch === 'true') return good(response);
		return lists++ === 0 ? refusal(response) : answer(response, 200, podList(10, pod('a', 5)));
	});
	await using informed = followed(player.cluster, { path, timing: { ...timing, longestDelayMs: 2_000 } });
	await expect.poll(() => informed.told, { timeout: 5_000 }).toHaveLength(4);
	expect(informed.told).toEqual([expect.stringContaining('too many requests: storage is (re)initializing'), 'synced a', 'available', '+b']);
	expect((player.asked[1]?.at ?? 0) - (player.asked[0]?.at ?? 0)).toBeGreaterThan(990);
});

test('a refusal is told once, and tried again, because somebody may grant the right', async () => {
	let isGranted = false;
	await using player = await apiPlayer(({ query }, response) => {
		if (!isGranted) return fail(response, 403, 'Forbidden', 'pods is forbidden');
		return query.watch === 'true' ? good(response) : answer(response, 200, podList(10, pod('a', 5)));
	});
	await using informed = followed(player.cluster, { path, timing });
	await expect.poll(() => player.asked.length).toBeGreaterThan(3);
	isGranted = true;
	await expect.poll(() => informed.told).toHaveLength(4);
	expect(informed.told).toEqual([`unavailable: can't list pods at ${player.server}: pods is forbidden`, 'synced a', 'available', '+b']);
});

test('tries are made less and less often, until one succeeds', async () => {
	let watches = 0;
	await using player = await apiPlayer(({ query }, response) => {
		if (query.watch !== 'true') return answer(response, 200, podList(10, pod('a', 5)));
		if (watches++ === 4) response.end(`${event('MODIFIED', pod('a', 11))}garbage\n`);
		else fail(response, 500, 'InternalError', 'away');
	});
	await using _informed = followed(player.cluster, { path, timing: { idleLimitMs: 10_000, firstDelayMs: 60, longestDelayMs: 10_000 } });
	await expect.poll(() => player.asked.length, { timeout: 10_000 }).toBeGreaterThan(6);
	const [, first, , , fourth, good, next] = player.asked.map(({ at }) => at) as [number, number, number, number, number, number, number];
	expect(good - fourth).toBeGreaterThanOrEqual(60 * 8 * 0.5 - 1);
	expect(good - first).toBeGreaterThanOrEqual(60 * 15 * 0.5 - 4);
	expect(next - good).toBeLessThan(60 * 8 * 0.5);
});

test('a list is taken piece by piece, and asked for in one piece only where the cache may answer', async () => {
	let lists = 0;
	await using player = await apiPlayer(({ query }, response) => {
		if (query.watch === 'true') return lists < 2 ? fail(response, 410, 'Expired', 'too old') : good(response);
		if (query.continue === 'more') return answer(response, 200, podList(30, pod('c', 3)));
		if (lists++ === 0) return answer(response, 200, podList(10, pod('a', 1)));
		const page = podList(30, pod('a', 1));
		answer(response, 200, { ...page, metadata: { ...page.metadata, continue: 'more' } });
	});
	await using informed = followed(player.cluster, { path, timing });
	await expect.poll(() => informed.told).toHaveLength(3);
	expect(informed.told).toEqual(['synced a', '+c', '+b']);
	expect(player.asked.map(({ query }) => [query.resourceVersion, query.limit])).toEqual([
		['0', '500'],
		['10', undefined],
		[undefined, '500'],
		[undefined, '500'],
		['30', undefined],
	]);
});

test('a consumer that is slow lets the API server wait, and no more is held than the connection holds', async () => {
	const total = 300;
	const object = { ...pod('a', 0), spec: { filling: 'x'.repeat(100_000) } };
	let written = 0;
	await using player = await apiPlayer(async ({ query, request }, response) => {
		if (query.watch !== 'true') return answer(response, 200, podList(0));
		response.writeHead(200);
		for (; written < total && !request.destroyed; written++) {
			const one = event('MODIFIED', { ...object, metadata: { ...object.metadata, resourceVersion: String(written + 1) } });
			await new Promise<void>((resolve) => response.write(one, () => resolve()));
		}
	});
	const stop = new AbortController();
	const informer = player.cluster.informer(
		{ path, trim: ({ metadata }) => metadata.resourceVersion, timing: { ...timing, idleLimitMs: 200 } },
		stop.signal,
	);
	expect((await informer.next()).value).toEqual({ is: 'synced', objects: [] });
	expect((await informer.next()).value).toEqual({ is: 'changed', object: '1' });
	// It takes no more of them when the buffers of both ends are full.
	let before: number;
	do {
		before = written;
		await expect
			.poll(() => written, { timeout: 500 })
			.toBeGreaterThan(before)
			.catch(() => {}); // it stands still
	} while (written > before);
	expect(written).toBeGreaterThan(1);
	expect(written).toBeLessThan(total / 2);
	const rest: unknown[] = [];
	for await (const told of informer) if (rest.push(told) === total - 1) stop.abort();
	expect(rest).toEqual(
		Array.from({ length: total - 1 }, (_, index) => ({ is: 'changed', object: String(index + 2), before: String(index + 1) })),
	);
	expect(player.asked).toHaveLength(2);
});

test('it ends at the signal, whatever it waits for', async () => {
	for (const play of [() => {}, (response: ServerResponse) => fail(response, 500, 'InternalError', 'away')]) {
		await using player = await apiPlayer((_, response) => play(response));
		const informed = followed(player.cluster, { path, timing: { ...timing, firstDelayMs: 60_000, longestDelayMs: 60_000 } });
		await expect.poll(() => player.asked).toHaveLength(1);
		await informed[Symbol.asyncDispose]();
	}
});

test('delays grow from half a second to half a minute, are never the same for all, and begin anew after success', () => {
	const longest = delays(500, 30_000, () => 0);
	expect(Array.from({ length: 9 }, longest.next)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
	longest.reset();
	expect(longest.next()).toBe(500);
	expect(delays(500, 30_000, () => 1).next()).toBe(250);
});

/** Bytes, one by one, that never make a line. */
function trickle(response: ServerResponse): void {
	const timer = setInterval(() => response.write('"'), 50);
	response.on('close', () => clearInterval(timer));
}
