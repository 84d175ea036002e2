import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
	builtFile,
	type DebuginfodCall,
	type DebuginfodLimits,
	debuginfod,
	type FileKind,
	usualLimits,
} from '../../src/drivers/debuginfod/debuginfod.ts';
import { moduleStart } from '../support/corefile.ts';
import { program, root, runWithoutRights, temporaryFolder } from '../support/crash.ts';
import { debuginfodOver, type FaultyAnswer, faultyDebuginfod, missingDebuginfod, splitters } from '../support/debuginfod.ts';
import { describeUnless } from '../support/needed.ts';

const buildId = 'ab'.repeat(20);
/** A whole file of some build; each of its own size. */
const fileOf = (id: string, more = 0) => Buffer.concat([moduleStart(62, id), Buffer.alloc(more)]);
const idOf = (number: number) => number.toString(16).padStart(40, '0');
const named = (id: string) => `.build-id/${id.slice(0, 2)}/${id.slice(2)}`;

type Options = {
	readonly limits?: Partial<DebuginfodLimits>;
	readonly now?: () => number;
	readonly onCall?: (call: DebuginfodCall) => void;
};

/** A client of its own with an empty folder; each question is of another crash. */
async function clientOf(address: string, { limits, ...more }: Options = {}) {
	const place = await temporaryFolder();
	const folder = join(place.path, 'kept');
	const server = debuginfod({ address, folder, limits: { ...usualLimits, floorBytes: 0, ...limits }, ...more });
	return Object.assign(place, {
		folder,
		server,
		async ask(id: string, kind: FileKind = 'executable', signal = new AbortController().signal) {
			using session = server.session(signal);
			return await session.fileOf(id, kind); // before it is over
		},
	});
}

const filesIn = (folder: string) =>
	existsSync(folder)
		? readdirSync(folder, { recursive: true, withFileTypes: true })
				.filter((entry) => entry.isFile())
				.map((entry) => join(entry.parentPath, entry.name))
		: [];

describeUnless('a real debuginfod', missingDebuginfod, { timeout: 120_000 }, () => {
	for (const [name, split] of Object.entries(splitters)) {
		test(`gives executables and debug information by build-id, where ${name} has split them`, async () => {
			await using place = await temporaryFolder();
			const at = (file: string) => join(place.path, file);
			mkdirSync(at('served'));
			const whole = await program('faults.c');
			const split2 = { stripped: at('served/stripped'), debug: at('served/split.debug') };
			await split(whole, split2);
			await using real = await debuginfodOver(at('served'));
			await using client = await clientOf(real.address);
			const { buildId: id = '' } = (await builtFile(whole)) ?? {};
			expect(id).toMatch(/^[0-9a-f]{40}$/);
			for (const [kind, file] of [
				['executable', split2.stripped],
				['debuginfo', split2.debug],
			] as const) {
				const answer = await client.ask(id, kind);
				const path = join(client.folder, `${named(id)}${kind === 'debuginfo' ? '.debug' : ''}`);
				expect(answer).toEqual({ is: 'file', path });
				expect(readFileSync(path).equals(readFileSync(file))).toBe(true);
			}
			expect(await client.ask(buildId)).toEqual({ is: 'none' });
			await real[Symbol.asyncDispose]();
			expect(await client.ask(id, 'debuginfo')).toMatchObject({ is: 'file' });
		});
	}
});

describe('what a server has not', () => {
	test('is asked for once an hour', async () => {
		await using server = await faultyDebuginfod(() => ({ status: 404 }));
		let now = 0;
		await using client = await clientOf(server.address, { now: () => now });
		for (const _ of [1, 2, 3]) expect(await client.ask(buildId)).toEqual({ is: 'none' });
		expect(server.asked().map(({ path }) => path)).toEqual([`/buildid/${buildId}/executable`]);
		expect(await client.ask(buildId, 'debuginfo')).toEqual({ is: 'none' });
		expect(server.asked()).toHaveLength(1);
		now += 3600_000;
		expect(await client.ask(buildId)).toEqual({ is: 'none' });
		expect(server.asked()).toHaveLength(1);
	});
});

describe('a server that misbehaves', () => {
	const whole = fileOf(buildId, 5000);
	const silent = 'nothing came for 300 ms';
	const cases: Readonly<Record<string, readonly [FaultyAnswer, string]>> = {
		'has an error': [{ status: 500 }, 'it answers with HTTP 500'],
		'wants a password': [{ status: 401 }, 'it answers with HTTP 401'],
		'says nothing': [{ head: 'silence' }, silent],
		'stops in the middle': [{ body: whole, ending: 'silence' }, silent],
		'cuts the connection': [
			{ headers: { 'content-length': '9000' }, body: whole, ending: 'cut' },
			'the answer broke off: the connection was cut',
		],
		'sends rubbish': [{ body: Buffer.from('<html>') }, 'what it gave is no ELF file'],
		'sends nothing': [{}, 'what it gave is no ELF file'],
		'sends another build': [{ body: fileOf(idOf(1)) }, 'what it gave is another build'],
		'sends a part as if it were all': [{ body: fileOf(buildId).subarray(0, 196) }, 'what it gave is another build'],
		'sends without end': [{ ending: 'flood' }, 'what it gives is larger than 1.0 MB'],
		'announces too much': [
			{ headers: { 'content-length': '1000001' }, body: whole, ending: 'silence' },
			'what it gives is larger than 1.0 MB',
		],
		'sends on to another host': [
			{ status: 302, headers: { location: 'http://user:pass@127.0.0.2:1/x' } },
			'it sends on to 127.0.0.2:1, where nothing is asked',
		],
		'sends on without saying where': [{ status: 302 }, 'it answers with HTTP 302'],
	};
	for (const [what, [answer, reason]] of Object.entries(cases)) {
		test(`and ${what} is told so, and nothing of it is kept`, async () => {
			await using server = await faultyDebuginfod(() => answer);
			await using client = await clientOf(server.address, { limits: { mostFileBytes: 1e6, ...(reason === silent && { silenceMs: 300 }) } });
			expect(await client.ask(buildId)).toEqual({ is: 'failed', reason });
			expect(filesIn(client.folder)).toEqual([]);
		});
	}

	test('and cuts a file short whose sections tell that there is more is told so', async () => {
		const bytes = readFileSync(await program('faults.c'));
		const { buildId: id = '' } = (await builtFile(await program('faults.c'))) ?? {};
		// The table of sections stands at the end of the file; behind its names, that is.
		await using server = await faultyDebuginfod(() => ({ body: bytes.subarray(0, bytes.length - 64) }));
		await using client = await clientOf(server.address);
		expect(await client.ask(id)).toEqual({ is: 'failed', reason: 'what it gave was cut off' });
	});

	test('and sends on within itself is followed, but not round and round', async () => {
		await using server = await faultyDebuginfod((path) =>
			path.startsWith('/buildid/') ? { status: 301, headers: { location: '/elsewhere' } } : { body: whole },
		);
		await using client = await clientOf(server.address);
		expect(await client.ask(buildId)).toMatchObject({ is: 'file' });
		await using round = await faultyDebuginfod(() => ({ status: 307, headers: { location: '/round' } }));
		await using lost = await clientOf(round.address);
		expect(await lost.ask(buildId)).toEqual({ is: 'failed', reason: `it sends on to 127.0.0.1:${round.port}, where nothing is asked` });
		expect(round.asked()).toHaveLength(4);
	});
});

test('an answer comes whole, also where garbage is collected while it does', async () => {
	setFlagsFromString('--expose-gc');
	const collect = runInNewContext('gc') as () => void;
	await using server = await faultyDebuginfod((path) => ({ body: fileOf(path.split('/')[2] ?? '') }));
	await using client = await clientOf(server.address);
	const stop = new AbortController();
	const collecting = (async () => {
		for await (const _ of setInterval(1, undefined, { signal: stop.signal })) collect();
	})().catch(() => {});
	for (const number of [0, 1, 2]) expect(await client.ask(idOf(number))).toMatchObject({ is: 'file' });
	stop.abort();
	await collecting;
});

describe('a server that fails', () => {
	test('to be reached is asked once for all, and again after a rest', async () => {
		await using gone = await faultyDebuginfod(() => ({}));
		await gone[Symbol.asyncDispose]();
		let now = 0;
		await using client = await clientOf(gone.address, { now: () => now });
		const reason = 'nothing listens there (connection refused)';
		expect(await client.ask(idOf(0))).toEqual({ is: 'failed', reason });
		for (let number = 1; number < 40; number++) expect(await client.ask(idOf(number))).toEqual({ is: 'not asked', reason });
		now += usualLimits.restMs;
		expect(await client.ask(idOf(40))).toEqual({ is: 'failed', reason });
	});

	test('by a cut connection is tried with the next file', async () => {
		await using server = await faultyDebuginfod(() => ({ head: 'cut' }));
		await using client = await clientOf(server.address);
		const failed = { is: 'failed', reason: 'the connection was cut' };
		for (const number of [0, 1, 2]) expect(await client.ask(idOf(number))).toEqual(failed);
		expect(await client.ask(idOf(3))).toEqual({ ...failed, is: 'not asked' });
	});

	test('with every file is left alone after a few, but not when one in between was right', async () => {
		let status = 500;
		await using server = await faultyDebuginfod(() => ({ status }));
		await using client = await clientOf(server.address);
		const ask = async (number: number) => (await client.ask(idOf(number))).is;
		expect([await ask(0), await ask(1)]).toEqual(['failed', 'failed']);
		status = 404;
		expect(await ask(2)).toBe('none');
		status = 500;
		expect([await ask(3), await ask(4), await ask(5), await ask(6)]).toEqual(['failed', 'failed', 'failed', 'not asked']);
		expect(server.asked()).toHaveLength(6);
	});

	test('to give all in time is not asked for the rest', async () => {
		await using server = await faultyDebuginfod(() => ({ head: 'silence' }));
		await using client = await clientOf(server.address, { limits: { sessionMs: 1500 } });
		const reason = 'the files of one crash took longer than 2 s';
		expect(await client.ask(idOf(0))).toEqual({ is: 'not asked', reason });
		expect(await client.ask(idOf(1))).toEqual({ is: 'not asked', reason });
		expect(server.asked()).toHaveLength(1);
	});

	test('is waited for no longer than the caller wants', async () => {
		await using server = await faultyDebuginfod(() => ({ body: fileOf(buildId), ending: 'silence' }));
		await using client = await clientOf(server.address);
		const stop = new AbortController();
		const asked = client.ask(buildId, 'executable', stop.signal);
		await expect.poll(() => filesIn(client.folder)).toHaveLength(1);
		stop.abort(new Error('stopped'));
		await expect(asked).rejects.toThrow('stopped');
		expect(filesIn(client.folder)).toEqual([]);
	});
});

describe('what was fetched', () => {
	test('is looked at again before it is used, and fetched anew when it is not right', async () => {
		await using server = await faultyDebuginfod(() => ({ body: fileOf(buildId) }));
		await using client = await clientOf(server.address);
		const path = join(client.folder, named(buildId));
		for (const harm of [() => truncateSync(path, 100), () => writeFileSync(path, fileOf(idOf(1))), () => rmSync(path)]) {
			expect(await client.ask(buildId)).toEqual({ is: 'file', path });
			server.asked();
			harm();
			expect(await client.ask(buildId)).toEqual({ is: 'file', path });
			expect(server.asked()).toHaveLength(1);
			expect(readFileSync(path).equals(fileOf(buildId))).toBe(true);
		}
		expect(statSync(path).mode & 0o777).toBe(0o600);
		expect(statSync(client.folder).mode & 0o777).toBe(0o700);
	});

	test('takes no more room than it may: what was used longest ago goes, but not what may be in use', async () => {
		const sizeBytes = 10_000;
		const body = (path: string) => fileOf(path.split('/')[2] ?? '', sizeBytes - fileOf(buildId).length);
		await using server = await faultyDebuginfod((path) => ({ body: body(path) }));
		await using client = await clientOf(server.address, { limits: { mostBytes: 3 * sizeBytes } });
		const at = (number: number) => join(client.folder, named(idOf(number)));
		for (const number of [1, 2, 3]) await client.ask(idOf(number));
		expect(await client.ask(idOf(4))).toEqual({ is: 'failed', reason: `there is no room for it among the 30.0 KB in ${client.folder}` });
		const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
		for (const [number, minutes] of [
			[1, 40],
			[2, 50],
			[3, 60],
		] as const)
			utimesSync(at(number), ago(minutes), ago(minutes));
		expect(await client.ask(idOf(3))).toMatchObject({ is: 'file' }); // used now
		expect(await client.ask(idOf(4))).toMatchObject({ is: 'file' });
		expect([1, 2, 3, 4].map((number) => existsSync(at(number)))).toEqual([true, false, true, true]);
		// Several at once take from one room.
		using session = client.server.session(new AbortController().signal);
		const answers = await Promise.all([5, 6, 7].map((number) => session.fileOf(idOf(number), 'executable')));
		expect(answers.map(({ is }) => is).toSorted()).toEqual(['failed', 'failed', 'file']);
		expect(filesIn(client.folder).reduce((sum, file) => sum + statSync(file).size, 0)).toBe(3 * sizeBytes);
	});

	test('fills no disk', async () => {
		await using server = await faultyDebuginfod(() => ({ body: fileOf(buildId) }));
		await using client = await clientOf(server.address, { limits: { floorBytes: Number.MAX_SAFE_INTEGER } });
		expect(await client.ask(buildId)).toEqual({ is: 'failed', reason: `the disk of ${client.folder} is full` });
		expect(filesIn(client.folder)).toEqual([]);
	});

	test('half by a process that is no more is removed, by one that lives it stays', async () => {
		await using server = await faultyDebuginfod(() => ({ body: fileOf(buildId) }));
		await using client = await clientOf(server.address);
		mkdirSync(client.folder);
		const start = readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19];
		for (const name of ['part-1-1-x', `part-1-${start}-x`]) writeFileSync(join(client.folder, name), 'x');
		await client.ask(buildId);
		expect(filesIn(client.folder).map((path) => path.slice(client.folder.length + 1))).toEqual([
			expect.stringMatching(/^part-1-\d{1,20}-x$/),
			named(buildId),
		]);
		expect(existsSync(join(client.folder, 'part-1-1-x'))).toBe(false);
	});

	test('by one crash twice is asked for once', async () => {
		await using server = await faultyDebuginfod(() => ({ status: 500 }));
		await using client = await clientOf(server.address);
		using session = client.server.session(new AbortController().signal);
		const answers = await Promise.all([session.fileOf(buildId, 'executable'), session.fileOf(buildId, 'executable')]);
		expect(answers[0]).toBe(answers[1]);
		expect(server.asked()).toHaveLength(1);
	});

	test('has nowhere to go where the folder can not be made: that is told, and the server is left alone', async () => {
		await using server = await faultyDebuginfod(() => ({ body: fileOf(buildId) }));
		const script = `
			import { debuginfod } from '${root}/src/drivers/debuginfod/debuginfod.ts';
			const server = debuginfod({ address: process.argv[1], folder: '/proc/nowhere' });
			using session = server.session(new AbortController().signal);
			console.log(JSON.stringify([await session.fileOf('${buildId}', 'executable'), await session.fileOf('${idOf(1)}', 'executable')]));`;
		const reason = expect.stringMatching(/^its files can't be kept in \/proc\/nowhere: ENOENT/);
		expect(JSON.parse(await runWithoutRights(script, server.address))).toEqual([
			{ is: 'not asked', reason },
			{ is: 'not asked', reason },
		]);
		expect(server.asked()).toHaveLength(1);
	});
});

test('a password in the address goes to the server, and is told nowhere', async () => {
	await using server = await faultyDebuginfod(() => ({ status: 401 }));
	const calls: DebuginfodCall[] = [];
	const address = `http://us%20er:p%40ss@127.0.0.1:${server.port}/base/?token=t0ken`;
	await using client = await clientOf(address, { onCall: (call) => calls.push(call) });
	const answer = await client.ask(buildId);
	const shown = `http://127.0.0.1:${server.port}/base`;
	expect(client.server.shown).toBe(shown);
	expect(calls).toEqual([{ address: shown, kind: 'executable', outcome: 'failed', ms: expect.any(Number) }]);
	expect(JSON.stringify([answer, calls])).not.toMatch(/p@ss|p%40ss|t0ken/);
	const [asked] = server.asked();
	expect(asked?.path).toBe(`/base/buildid/${buildId}/executable?token=t0ken`);
	expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('us er:p@ss').toString('base64')}`);
	expect(asked?.headers['user-agent']).toBe('milvus-coredump-agent');
});
