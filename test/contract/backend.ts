import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Backend, type Content, ContentUnavailable, NotStored } from '../../src/domain/backend.ts';

/** A place to store, made anew for each test. */
export type Place = AsyncDisposable & {
	readonly backend: Backend;
	/** The names of all that is stored. */
	names(): Promise<readonly string[]>;
	/** What lies at a location. */
	read(location: string): Promise<Buffer>;
};

export const signal = new AbortController().signal;
export const bytesOf = (...chunks: readonly Buffer[]): Content => ({
	async *open() {
		yield* chunks;
	},
});
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** What every backend promises. */
export function backendContract(make: () => Promise<Place>): void {
	test('what was put is there whole, under its name, with its checksum', async () => {
		await using place = await make();
		const content = readFileSync(process.execPath).subarray(0, 20_000_003);
		const chunks = [1, 4095, 65_536, 1_000_003].flatMap((size, index) => [
			content.subarray(index * 5_000_000, index * 5_000_000 + size),
			content.subarray(index * 5_000_000 + size, (index + 1) * 5_000_000),
		]);
		const whole = Buffer.concat(chunks);
		const stored = await place.backend.put('a.b/20261124T000000Z-abcdef_host_milvus.core.zst', bytesOf(...chunks), signal);
		expect(stored).toMatchObject({ sha256: sha256(whole), sizeBytes: whole.length });
		expect((await place.read(stored.location)).equals(whole)).toBe(true);
		expect(stored.location).toBe(`${place.backend.place}/a.b/20261124T000000Z-abcdef_host_milvus.core.zst`);
		expect(await place.names()).toEqual(['a.b/20261124T000000Z-abcdef_host_milvus.core.zst']);
	});

	test('the same name twice is one object, and the last content', async () => {
		await using place = await make();
		await place.backend.put('x/one', bytesOf(Buffer.from('first')), signal);
		const { location } = await place.backend.put('x/one', bytesOf(Buffer.from('second')), signal);
		expect((await place.read(location)).toString()).toBe('second');
		expect(await place.names()).toEqual(['x/one']);
	});

	test('two at once under one name end as one whole object', async () => {
		await using place = await make();
		const contents = ['a', 'b'].map((letter) => Buffer.alloc(3_000_000, letter));
		await Promise.all(contents.map((content) => place.backend.put('x/one', bytesOf(content.subarray(0, 1), content.subarray(1)), signal)));
		const [name = ''] = await place.names();
		expect(await place.names()).toEqual(['x/one']);
		const { location } = await place.backend.put('x/other', bytesOf(Buffer.alloc(0)), signal);
		const kept = await place.read(location.replace('x/other', name));
		expect(contents.some((content) => content.equals(kept))).toBe(true);
	});

	test('nothing is something too', async () => {
		await using place = await make();
		expect(await place.backend.put('x/empty', bytesOf(), signal)).toMatchObject({ sizeBytes: 0, sha256: sha256(Buffer.alloc(0)) });
	});

	test('content that ends with an error leaves nothing, and the error is its own', async () => {
		await using place = await make();
		const failure = new ContentUnavailable('no more');
		const content: Content = {
			async *open() {
				yield Buffer.alloc(100_000);
				throw failure;
			},
		};
		await expect(place.backend.put('x/one', content, signal)).rejects.toBe(failure);
		expect(await place.names()).toEqual([]);
	});

	test('a signal to stop leaves nothing', async () => {
		await using place = await make();
		const stop = new AbortController();
		const content: Content = {
			async *open() {
				yield Buffer.alloc(100_000);
				stop.abort(new Error('stopped'));
				yield Buffer.alloc(100_000);
			},
		};
		await expect(place.backend.put('x/one', content, stop.signal)).rejects.toThrow('stopped');
		expect(await place.names()).toEqual([]);
	});

	test('names that would lead elsewhere are refused', async () => {
		await using place = await make();
		for (const name of ['../x', 'a/../../x', '/etc/x', 'a//b', '', '.hidden', 'a/.hidden', 'a\0b', 'a\nb', 'a b', '-/../x', 'ä']) {
			await expect(place.backend.put(name, bytesOf(Buffer.from('x')), signal), name).rejects.toThrow('not a safe name');
		}
		expect(await place.names()).toEqual([]);
	});

	test('what is stored is listed, read back and removed, and nothing else', async () => {
		await using place = await make();
		const content = Buffer.alloc(700_000, 'x');
		for (const name of ['a.b/one', 'a.b/two', 'c/three']) await place.backend.put(name, bytesOf(content, Buffer.from(name)), signal);
		const listed = async (prefix: string) => {
			const found = await Array.fromAsync(place.backend.list(prefix, signal));
			for (const { sizeBytes, storedAt, name } of found) {
				expect(sizeBytes).toBe(content.length + name.length);
				expect(Math.abs(Date.now() - storedAt)).toBeLessThan(600_000);
			}
			return found.map(({ name }) => name).sort();
		};
		expect(await listed('')).toEqual(['a.b/one', 'a.b/two', 'c/three']);
		expect(await listed('a.b/')).toEqual(['a.b/one', 'a.b/two']);
		const read = Buffer.concat(await Array.fromAsync(place.backend.get('a.b/two', signal)));
		expect(read.equals(Buffer.concat([content, Buffer.from('a.b/two')]))).toBe(true);
		await place.backend.remove(['a.b/one', 'c/three', 'c/nothing'], signal);
		expect(await listed('')).toEqual(['a.b/two']);
		expect(await place.names()).toEqual(['a.b/two']);
		await expect(Array.fromAsync(place.backend.get('a.b/one', signal))).rejects.toBeInstanceOf(NotStored);
		await place.backend.put('c/three', bytesOf(content), signal);
		expect(await place.names()).toEqual(['a.b/two', 'c/three']);
	});

	test('what is stored is read from any byte on', async () => {
		await using place = await make();
		const content = Buffer.from(Array.from({ length: 300_001 }, (_, index) => index % 251));
		await place.backend.put('x/one', bytesOf(content), signal);
		for (const from of [0, 1, 65_536, 299_999, 300_000, 300_001]) {
			const read = Buffer.concat(await Array.fromAsync(place.backend.get('x/one', signal, from)));
			expect(read.equals(content.subarray(from)), String(from)).toBe(true);
		}
		await expect(Array.fromAsync(place.backend.get('x/other', signal, 1))).rejects.toBeInstanceOf(NotStored);
	});

	test('a healthy place says nothing', async () => {
		await using place = await make();
		await expect(place.backend.health(signal)).resolves.toBeUndefined();
	});
}
