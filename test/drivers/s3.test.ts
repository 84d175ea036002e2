import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { BackendUnavailable, type Content } from '../../src/domain/backend.ts';
import { partSizes, partsOf } from '../../src/drivers/s3/parts.ts';
import { s3Backend } from '../../src/drivers/s3/s3.ts';
import { backendContract, bytesOf, signal } from '../contract/backend.ts';
import { exec, root } from '../support/crash.ts';
import { inChild } from '../support/s3/child.ts';
import { megabytes, type S3Place, s3Place } from '../support/s3/place.ts';
import { describeS3 } from '../support/s3/server.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

describeS3('a bucket is a backend', () => backendContract(() => s3Place()));
describeS3('a folder in a bucket is a backend', () => backendContract(() => s3Place({ prefix: 'milvus/cores' })));

describeS3('a large content', () => {
	test('goes in parts, is the same in the end, and has its checksum as a tag', async () => {
		await using place = await s3Place({ prefix: 'p', tags: { team: 'a b', 'cost/1': 'x=y+z' } });
		const content = megabytes(50);
		const stored = await place.backend.put('a/core', content, signal);
		expect(stored).toEqual({ location: 's3://cores/p/a/core', sha256: content.sha256(), sizeBytes: 50_000_000 });
		expect(sha256(await place.read(stored.location))).toBe(stored.sha256);
		expect(sha256(Buffer.concat(await Array.fromAsync(place.backend.get('a/core', signal))))).toBe(stored.sha256);
		expect(await place.server.tags('p/a/core')).toEqual({ team: 'a b', 'cost/1': 'x=y+z', sha256: stored.sha256 });
		expect(place.server.uploads()).toEqual([]);
		expect(place.notes()).toEqual([]);
	});

	test('takes no more memory the larger it is', async () => {
		await using place = await s3Place();
		const child = inChild(
			place,
			`
			await backend.put('a/small', megabytes(1), signal);
			const before = peak();
			await backend.put('a/middle', megabytes(40), signal);
			const middle = peak();
			const { sizeBytes } = await backend.put('a/large', megabytes(200), signal);
			console.log(JSON.stringify({ sizeBytes, first: middle - before, more: peak() - middle }));`,
		);
		const [line] = await once(createInterface({ input: child.stdout }), 'line');
		const { sizeBytes, first, more } = JSON.parse(line);
		expect(sizeBytes).toBe(200_000_000);
		expect(first).toBeLessThan(40e6);
		expect(more).toBeLessThan(24e6);
	});

	test('whose end is that of a part has no empty part behind it', async () => {
		await using place = await s3Place();
		const partBytes = partSizes(undefined)(1);
		for (const size of [partBytes, 2 * partBytes]) {
			const content = Buffer.alloc(size, 'x');
			const { location } = await place.backend.put('a/core', bytesOf(content), signal);
			expect((await place.read(location)).equals(content)).toBe(true);
		}
	});
});

describeS3('what is half-done', () => {
	/** Three parts are there, and then it waits. */
	const half = `
		const content = { async *open() { yield* megabytes(26).open(); console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); } };
		await backend.put('a/core', content, signal);`;

	async function killedInTheMiddle(place: S3Place): Promise<void> {
		const child = inChild(place, half);
		await once(child.stdout, 'data');
		child.kill('SIGKILL');
		await once(child, 'exit');
		expect(place.server.uploads()).not.toEqual([]);
		expect(await place.names()).toEqual([]);
	}

	test('by an agent that was killed, the next start removes, and nothing of others', async () => {
		await using place = await s3Place();
		await place.server.beginUpload('a/core2');
		await killedInTheMiddle(place);
		await place.backend.start(signal);
		expect(await place.server.uploadedKeys()).toEqual(['a/core2']);
		expect(place.notes()).toEqual([]);
		expect((await place.backend.put('a/core', megabytes(26), signal)).sizeBytes).toBe(26_000_000);
	});

	test('is removed later, when the server did not answer at the start', async () => {
		await using place = await s3Place();
		await killedInTheMiddle(place);
		await place.server.kill();
		expect(await place.backend.start(signal)).toBeUndefined();
		await expect(place.backend.health(signal)).rejects.toBeInstanceOf(BackendUnavailable);
		expect(place.notes()).toHaveLength(1);
		await place.server.start();
		await place.backend.health(signal);
		expect(place.server.uploads()).toEqual([]);
		expect(place.notes()).toEqual([]);
	});

	test('of which the agent had not yet heard the name, is found by its key', async () => {
		await using place = await s3Place();
		await killedInTheMiddle(place);
		const [note = ''] = place.notes();
		const { uploadId: _, ...asked } = JSON.parse(readFileSync(join(place.notesPath, note), 'utf8'));
		writeFileSync(join(place.notesPath, note), JSON.stringify(asked));
		writeFileSync(join(place.notesPath, `${note}.part`), '{"pl'); // it was killed when it wrote down what the server had said
		await place.backend.start(signal);
		expect(place.server.uploads()).toEqual([]);
		expect(place.notes()).toEqual([]);
	});

	test('for another bucket is left until that is configured again', async () => {
		await using place = await s3Place();
		await killedInTheMiddle(place);
		await s3Backend({ ...place.server.options, bucket: 'other' }, place.notesPath).start(signal);
		expect(place.notes()).toHaveLength(1);
		await place.backend.start(signal);
		expect(place.server.uploads()).toEqual([]);
	});

	test('by a running agent is no business of a command that looks whether the bucket answers', async () => {
		await using place = await s3Place();
		const child = inChild(place, half);
		await once(child.stdout, 'data');
		await place.backend.health(signal);
		expect(place.server.uploads()).not.toEqual([]);
		child.kill('SIGKILL');
		await once(child, 'exit');
	});

	test.each(['an error of the content', 'a signal to stop'])('because of %s, leaves no part', async (why) => {
		await using place = await s3Place();
		const stop = new AbortController();
		const content: Content = {
			async *open() {
				yield* megabytes(26).open(signal);
				expect(place.server.uploads()).not.toEqual([]);
				if (why === 'a signal to stop') stop.abort(new Error(why));
				else throw new Error(why);
				yield Buffer.alloc(1);
			},
		};
		await expect(place.backend.put('a/core', content, stop.signal)).rejects.toThrow(why);
		expect(place.server.uploads()).toEqual([]);
		expect(place.notes()).toEqual([]);
	});
});

test('ten thousand parts are enough for the largest object, and none is larger than a part may be', () => {
	const most = 5 * 2 ** 40;
	const check = (sizeOf: (number: number) => number, wanted: number) => {
		let whole = 0;
		for (let number = 1; number <= 10_000; number++) whole += sizeOf(number);
		expect(whole).toBeGreaterThanOrEqual(wanted);
		expect(sizeOf(10_000)).toBeLessThan(5 * 2 ** 30);
		expect(sizeOf(1)).toBeGreaterThan(5 * 2 ** 20);
	};
	check(partSizes(undefined), most);
	for (const size of [0, 1, 80_000 * 2 ** 20, 80_000 * 2 ** 20 + 1, 1e12, most]) check(partSizes(size), size);
});

test('where the size is known, all parts have one, which is small for a usual core', () => {
	for (const size of [1, 9e9, 80_000 * 2 ** 20 + 1, 5e12]) {
		const sizeOf = partSizes(size);
		expect(new Set([1, 2, 1000, 1001, 5000, 10_000].map(sizeOf)).size).toBe(1);
	}
	expect(partSizes(60_000 * 2 ** 20)(1)).toBe(6 << 20);
	expect(partSizes(60_000 * 2 ** 20 + 1)(1)).toBe(12 << 20);
});

test('content is cut into parts of their sizes, however it comes', async () => {
	const whole = Buffer.from(Array.from({ length: 100 }, (_, index) => index));
	for (const sizes of [[1], [7], [100], [3, 50], [1000]]) {
		for (const step of [1, 3, 10, 99, 100]) {
			const chunks = Array.from({ length: Math.ceil(100 / step) }, (_, index) => whole.subarray(index * step, (index + 1) * step));
			const sizeOf = (number: number) => sizes[Math.min(number, sizes.length) - 1] ?? 0;
			const parts: Buffer[] = [];
			for await (const { number, bytes, isLast } of partsOf(bytesOf(...chunks).open(signal), signal, sizeOf)) {
				expect(number).toBe(parts.length + 1);
				if (!isLast) expect(bytes).toHaveLength(sizeOf(number));
				parts.push(Buffer.from(bytes));
			}
			expect(Buffer.concat(parts).equals(whole)).toBe(true);
		}
	}
});

test('the backend loads no library before it is used', async () => {
	const { stdout } = await exec(process.execPath, [
		'--input-type=module-typescript',
		'-e',
		`
		import { s3Backend } from ${JSON.stringify(join(root, 'src/drivers/s3/s3.ts'))};
		import { createRequire } from 'node:module';
		const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('@aws-sdk')).length > 0;
		const backend = s3Backend({ bucket: 'b', endpoint: 'http://127.0.0.1:1', accessKey: 'k', secretKey: 's' }, '/nonexistent');
		const before = loaded();
		await backend.health(new AbortController().signal).catch(() => {});
		console.log(before, loaded());`,
	]);
	expect(stdout.trim()).toBe('false true');
});
