import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
	type Backend,
	BackendRefused,
	BackendUnavailable,
	type Content,
	ContentLost,
	ContentUnavailable,
} from '../../src/domain/backend.ts';
import { connection } from '../../src/drivers/s3/connection.ts';
import { type S3Options, s3Backend } from '../../src/drivers/s3/s3.ts';
import { partsSent } from '../../src/drivers/s3/uploads.ts';
import { signal } from '../contract/backend.ts';
import { inChild } from '../support/s3/child.ts';
import { type Asked, s3Gate } from '../support/s3/gate.ts';
import { megabytes, s3Place } from '../support/s3/place.ts';
import { bucket, describeS3 } from '../support/s3/server.ts';

const size = 36_000_000;
const partBytes = 6 << 20;
/** Content of six parts, the same each time. */
const steady = (identity = 'one', content: Content = megabytes(36)): Content => ({ ...content, identity, sizeBytes: size });
const bytesOf = async (content: Content) => Buffer.concat(await Array.fromAsync(content.open(signal)));

/** Those of the megabytes whose number is one of these. */
async function* some(content: Content, isWanted: (number: number) => boolean): AsyncGenerator<Uint8Array> {
	for await (const chunk of content.open(signal)) if (isWanted(Buffer.from(chunk).readUInt32LE())) yield chunk;
}

/** The same content, which breaks off when three parts are there. */
const broken = (fail: () => Promise<void> | void): Content =>
	steady('one', {
		async *open() {
			yield* some(megabytes(36), (number) => number < 20);
			await fail();
			yield* some(megabytes(36), (number) => number >= 20);
		},
	});

/** A server, a gate before it, and agents that store there one after the other. */
async function scene() {
	await using ending = new AsyncDisposableStack();
	const place = ending.use(await s3Place());
	const gate = ending.use(await s3Gate(place.server.port));
	const disposal = ending.move();
	const toGate = { ...place.server.options, endpoint: gate.endpoint };

	/** Another backend, which has nothing but the notes of the one before. */
	async function start(options: Partial<S3Options> = {}): Promise<Backend> {
		const backend = s3Backend({ ...toGate, ...options }, place.notesPath);
		await backend.start(signal);
		return backend;
	}

	return Object.assign(place, {
		toGate,
		gate,
		start,
		/** An agent stores, and is told to stop when three parts are there. */
		async stop(options: Partial<S3Options> = {}): Promise<void> {
			const backend = await start(options);
			const told = new AbortController();
			const put = backend.put(
				'a/core',
				broken(() => told.abort(new Error('stopped'))),
				told.signal,
			);
			await expect(put).rejects.toThrow('stopped');
			expect(partsIn(gate.asked())).toEqual([1, 2, 3]);
			expect(await place.names()).toEqual([]);
		},
		/** The only note. */
		note(): string {
			expect(place.notes()).toHaveLength(1);
			return join(place.notesPath, place.notes()[0] ?? '');
		},
		/** What stands there is that content, and nothing is half-done. */
		async expectWhole(content: Content): Promise<void> {
			expect(await place.names()).toEqual(['a/core']);
			expect((await place.read('s3://cores/a/core')).equals(await bytesOf(content))).toBe(true);
			await this.expectNothingLeft();
		},
		async expectNothingLeft(): Promise<void> {
			expect(place.server.uploads()).toEqual([]);
			expect(await place.server.uploadedKeys()).toEqual([]);
			expect(place.notes()).toEqual([]);
		},
		[Symbol.asyncDispose]: () => disposal.disposeAsync(),
	});
}

type Scene = Awaited<ReturnType<typeof scene>>;

const partsIn = (asked: readonly Asked[]) => asked.flatMap(({ part = [] }) => part);

const isEnd = ({ method, path, bytes }: Asked) => method === 'POST' && path.endsWith('?uploads') && bytes > 0;
const isLook = ({ method, path }: Asked) => method === 'GET' && path.endsWith('?uploads');

describeS3('an upload of a steady content that broke off', () => {
	const ways: Readonly<Record<string, (at: Scene) => Promise<void>>> = {
		'because the agent was told to stop': (at) => at.stop(),
		async 'because the agent was killed'({ server, toGate, notesPath }) {
			const child = inChild(
				{ server: { ...server, options: toGate }, notesPath },
				`
				const content = { identity: 'one', sizeBytes: ${size}, async *open() {
					yield* megabytes(20).open(); console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); } };
				await backend.put('a/core', content, signal);`,
			);
			await once(child.stdout, 'data');
			child.kill('SIGKILL');
			await once(child, 'exit');
		},
		async 'because the server was killed'({ start, server }) {
			const put = (await start()).put('a/core', broken(server.kill), signal);
			await expect(put).rejects.toBeInstanceOf(BackendUnavailable);
			await server.start();
		},
		async 'because the content could not be read'({ start }) {
			const failing = broken(() => Promise.reject(new ContentUnavailable('not now')));
			await expect((await start()).put('a/core', failing, signal)).rejects.toThrow('not now');
		},
	};

	test.each(Object.entries(ways))('%s, is gone on with: only what is missing is sent', async (_, breakOff) => {
		await using at = await scene();
		await breakOff(at);
		const backend = await at.start();
		await backend.health(signal);
		expect(await at.server.uploadedKeys()).toEqual(['a/core']);
		at.gate.asked();
		const stored = await backend.put('a/core', steady(), signal);
		expect(stored).toEqual({ location: 's3://cores/a/core', sha256: megabytes(36).sha256(), sizeBytes: size });
		const asked = at.gate.asked();
		expect(asked.filter(({ part }) => part).map(({ part, bytes }) => [part, bytes])).toEqual([
			[4, partBytes],
			[5, partBytes],
			[6, size - 5 * partBytes],
		]);
		expect(asked.filter(({ method }) => method === 'POST').map(isEnd)).toEqual([true]);
		await at.expectWhole(steady());
		expect(await at.server.tags('a/core')).toEqual({ sha256: stored.sha256 });
	});

	test('because the agent was killed, again and again, is sent once', async () => {
		await using at = await scene();
		const passed: Asked[] = [];
		let sha256 = '';
		for (let kills = 0; sha256 === ''; kills++) {
			expect(kills).toBeLessThan(8);
			const child = inChild(
				{ server: { ...at.server, options: at.toGate }, notesPath: at.notesPath },
				`
				await backend.start(signal);
				const content = { identity: 'one', sizeBytes: ${size}, open: megabytes(36).open };
				console.log((await backend.put('a/core', content, signal)).sha256);`,
			);
			child.stdout.on('data', (text) => {
				sha256 += text;
			});
			const before = passed.length;
			at.gate.judge((asked) => {
				if (passed.length === before + 4) {
					child.kill('SIGKILL');
					return 'stall';
				}
				passed.push(asked);
				return 'pass';
			});
			await once(child, 'close');
		}
		expect(sha256.trim()).toBe(megabytes(36).sha256());
		expect(partsIn(passed)).toEqual([1, 2, 3, 4, 5, 6]);
		await at.expectWhole(steady());
	});

	test('before its end was asked for, is only ended', async () => {
		await using at = await scene();
		const told = new AbortController();
		at.gate.judge((asked) => {
			if (!isEnd(asked)) return 'pass';
			told.abort(new Error('stopped'));
			return 'stall';
		});
		await expect((await at.start()).put('a/core', steady(), told.signal)).rejects.toThrow('stopped');
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		at.gate.judge(() => 'pass');
		await (await at.start()).put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([]);
		await at.expectWhole(steady());
	});

	test('after its end was answered, is not sent again', async () => {
		await using at = await scene();
		const told = new AbortController();
		let hasEnded = false;
		at.gate.judge((asked) => {
			if (hasEnded && asked.method === 'HEAD') {
				told.abort(new Error('stopped'));
				return 'stall';
			}
			hasEnded ||= isEnd(asked);
			return 'pass';
		});
		await expect((await at.start()).put('a/core', steady(), told.signal)).rejects.toThrow('stopped');
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		at.gate.judge(() => 'pass');
		const stored = await (await at.start()).put('a/core', steady(), signal);
		expect(stored).toEqual({ location: 's3://cores/a/core', sha256: megabytes(36).sha256(), sizeBytes: size });
		expect(at.gate.asked().filter(({ method }) => method === 'POST')).toEqual([]);
		await at.expectWhole(steady());
		expect(await at.server.tags('a/core')).toEqual({ sha256: stored.sha256 });
	});

	test('and is gone at the server, is begun anew', async () => {
		await using at = await scene();
		await at.stop();
		await at.server.endUploads();
		await (await at.start()).put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		await at.expectWhole(steady());
	});

	test('and may not be looked at, is begun anew', async () => {
		await using at = await scene();
		await at.stop();
		at.gate.judge((asked) => (isLook(asked) ? { refused: 'AccessDenied' } : 'pass'));
		await (await at.start()).put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		await at.expectWhole(steady());
	});

	test('is left while the server does not say how far it came', async () => {
		await using at = await scene();
		await at.stop();
		await at.server.kill();
		const backend = await at.start();
		await expect(backend.put('a/core', steady(), signal)).rejects.toBeInstanceOf(BackendUnavailable);
		await at.server.start();
		at.gate.asked();
		await backend.put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([4, 5, 6]);
		await at.expectWhole(steady());
	});
});

describeS3('nothing of an upload that broke off comes into', () => {
	/** As large, and nowhere the same. */
	const other = (): Content => ({ open: () => some(megabytes(37), (number) => number > 0) });

	test.each([
		['another content under that name', 'two'],
		['another content that is taken for the same', 'one'],
	])('%s', async (_, identity) => {
		await using at = await scene();
		await at.stop();
		await (await at.start()).put('a/core', steady(identity, other()), signal);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		await at.expectWhole(other());
	});

	test('an object that is wanted otherwise by now', async () => {
		await using at = await scene();
		await at.stop({ tags: { team: 'before' } });
		const { sha256 } = await (await at.start({ tags: { team: 'now' } })).put('a/core', steady(), signal);
		expect(await at.server.tags('a/core')).toEqual({ team: 'now', sha256 });
		await at.expectWhole(steady());
	});

	test('the second of two puts: it has an upload of its own', async () => {
		await using at = await scene();
		await at.stop();
		const backend = await at.start();
		await Promise.all([backend.put('a/core', steady(), signal), backend.put('a/core', steady('two', other()), signal)]);
		expect(partsIn(at.gate.asked())).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
		await at.expectWhole(other());
	});

	test('a name under which another content of that size stands', async () => {
		await using at = await scene();
		await at.stop();
		const backend = await at.start();
		await backend.put('a/core', steady('two', other()), signal);
		await backend.put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
		await at.expectWhole(steady());
	});

	test('another name', async () => {
		await using at = await scene();
		await at.stop();
		await (await at.start()).put('b/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3, 4, 5, 6]);
		expect(await at.server.uploadedKeys()).toEqual(['a/core']);
	});
});

describeS3('an upload that could be gone on with is ended', () => {
	test('a day after it was begun', async () => {
		await using at = await scene();
		await at.stop();
		const age = (ms: number) => {
			const path = at.note();
			writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), begunAt: Date.now() - ms }));
		};
		age(23 * 3600_000);
		const backend = await at.start();
		expect(at.server.uploads()).not.toEqual([]);
		age(25 * 3600_000);
		await backend.health(signal);
		await at.expectNothingLeft();
	});

	test('when its content is lost', async () => {
		await using at = await scene();
		await at.stop();
		const lost = new ContentLost('gone');
		const content: Content = {
			async *open() {
				yield* [];
				throw lost;
			},
		};
		await expect((await at.start()).put('a/core', steady('one', content), signal)).rejects.toBe(lost);
		await at.expectNothingLeft();
	});

	test.each([
		['damaged on the way', 'BadDigest', BackendUnavailable],
		['refused', 'AccessDenied', BackendRefused],
	])('when a part is %s', async (_, refused, error) => {
		await using at = await scene();
		at.gate.judge(({ part }) => (part === 3 ? { refused } : 'pass'));
		await expect((await at.start()).put('a/core', steady(), signal)).rejects.toBeInstanceOf(error);
		expect(partsIn(at.gate.asked())).toEqual([1, 2, 3]);
		await at.expectNothingLeft();
	});
});

describeS3('an upload whose name is not known', () => {
	test('is ended, and not that of the same key which can be gone on with', async () => {
		await using at = await scene();
		await at.stop();
		await at.server.beginUpload('a/core');
		const note = at.note();
		const { place, key } = JSON.parse(readFileSync(note, 'utf8'));
		writeFileSync(join(at.notesPath, 'unnamed.json'), JSON.stringify({ place, key }));
		const backend = await at.start();
		expect(at.note()).toBe(note);
		expect(await at.server.uploadedKeys()).toEqual(['a/core']);
		at.gate.asked();
		await backend.put('a/core', steady(), signal);
		expect(partsIn(at.gate.asked())).toEqual([4, 5, 6]);
		await at.expectWhole(steady());
	});
});

describeS3('the parts that a server has', () => {
	test('are asked for page by page', async () => {
		await using at = await scene();
		await at.stop();
		const upload = { Bucket: bucket, Key: 'a/core', UploadId: JSON.parse(readFileSync(at.note(), 'utf8')).uploadId };
		for (const pageSize of [1, 2, 3, undefined]) {
			const sent = await partsSent(connection(at.toGate), upload, signal, pageSize);
			expect([...sent].map(([number, { sum, sizeBytes }]) => [number, sum?.length, sizeBytes])).toEqual(
				[1, 2, 3].map((number) => [number, 44, partBytes]),
			);
			expect(at.gate.asked()).toHaveLength(Math.ceil(3 / (pageSize ?? 1000)));
		}
	});
});
