import { expect, test } from 'vitest';
import { BackendUnavailable, type Content } from '../../src/domain/backend.ts';
import { s3Backend } from '../../src/drivers/s3/s3.ts';
import { bytesOf, signal } from '../contract/backend.ts';
import { megabytes, type S3Place, s3Place } from '../support/s3/place.ts';
import { type Fault, faultyProxy } from '../support/s3/proxy.ts';
import { describeS3 } from '../support/s3/server.ts';

/** A backend behind a network with a fault; nothing moves for a second at the most. */
async function through(place: S3Place, fault: Fault) {
	const proxy = await faultyProxy(place.server.port, fault);
	const options = { ...place.server.options, endpoint: proxy.endpoint, idleMs: 1_000 };
	return Object.assign(proxy, { backend: s3Backend(options, place.notesPath) });
}

/** What stands there in the end is the content, and nothing is half-done. */
async function expectWhole(place: S3Place, content: ReturnType<typeof megabytes>, location: string): Promise<void> {
	expect(location).toBe('s3://cores/a/core');
	const stored = await place.read(location);
	expect(stored.equals(Buffer.concat(await Array.fromAsync(content.open(signal))))).toBe(true);
	expect(place.server.uploads()).toEqual([]);
	expect(place.notes()).toEqual([]);
}

describeS3('between the agent and the bucket', () => {
	test.each(['cut', 'stall', 'corrupt'] as const)('a part that a network does wrong by once (%s) is sent again', async (does) => {
		await using place = await s3Place();
		await using network = await through(place, { direction: 'to the server', afterBytes: 12_000_000, does });
		const content = megabytes(30);
		const sent = network.backend.put('a/core', content, signal);
		if (does === 'corrupt') await expect(sent).rejects.toBeInstanceOf(BackendUnavailable);
		else await expectWhole(place, content, (await sent).location);
		expect(network.faults()).toBe(1);
		await expectWhole(place, content, (await network.backend.put('a/core', content, signal)).location);
	});

	test.each(['cut', 'stall', 'corrupt'] as const)(
		'a small object that a network does wrong by (%s) is sent again, or nothing is there',
		async (does) => {
			await using place = await s3Place();
			await using network = await through(place, { direction: 'to the server', afterBytes: 500_000, does });
			const content = megabytes(1);
			const sent = network.backend.put('a/core', content, signal);
			if (does === 'corrupt') await expect(sent).rejects.toBeInstanceOf(BackendUnavailable);
			else expect((await sent).sha256).toBe(content.sha256());
			if (does === 'corrupt') expect(await place.names()).toEqual([]);
			expect((await network.backend.put('a/core', content, signal)).sha256).toBe(content.sha256());
		},
	);

	test.each(['cut', 'stall', 'corrupt'] as const)(
		'a network that never lets a part through (%s) leaves nothing, once it is mended',
		async (does) => {
			await using place = await s3Place();
			await using network = await through(place, { direction: 'to the server', afterBytes: 12_000_000, does, always: true });
			await network.backend.start(signal);
			await expect(network.backend.put('a/core', megabytes(30), signal)).rejects.toBeInstanceOf(BackendUnavailable);
			expect(network.faults()).toBeGreaterThan(0);
			expect(await place.names()).toEqual([]);
			network.mend();
			await network.backend.health(signal);
			expect(await place.server.uploadedKeys()).toEqual([]);
			expect(place.server.uploads()).toEqual([]);
			expect(place.notes()).toEqual([]);
		},
	);

	test('an answer that is lost is asked for again, whichever it is', async () => {
		await using place = await s3Place();
		const content = megabytes(20);
		// Six answers of some hundred bytes: the begin, three parts, the end, and what is looked at afterwards.
		for (let afterBytes = 0; afterBytes < 3_000; afterBytes += 250) {
			await using network = await through(place, { direction: 'to the client', afterBytes, does: 'cut' });
			const { location } = await network.backend.put('a/core', content, signal);
			expect(location).toBe('s3://cores/a/core');
			expect((await place.read(location)).length).toBe(20_000_000);
			expect([afterBytes, await place.server.uploadedKeys(), place.notes()]).toEqual([afterBytes, [], []]);
		}
	});

	test.each(['cut', 'stall'] as const)('what is read and breaks off (%s) is an error, not an end', async (does) => {
		await using place = await s3Place();
		await place.backend.put('a/core', megabytes(20), signal);
		await using network = await through(place, { direction: 'to the client', afterBytes: 5_000_000, does });
		await expect(Array.fromAsync(network.backend.get('a/core', signal))).rejects.toBeInstanceOf(BackendUnavailable);
	});

	test('a small object that is damaged on the way back is an error', async () => {
		await using place = await s3Place();
		await place.backend.put('a/core', megabytes(5), signal);
		await using network = await through(place, { direction: 'to the client', afterBytes: 2_000_000, does: 'corrupt' });
		await expect(Array.fromAsync(network.backend.get('a/core', signal))).rejects.toBeInstanceOf(BackendUnavailable);
	});
});

describeS3('a server that ends in the middle of an upload', () => {
	test('makes it fail, and takes it when it is back', async () => {
		await using place = await s3Place();
		await place.backend.start(signal);
		const whole = megabytes(30);
		const content: Content = {
			async *open() {
				let count = 0;
				for await (const chunk of whole.open(signal)) {
					if (++count === 20) await place.server.kill();
					yield chunk;
				}
			},
		};
		const failed = place.backend.put('a/core', content, signal);
		await expect(failed).rejects.toThrow(/^s3:\/\/cores: .*ECONNREFUSED.* \(storage\.s3\.endpoint http:\/\/127\.0\.0\.1:\d+\)$/);
		await expect(failed).rejects.toBeInstanceOf(BackendUnavailable);
		await expect(place.backend.health(signal)).rejects.toBeInstanceOf(BackendUnavailable);
		await place.server.start();
		await place.backend.health(signal);
		expect(place.server.uploads()).toEqual([]);
		await expectWhole(place, whole, (await place.backend.put('a/core', whole, signal)).location);
	});

	test('and does not come back, does not keep the agent from stopping', async () => {
		await using place = await s3Place();
		await using network = await faultyProxy(place.server.port, { direction: 'to the server', afterBytes: 0, does: 'stall', always: true });
		const backend = s3Backend({ ...place.server.options, endpoint: network.endpoint }, place.notesPath);
		const stop = new AbortController();
		const put = backend.put('a/core', bytesOf(Buffer.from('x')), stop.signal);
		const health = backend.health(stop.signal);
		setImmediate(() => stop.abort(new Error('stopped')));
		await expect(put).rejects.toThrow('stopped');
		await expect(health).rejects.toThrow('stopped');
	});
});
