import {
	appendFileSync,
	chmodSync,
	closeSync,
	copyFileSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type CollectorOptions, collector, examine, remover } from '../../src/components/collector/collector.ts';
import type { Event } from '../../src/domain/events.ts';
import type { Intake } from '../../src/domain/intake.ts';
import type { Core } from '../../src/domain/report.ts';
import { problemDirectory } from '../support/abrt.ts';
import { apportReport } from '../support/apport.ts';
import { type Crash, crash, crashTest, exec, program, temporaryFolder } from '../support/crash.ts';
import { emptyJournal } from '../support/journal.ts';
import { listening } from '../support/telemetry.ts';

const bootId = '0123456789abcdef0123456789abcdef';

/** A folder with a collector that watches it; a core to fill it with; a clock that the test may move. */
async function watched(options: Partial<CollectorOptions> = {}) {
	const folder = await temporaryFolder();
	const crashed = await crash(await program('faults.c'), ['null']);
	const { telemetry, lines } = listening();
	const events: Event<'CoredumpFile'>[] = [];
	const originals = new Set<string>();
	const keys = new Set<string>();
	const intake: Intake = {
		append: async (...added) => {
			return added.filter((event) => {
				if (event.original !== undefined) originals.add(event.original);
				if (keys.has(event.key)) return false;
				keys.add(event.key);
				events.push(event as Event<'CoredumpFile'>);
				return true;
			});
		},
		isKnown: async (original) => originals.has(original),
	};
	const clock = { ahead: 0, reads: 0 };
	let running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
	const start = () => {
		const stop = new AbortController();
		const { run } = collector({
			intake,
			telemetry,
			options: { directory: folder.path, watchIntervalMs: 200, maxFileAgeMs: 86_400_000, ignorePatterns: [], ...options },
			now() {
				clock.reads++;
				return Date.now() + clock.ahead;
			},
		});
		running = { stop, ended: run(stop.signal) };
	};
	const stop = async () => {
		running?.stop.abort();
		await running?.ended;
	};
	return {
		folder: folder.path,
		core: crashed.core,
		bytes: readFileSync(crashed.core),
		crashed: crashed as Crash,
		events,
		lines,
		clock,
		telemetry,
		start,
		stop,
		place: (name: string) => join(folder.path, name),
		paths: () => events.map(({ body }) => (body.core?.path ?? '').slice(folder.path.length + 1)).sort(),
		[Symbol.asyncDispose]: async () => {
			await stop();
			await crashed[Symbol.asyncDispose]();
			await folder[Symbol.asyncDispose]();
		},
	};
}

type Watched = Awaited<ReturnType<typeof watched>>;

const found = (home: Watched, names: readonly string[]) => expect.poll(() => home.paths(), { timeout: 10_000 }).toEqual([...names].sort());
/** Two rescans after something that must not be found: a file that comes then is found, and nothing else. */
async function onlyFound(home: Watched, names: readonly string[]): Promise<void> {
	copyFileSync(home.core, home.place('.after'));
	renameSync(home.place('.after'), home.place('zz-after'));
	await found(home, [...names, 'zz-after']);
	const rescans = home.lines.length;
	expect(rescans).toBeGreaterThan(0);
}

describe('cores are found', () => {
	crashTest('that were there before, and that come later', async () => {
		await using home = await watched();
		copyFileSync(home.core, home.place('before'));
		home.start();
		await found(home, ['before']);
		renameSync(home.core, home.place('after'));
		await found(home, ['after', 'before']);
		expect(home.lines.filter(({ msg }) => msg === 'Found coredump file')).toHaveLength(2);
		expect(home.events[0]).toMatchObject({
			kind: 'CoredumpFile',
			key: expect.stringMatching(/^[0-9a-f]{12}$/),
			body: { core: { encoding: 'raw', sizeBytes: home.bytes.length } },
		});
	});

	crashTest('at once, by inotify, however long the next rescan is away', async () => {
		await using home = await watched({ watchIntervalMs: 3_600_000 });
		home.start();
		await expect.poll(() => home.lines.some(({ msg }) => msg === 'collector is ready')).toBe(true);
		renameSync(home.core, home.place('core'));
		await found(home, ['core']);
	});

	crashTest('when the folder itself comes later, or is replaced by another', async () => {
		await using home = await watched();
		rmSync(home.folder, { recursive: true });
		home.start();
		await expect
			.poll(() => home.lines.at(-1)?.msg)
			.toBe(
				`collector is not ready: ${home.folder} is not there: set collector.coredumpPath to where cores are written (milvus-coredump-agent doctor tells)`,
			);
		mkdirSync(home.folder);
		copyFileSync(home.core, home.place('one'));
		await found(home, ['one']);
		expect(home.lines.some(({ msg }) => msg === 'collector is ready again')).toBe(true);
		rmSync(home.folder, { recursive: true });
		mkdirSync(home.folder);
		copyFileSync(home.core, home.place('two'));
		await found(home, ['one', 'two']);
	});

	crashTest('under names of any bytes', async () => {
		await using home = await watched();
		const names = ['core with spaces', 'core.\n\t', '-rf', 'core."\'$(x)', `core.${'x'.repeat(250)}`, 'core.核心', 'core.my\\x20prog.1'];
		for (const name of names) copyFileSync(home.core, home.place(name));
		copyFileSync(home.core, Buffer.concat([Buffer.from(`${home.folder}/core.`), Buffer.from([0xff, 0xfe, 0x80])]));
		home.start();
		await found(home, [...names, 'core.\udcff\udcfe\udc80']);
	});

	crashTest(
		'ten thousand, each once',
		async () => {
			await using home = await watched();
			// Each its own file: as small as a core can be that is whole.
			const small = smallest();
			for (let index = 0; index < 10_000; index++) writeFileSync(home.place(`core.${index}`), small);
			home.start();
			await expect.poll(() => home.events.length, { timeout: 60_000 }).toBe(10_000);
			await onlyFound(home, home.paths());
			expect(new Set(home.events.map(({ key }) => key)).size).toBe(10_001);
		},
		120_000,
	);
});

describe('a core is taken when it is whole', () => {
	crashTest('one that the kernel is still writing is not, until its last byte is there', async () => {
		await using home = await watched();
		home.start();
		const file = openSync(home.place('core'), 'w');
		for (const length of [10, 500, 5_000, home.bytes.length - 1]) {
			writeSync(file, home.bytes.subarray(0, length), 0, length, 0);
			await expect.poll(() => home.lines.filter(({ msg }) => msg === 'core file is not complete yet').length).toBeGreaterThan(0);
			expect(home.events).toEqual([]);
			home.lines.length = 0;
		}
		writeSync(file, home.bytes, home.bytes.length - 1, 1, home.bytes.length - 1);
		closeSync(file);
		await found(home, ['core']);
	});

	crashTest('one that was cut off is, when it has not changed for half a minute', async () => {
		await using home = await watched();
		writeFileSync(home.place('core'), home.bytes.subarray(0, 20_000));
		home.start();
		await expect.poll(() => home.lines.some(({ msg }) => msg === 'core file is not complete yet')).toBe(true);
		home.clock.ahead = 25_000;
		appendFileSync(home.place('core'), 'x');
		home.clock.ahead = 40_000;
		await expect.poll(() => home.lines.filter(({ msg }) => msg === 'core file is not complete yet').length).toBeGreaterThan(1);
		expect(home.events).toEqual([]);
		home.clock.ahead = 80_000;
		await found(home, ['core']);
	});

	crashTest('a packed one is when it has not changed for a while; at once when systemd-coredump made it', async () => {
		await using home = await watched();
		await exec('zstd', ['-q', '-k', home.core]);
		home.start();
		const byHand = home.place('byhand.core.zst');
		const bySystemd = `core.faults.0.${bootId}.4711.1795420882000000.zst`;
		copyFileSync(`${home.core}.zst`, byHand);
		copyFileSync(`${home.core}.zst`, home.place('.systemd'));
		renameSync(home.place('.systemd'), home.place(bySystemd));
		await found(home, [bySystemd]);
		expect(home.events[0]?.body.time).toBe(new Date(1_795_420_882_000).toISOString());
		home.clock.ahead = 6_000;
		await found(home, ['byhand.core.zst', bySystemd]);
	});

	crashTest('a copy of systemd-coredump’s file under another name has its time, as `analyze` says, and is taken at once', async () => {
		await using home = await watched();
		await exec('zstd', ['-q', '-k', home.core]);
		for (const [name, source] of [
			['backup.zst', `${home.core}.zst`],
			['core.zst', `${home.core}.zst`],
			['kept for later', home.core],
		] as const) {
			copyFileSync(source, home.place('.copy'));
			await exec('setfattr', ['-n', 'user.coredump.timestamp', '-v', '1795420882000000', home.place('.copy')]);
			renameSync(home.place('.copy'), home.place(name));
		}
		home.start();
		await found(home, ['backup.zst', 'core.zst', 'kept for later']);
		for (const { key, body } of home.events) {
			expect(body.time).toBe(new Date(1_795_420_882_000).toISOString());
			expect((await examine(body.core?.path ?? '', { now: Date.now() })).event).toMatchObject({ key, body: { time: body.time } });
		}
	});

	crashTest('one with the time of a forged name is taken with that of the file', async () => {
		await using home = await watched();
		for (const time of ['99999999999999999999999', '0', '253402300800000000'])
			copyFileSync(home.core, home.place(`core.x.0.${bootId}.1.${time}.zst`));
		copyFileSync(home.core, home.place('core.x.1.host.99999999999'));
		home.start();
		await expect.poll(() => home.events.length).toBe(4);
		for (const { body } of home.events) expect(Math.abs(Date.parse(body.time) - Date.now())).toBeLessThan(60_000);
	});
});

crashTest('what was not finished and is something else by now is not looked at again and again', async () => {
	await using home = await watched({ watchIntervalMs: 3_600_000 });
	const names = ['folder', 'link', 'gone'];
	for (const name of names) writeFileSync(home.place(name), home.bytes.subarray(0, 20_000));
	home.start();
	await expect.poll(() => home.lines.filter(({ msg }) => msg === 'core file is not complete yet').length).toBe(3);
	for (const name of names) rmSync(home.place(name));
	mkdirSync(home.place('folder'));
	symlinkSync(home.core, home.place('link'));
	home.clock.ahead = 60_000;
	copyFileSync(home.core, home.place('core'));
	await found(home, ['core']);
	home.clock.reads = 0;
	copyFileSync(home.core, home.place('next'));
	await found(home, ['core', 'next']);
	expect(home.clock.reads).toBeLessThan(50);
});

describe('what abrt and apport have kept', () => {
	crashTest('a problem directory of abrt is taken at once when it gets its name, and once', async () => {
		await using home = await watched({ watchIntervalMs: 3_600_000 });
		home.start();
		await expect.poll(() => home.lines.some(({ msg }) => msg === 'collector is ready')).toBe(true);
		mkdirSync(home.place('ccpp-1.new'));
		for (const name of ['time', 'coredump']) writeFileSync(join(home.place('ccpp-1.new'), name), home.bytes.subarray(0, 20_000));
		problemDirectory(home.place('ccpp-2'), (core) => writeFileSync(core, home.bytes.subarray(0, 20_000)));
		await found(home, ['ccpp-2/coredump']);
		expect(home.events[0]?.body.time).toBe('2026-11-23T08:01:22.000Z');
		await home.stop();
		home.start();
		await onlyFound(home, ['ccpp-2/coredump']);
	});

	crashTest('a packed core in a problem directory is taken too', async () => {
		await using home = await watched();
		await exec('lz4', ['-q', '-m', home.core]);
		problemDirectory(home.place('ccpp-1'), (core) => copyFileSync(`${home.core}.lz4`, `${core}.lz4`));
		home.start();
		await found(home, ['ccpp-1/coredump.lz4']);
		expect(home.events[0]?.body.core).toMatchObject({ encoding: 'lz4' });
	});

	crashTest('links lead nowhere: neither to a directory, nor from one to a core', async () => {
		await using home = await watched();
		const elsewhere = await temporaryFolder();
		await using _elsewhere = elsewhere;
		problemDirectory(join(elsewhere.path, 'ccpp-1'), (core) => copyFileSync(home.core, core));
		symlinkSync(join(elsewhere.path, 'ccpp-1'), home.place('ccpp-1'));
		problemDirectory(home.place('ccpp-2'), (core) => symlinkSync(home.core, core));
		mkdirSync(home.place('a folder'));
		copyFileSync(home.core, join(home.place('a folder'), 'coredump'));
		home.start();
		await onlyFound(home, []);
	});

	crashTest('a report of apport is taken when apport has given it its mode, and it has not changed for a while', async () => {
		await using home = await watched();
		writeFileSync(home.place('_milvus.0.crash'), await apportReport({}, home.bytes), { mode: 0 });
		home.start();
		await expect.poll(() => home.lines.some(({ reason }) => reason === 'apport is writing it')).toBe(true);
		home.clock.ahead = 60_000;
		await onlyFound(home, []);
		chmodSync(home.place('_milvus.0.crash'), 0o640);
		await expect.poll(() => home.lines.some(({ reason }) => reason === 'complete: unknown')).toBe(true);
		home.clock.ahead = 120_000;
		await found(home, ['_milvus.0.crash', 'zz-after']);
	});

	crashTest('what can not be unpacked here is told once, and taken when the program has come', async () => {
		await using home = await watched();
		await exec('xz', ['-q', '-0', home.core]);
		copyFileSync(`${home.core}.xz`, home.place('core.xz'));
		const { PATH } = process.env;
		process.env.PATH = home.folder;
		try {
			home.start();
			const told = () =>
				home.lines.filter(({ reason }) => reason === 'xz is not installed, which unpacks it; as root: apt-get install xz-utils');
			await expect.poll(told).toHaveLength(1);
			writeFileSync(home.place('core'), home.bytes);
			await found(home, ['core']);
			expect(told()).toHaveLength(1);
		} finally {
			process.env.PATH = PATH;
		}
		await expect.poll(() => home.lines.some(({ reason }) => reason === 'complete: unknown')).toBe(true);
		home.clock.ahead = 60_000;
		await found(home, ['core', 'core.xz']);
	});
});

test('an error of the journal is not taken for one of the file', async () => {
	await using opened = await emptyJournal();
	await using folder = await temporaryFolder();
	const { telemetry, lines } = listening();
	const { journal } = opened;
	const intake: Intake = {
		append: async (...events) => journal.append(...events),
		isKnown: async (original) => journal.isKnown(original),
	};
	writeFileSync(join(folder.path, 'core'), '');
	opened.close();
	const options = { directory: folder.path, watchIntervalMs: 200, maxFileAgeMs: 86_400_000, ignorePatterns: [] };
	await expect(collector({ intake, telemetry, options }).run(AbortSignal.timeout(10_000))).rejects.toThrow(/not open|finalized/);
	expect(lines.filter(({ msg }) => msg.includes("can't be read"))).toEqual([]);
});

describe('a core is reported once', () => {
	crashTest('however often it is looked at, and after a restart', async () => {
		await using home = await watched();
		copyFileSync(home.core, home.place('core'));
		for (let run = 0; run < 3; run++) {
			home.start();
			await expect
				.poll(() => home.lines.some(({ msg }) => msg.startsWith('collector is ready') || msg === 'Found coredump file'))
				.toBe(true);
			await found(home, ['core']);
			await home.stop();
		}
		home.start();
		await onlyFound(home, ['core']);
	});

	crashTest('but another core under the same name is another crash', async () => {
		await using home = await watched();
		copyFileSync(home.core, home.place('core'));
		home.start();
		await found(home, ['core']);
		copyFileSync(home.core, home.place('.next'));
		renameSync(home.place('.next'), home.place('core'));
		await found(home, ['core', 'core']);
		expect(new Set(home.events.map(({ key }) => key)).size).toBe(2);
	});

	crashTest('also when systemd-coredump’s file is there twice', async () => {
		await using home = await watched();
		for (const end of ['', '.zst']) copyFileSync(home.core, home.place(`core.faults.0.${bootId}.4711.1795420882000000${end}`));
		home.start();
		await expect.poll(() => home.events.length).toBe(1);
		copyFileSync(home.core, home.place('zz'));
		await expect.poll(() => home.events.length).toBe(2);
	});
});

describe('what is no core, or not wanted, is left alone', () => {
	crashTest('text, programs, empty files: told once each', async () => {
		await using home = await watched();
		writeFileSync(home.place('note.txt'), 'hello');
		writeFileSync(home.place('empty'), '');
		copyFileSync('/bin/true', home.place('program'));
		home.start();
		await expect.poll(() => home.lines.filter(({ msg }) => msg === 'core file is not complete yet').length).toBe(3);
		home.clock.ahead = 10_000;
		const skips = () => home.lines.filter(({ msg }) => msg === 'file left alone: not a core').map(({ path }) => path);
		await expect.poll(() => skips().length).toBe(3);
		await onlyFound(home, []);
		expect(skips()).toHaveLength(3);
	});

	crashTest('folders, FIFOs, sockets, links and hidden files', async () => {
		await using home = await watched();
		mkdirSync(home.place('folder'));
		await exec('mkfifo', [home.place('fifo')]);
		const server = createServer().listen(home.place('socket'));
		symlinkSync(home.core, home.place('link'));
		copyFileSync(home.core, home.place('.#core'));
		home.start();
		await onlyFound(home, []);
		server.close();
	});

	crashTest('names that a pattern ignores, and files that are too old', async () => {
		await using home = await watched({ ignorePatterns: ['core.bash.*', '*.tmp'], maxFileAgeMs: 3_600_000 });
		for (const name of ['core.bash.1', 'x.tmp', 'core.milvus.1', 'old']) copyFileSync(home.core, home.place(name));
		const longAgo = new Date(Date.now() - 7_200_000);
		utimesSync(home.place('old'), longAgo, longAgo);
		home.start();
		await found(home, ['core.milvus.1']);
		await expect.poll(() => home.lines.filter(({ msg }) => msg === 'file left alone: ignored').length).toBe(2);
		await expect.poll(() => home.lines.filter(({ msg }) => msg === 'file left alone: too old').length).toBe(1);
	});

	crashTest('files that vanish while they are looked at', async () => {
		await using home = await watched({ watchIntervalMs: 20 });
		home.start();
		for (let round = 0; round < 200; round++) {
			linkSync(home.core, home.place(`core.${round}`));
			await vi.waitFor(() => unlinkSync(home.place(`core.${round}`)));
		}
		await onlyFound(home, home.paths());
		expect(home.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
	});
});

describe('the original of a stored core', () => {
	const stored = (home: Watched): Event<'StorageEvent'> => {
		const { key, body } = home.events[0] as Event<'CoredumpFile'> & { body: { core: Core } };
		return {
			kind: 'StorageEvent',
			key,
			body: { is: 'stored', core: body.core, storage: { form: 'full', location: '/x', sha256: 'ab'.repeat(32), sizeBytes: 1 } },
		};
	};
	const isThere = async (path: string) => (await exec('find', [path])).stdout !== '';

	crashTest('stays by default, and goes when that is wanted', async () => {
		await using home = await watched();
		copyFileSync(home.core, home.place('core'));
		home.start();
		await found(home, ['core']);
		const signal = new AbortController().signal;
		await remover({ telemetry: home.telemetry, removeOriginal: 'never' }).handle(stored(home), signal);
		expect(await isThere(home.place('core'))).toBe(true);
		await remover({ telemetry: home.telemetry, removeOriginal: 'afterStored' }).handle(stored(home), signal);
		await expect(isThere(home.place('core'))).rejects.toThrow();
		expect(await remover({ telemetry: home.telemetry, removeOriginal: 'afterStored' }).handle(stored(home), signal)).toEqual({
			is: 'done',
			emit: [],
		});
	});

	crashTest('stays when it was not stored, or only slim, or is another file by now', async () => {
		await using home = await watched();
		copyFileSync(home.core, home.place('core'));
		home.start();
		await found(home, ['core']);
		const { handle } = remover({ telemetry: home.telemetry, removeOriginal: 'afterStored' });
		const signal = new AbortController().signal;
		const event = stored(home);
		for (const is of ['skipped', 'lost'] as const) await handle({ ...event, body: { is, reason: 'x' } }, signal);
		const { body } = event;
		if (body.is === 'stored') await handle({ ...event, body: { ...body, storage: { ...body.storage, form: 'slim' } } }, signal);
		expect(await isThere(home.place('core'))).toBe(true);
		copyFileSync(home.core, home.place('.next'));
		renameSync(home.place('.next'), home.place('core'));
		await handle(event, signal);
		expect(await isThere(home.place('core'))).toBe(true);
		expect(home.lines.at(-1)).toMatchObject({ msg: 'original core file kept', reason: 'it has changed since it was found' });
	});
});

/** The smallest core that is whole: a header and one empty segment. */
function smallest(): Buffer {
	const bytes = Buffer.alloc(120);
	bytes.write('\x7fELF\x02\x01\x01', 'latin1');
	bytes.writeUInt16LE(4, 16);
	bytes.writeUInt16LE(62, 18);
	bytes.writeBigUInt64LE(64n, 32);
	bytes.writeUInt16LE(56, 54);
	bytes.writeUInt16LE(1, 56);
	bytes.writeUInt32LE(1, 64);
	bytes.writeBigUInt64LE(120n, 72);
	return bytes;
}
