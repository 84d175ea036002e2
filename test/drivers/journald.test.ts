import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JournaldEvent, type JournaldOptions, readJournald } from '../../src/drivers/journald/journald.ts';
import { lines } from '../../src/drivers/journald/lines.ts';
import { root, runWithoutRights, temporaryFolder } from '../support/crash.ts';
import { type Entry, genuineEntry, journalTest, unpackJournal, vacuum, versions, writeJournal } from '../support/journald.ts';

const machineId = '3b1f7c0de5a94c61a1c2d3e4f5060708';

type Kind<K extends JournaldEvent['is']> = Extract<JournaldEvent, { readonly is: K }>;
const isOf =
	<K extends JournaldEvent['is']>(kind: K) =>
	(event: JournaldEvent): event is Kind<K> =>
		event.is === kind;

/** All that is there now. */
async function all(options: JournaldOptions): Promise<JournaldEvent[]> {
	return Array.fromAsync(readJournald({ ...options, isFollowing: false }, AbortSignal.timeout(20_000)));
}

const crashes = (events: readonly JournaldEvent[]) => events.filter(isOf('coredump')).map(({ coredump }) => coredump.hostPid);

/** A reader that goes on, whose events a test waits for. It ends with the block. */
function following(options: JournaldOptions) {
	const end = new AbortController();
	const events: JournaldEvent[] = [];
	const reader = readJournald({ retryAfterMs: 20, ...options }, AbortSignal.any([end.signal, AbortSignal.timeout(20_000)]));
	return {
		events,
		/** The next one of a kind; those before it are passed over. */
		async next<K extends JournaldEvent['is']>(kind: K): Promise<Kind<K>> {
			for (;;) {
				const { value, done } = await reader.next();
				if (done) throw new Error(`no ${kind} came, but ${events.map(({ is }) => is).join(', ')}`);
				events.push(value);
				if (isOf(kind)(value)) return value;
			}
		},
		async nextCrash(): Promise<number> {
			return (await this.next('coredump')).coredump.hostPid;
		},
		async [Symbol.asyncDispose]() {
			end.abort();
			while (!(await reader.next()).done);
		},
	};
}

let made = 0;
/** A crash as systemd-coredump would record it, in the order in which they are made. */
function crash(hostPid: number, fields: Entry = {}): Entry {
	const at = 1_795_500_000_000_000 + made++ * 1_000_000;
	return {
		...genuineEntry('systemd-257', 'pod-burstable-thread-segv'),
		COREDUMP_PID: `${hostPid}`,
		COREDUMP_TIMESTAMP: `${at}`,
		__REALTIME_TIMESTAMP: `${at}`,
		__MONOTONIC_TIMESTAMP: `${at - 1_795_400_000_000_000}`,
		...fields,
	};
}

/** An empty place for a journal. */
async function place() {
	const folder = await temporaryFolder();
	const machine = join(folder.path, machineId);
	mkdirSync(machine);
	return {
		directory: folder.path,
		machine,
		write: (entries: readonly Entry[], name = 'system.journal') => writeJournal(join(machine, name), entries),
		/** What stands at a name gets another, as when journald rotates. */
		rotate: (name = 'system.journal', to = 'system@0001.journal') => renameSync(join(machine, name), join(machine, to)),
		[Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
	};
}

describe('genuine journals', () => {
	test.each(versions)('%s: every crash of every user, and every lost core', async (version) => {
		await using folder = await temporaryFolder();
		await unpackJournal(version, folder.path);
		const events = await all({ directory: folder.path });
		const coredumps = events.filter(isOf('coredump')).map(({ coredump }) => coredump);
		const notes = events.filter(isOf('note')).map(({ note }) => note.is);
		const count = (kind: string) => notes.filter((is) => is === kind).length;
		expect(events[0]).toEqual({ is: 'reading' });
		expect(coredumps.filter(({ uid }) => uid === 1000)).toHaveLength(1);
		expect(coredumps.every(({ message }) => message?.startsWith('Process '))).toBe(true);
		expect(events.filter(isOf('disbelieved'))).toEqual([]);
		const is252 = version === 'systemd-252';
		expect({
			coredumps: coredumps.length,
			over: count('over core_pipe_limit'),
			connections: count('too many connections'),
			service: count('no coredump service'),
			removed: count('removed'),
			large: count('too large'),
		}).toEqual({
			coredumps: is252 ? 32 : 26,
			over: is252 ? 14 : 9,
			connections: is252 ? 0 : 13,
			service: 1,
			removed: is252 ? 12 : 15,
			large: is252 ? 1 : 0,
		});
	});

	test('following reads all boots', async () => {
		await using folder = await temporaryFolder();
		for (const version of versions) await unpackJournal(version, folder.path);
		await using reader = following({ directory: folder.path });
		for (let count = 0; count < 58; count++) await reader.next('coredump');
		expect(new Set(reader.events.filter(isOf('coredump')).map(({ coredump }) => coredump.bootId)).size).toBe(2);
	});

	test('begins at a time, or behind an entry', async () => {
		await using folder = await temporaryFolder();
		await unpackJournal('systemd-252', folder.path);
		const { directory } = { directory: folder.path };
		const entries = (await all({ directory })).filter(isOf('coredump'));
		const pids = crashes(entries);
		const [third] = entries.slice(2);
		expect(crashes(await all({ directory, sinceMs: third?.recordedAtMs }))).toEqual(pids.slice(2));
		const behind = await all({ directory, afterCursor: third?.cursor, sinceMs: 0 });
		expect(crashes(behind)).toEqual(pids.slice(3));
		expect(behind.filter(isOf('gap'))).toEqual([]);
	});

	test('behind a cursor whose entry was removed there is a gap, but not for one who had seen all', async () => {
		await using folder = await temporaryFolder();
		const machine = await unpackJournal('systemd-257', folder.path);
		const first = (await all({ directory: folder.path })).find(isOf('coredump'));
		for (const name of readdirSync(machine)) vacuum(machine, name);
		await unpackJournal('systemd-252', folder.path);
		const oldest = 1_795_420_864_615;
		const events = await all({ directory: folder.path, afterCursor: first?.cursor });
		expect(events.slice(0, 2)).toEqual([{ is: 'gap', why: 'vacuumed', fromMs: first?.recordedAtMs, toMs: oldest }, { is: 'reading' }]);
		expect(crashes(events)).toHaveLength(32);
		const informed = await all({ directory: folder.path, afterCursor: first?.cursor, upToDateAtMs: oldest + 1 });
		expect(informed.filter(isOf('gap'))).toEqual([]);
		expect(crashes(informed)).toHaveLength(32);
	});

	test('a cursor of a journal that is gone, and what is no cursor, lead to where one would begin', async () => {
		await using folder = await temporaryFolder();
		await unpackJournal('systemd-257', folder.path);
		const cursor =
			's=3fcb387288ed444da445346550b1634f;i=278;b=3a370f5b76c84d819f904db94345159d;m=35e3ead;t=660ed01d2d529;x=12339ec679fd9d2b';
		const moved = await all({ directory: folder.path, afterCursor: cursor });
		expect(moved[0]).toEqual({ is: 'gap', why: 'another journal', fromMs: 1_795_420_914_373 });
		expect(crashes(moved)).toHaveLength(26);
		const lost = await all({ directory: folder.path, afterCursor: '--directory=/', sinceMs: 1_795_420_680_000 });
		expect(lost[0]).toEqual({ is: 'gap', why: 'no cursor' });
		expect(crashes(lost).length).toBeGreaterThan(5);
		expect(crashes(lost).length).toBeLessThan(15);
	});
});

describe('a journal that grows', () => {
	journalTest('what comes is read, also by another user and in a file that is new', async () => {
		await using journal = await place();
		await journal.write([crash(1)]);
		await using reader = following({ directory: journal.directory });
		expect(await reader.nextCrash()).toBe(1);
		await journal.write([crash(2), crash(3)]);
		expect(await reader.nextCrash()).toBe(2);
		await journal.write([crash(4, { _UID: '1000' })], 'user-1000.journal');
		expect([await reader.nextCrash(), await reader.nextCrash()]).toEqual([3, 4]);
	});

	journalTest('nothing is lost where journald rotates and removes', async () => {
		await using journal = await place();
		await journal.write([crash(1)]);
		await using reader = following({ directory: journal.directory });
		expect(await reader.nextCrash()).toBe(1);
		journal.rotate();
		await journal.write([crash(2)]);
		expect(await reader.nextCrash()).toBe(2);
		vacuum(journal.machine, 'system@0001.journal');
		journal.rotate('system.journal', 'system@0002.journal');
		await journal.write([crash(3)]);
		expect(await reader.nextCrash()).toBe(3);
		expect(reader.events.filter(isOf('gap'))).toEqual([]);
	});

	journalTest('journalctl that ends is started anew, behind the last entry', async () => {
		await using journal = await place();
		await journal.write([crash(1), crash(2)]);
		const { program, pids } = journalctlThatTells(journal.directory);
		await using reader = following({ directory: journal.directory, program });
		expect([await reader.nextCrash(), await reader.nextCrash()]).toEqual([1, 2]);
		process.kill(pids().at(-1) ?? 0, 'SIGKILL');
		expect(await reader.next('unavailable')).toMatchObject({ reason: 'ended', message: expect.stringMatching(/SIGKILL/), retryInMs: 20 });
		await journal.write([crash(3)]);
		expect(await reader.nextCrash()).toBe(3);
		expect(reader.events.filter(isOf('gap'))).toEqual([]);
	});

	journalTest('an entry that journald moved from /run to /var is still known, and one that it removed meanwhile is a gap', async () => {
		await using journal = await place();
		const [first, second, third] = [crash(1), crash(2), crash(3)];
		await journal.write([first, second]);
		const [, seen] = (await all({ directory: journal.directory })).filter(isOf('coredump'));
		vacuum(journal.machine, 'system.journal');
		await journal.write([first, second, third]);
		const events = await all({ directory: journal.directory, afterCursor: seen?.cursor });
		expect(events.filter(isOf('gap'))).toEqual([]);
		expect(crashes(events)).toEqual([3]);
		vacuum(journal.machine, 'system.journal');
		await journal.write([third]);
		const later = await all({ directory: journal.directory, afterCursor: seen?.cursor });
		expect(later.filter(isOf('gap'))).toEqual([
			{ is: 'gap', why: 'vacuumed', fromMs: seen?.recordedAtMs, toMs: Number(third.__REALTIME_TIMESTAMP) / 1000 },
		]);
		expect(crashes(later)).toEqual([3]);
	});

	journalTest('a forged entry is told apart from the genuine ones around it', async () => {
		await using journal = await place();
		await journal.write([
			crash(1),
			crash(2, { _EXE: '/usr/bin/logger', _COMM: 'logger', _SYSTEMD_UNIT: 'ssh.service', _PID: '77', _UID: '1000' }),
			crash(3),
		]);
		const events = await all({ directory: journal.directory });
		expect(crashes(events)).toEqual([1, 3]);
		expect(events.filter(isOf('disbelieved'))).toMatchObject([
			{ why: 'it was written by /usr/bin/logger (pid 77, uid 1000, ssh.service)' },
		]);
	});

	journalTest('the stacks of many threads are read as far as they are wanted', async () => {
		await using journal = await place();
		const stacks = (bytes: number) =>
			`Process 1 (milvus) of user 0 dumped core.\n\nStack trace of thread 2:\n${'#0  0x0 查询 (milvus + 0x1)\n'.repeat(bytes / 30)}`;
		await journal.write([
			crash(1, { MESSAGE: stacks(20_000) }),
			crash(2, { MESSAGE: stacks(3_000_000) }),
			crash(3, { MESSAGE: 'x'.repeat(9000) }),
			crash(4),
		]);
		const messages = (await all({ directory: journal.directory })).filter(isOf('coredump')).map(({ coredump }) => coredump.message);
		expect(messages.map((message) => message?.length)).toEqual([stacks(20_000).length, 65_536, 9000, expect.any(Number)]);
		expect(messages[0]).toBe(stacks(20_000));
		expect(messages[1]).toBe(stacks(3_000_000).slice(0, 65_536));
	});

	journalTest('a core in the journal is told, and not read', async () => {
		await using journal = await place();
		await journal.write([
			crash(1, { COREDUMP_FILENAME: '', COREDUMP: Array.from({ length: 100_000 }, (_, index) => index % 256), MESSAGE: 'x'.repeat(5000) }),
		]);
		expect((await all({ directory: journal.directory })).filter(isOf('coredump'))).toMatchObject([
			{ coredump: { core: { is: 'in journald' }, hostPid: 1 } },
		]);
	});

	journalTest('an entry that is made to be large stops nothing', async () => {
		await using journal = await place();
		const large = { _EXE: '/usr/bin/logger', _SYSTEMD_UNIT: 'ssh.service' };
		await journal.write([
			crash(1),
			crash(2, { ...large, MESSAGE: 'x'.repeat(20_000_000), COREDUMP_CGROUP: 'x'.repeat(5_000_000) }),
			crash(3),
		]);
		const events = await all({ directory: journal.directory });
		expect(crashes(events)).toEqual([1, 3]);
		expect(events.filter(isOf('disbelieved'))).toHaveLength(1);
	});
});

/** journalctl that writes down its process id each time. */
function journalctlThatTells(folder: string, script = 'exec journalctl "$@"') {
	const program = join(folder, 'journalctl');
	const log = join(folder, 'pids');
	writeFileSync(program, `#!/bin/sh\necho $$ >> ${log}\n${script}\n`);
	chmodSync(program, 0o755);
	return { program, pids: () => readFileSync(log, 'utf8').trim().split('\n').map(Number) };
}

describe('what is in the way', () => {
	journalTest('a folder that is not there yet, and one that is empty, are told and waited for', async () => {
		await using folder = await temporaryFolder();
		const directory = join(folder.path, 'journal');
		await using reader = following({ directory });
		expect(await reader.next('unavailable')).toEqual({
			is: 'unavailable',
			reason: 'no directory',
			message: `${directory} can not be read (ENOENT): it must be the folder above that of the machine id`,
			retryInMs: 20,
		});
		mkdirSync(join(directory, machineId), { recursive: true });
		while ((await reader.next('unavailable')).reason !== 'no journal files');
		expect(reader.events.at(-1)).toMatchObject({
			message: `there is no journal in ${directory}: with Storage=volatile (journald.conf) it is in /run/log/journal`,
		});
		await writeJournal(join(directory, machineId, 'system.journal'), [crash(1)]);
		expect(await reader.nextCrash()).toBe(1);
		const delays = reader.events.filter(isOf('unavailable')).map(({ retryInMs }) => retryInMs ?? 0);
		expect(delays).toEqual(delays.map((_, index) => 20 * 2 ** index));
	});

	journalTest('a folder that is replaced is read anew', async () => {
		await using folder = await temporaryFolder();
		const directory = join(folder.path, 'journal');
		const file = join(directory, machineId, 'system.journal');
		await writeJournal(file, [crash(1)]);
		await using reader = following({ directory, checkEveryMs: 20 });
		expect(await reader.nextCrash()).toBe(1);
		renameSync(directory, join(folder.path, 'old'));
		expect(await reader.next('unavailable')).toMatchObject({ reason: 'replaced', message: `${directory} was replaced by another folder` });
		await writeJournal(file, [crash(2)]);
		expect(await reader.nextCrash()).toBe(2);
	});

	test('without following, it is told once', async () => {
		await using folder = await temporaryFolder();
		writeFileSync(join(folder.path, 'file'), '');
		expect(await all({ directory: join(folder.path, 'file') })).toEqual([
			{
				is: 'unavailable',
				reason: 'no directory',
				message: `${join(folder.path, 'file')} is no directory: it must be the folder above that of the machine id`,
			},
		]);
		expect(await all({ directory: folder.path })).toMatchObject([{ reason: 'no journal files' }]);
	});

	test('journalctl that is not installed', async () => {
		await using folder = await temporaryFolder();
		await unpackJournal('systemd-252', folder.path);
		expect(await all({ directory: folder.path, program: '/nowhere/journalctl' })).toEqual([
			{ is: 'unavailable', reason: 'not installed', message: 'journalctl is not installed; as root: apt-get install systemd' },
		]);
	});

	test('a journal that may not be read', async () => {
		await using folder = await temporaryFolder();
		const machine = await unpackJournal('systemd-252', folder.path);
		for (const name of readdirSync(machine)) chmodSync(join(machine, name), 0o000);
		const script = `
			import { readJournald } from '${join(root, 'src/drivers/journald/journald.ts')}';
			const events = await Array.fromAsync(readJournald({ directory: process.argv[1], isFollowing: false }, AbortSignal.timeout(20_000)));
			console.log(JSON.stringify(events));
		`;
		const read = async () => JSON.parse(await runWithoutRights(script, folder.path)) as JournaldEvent[];
		expect(await read()).toEqual([
			{
				is: 'unavailable',
				reason: 'no permission',
				message: `the journal in ${folder.path} can not be read by uid ${process.getuid?.()}: run this as root or in the group systemd-journal`,
			},
		]);
		chmodSync(machine, 0o000);
		expect(await read()).toMatchObject([{ reason: 'no permission' }]);
		chmodSync(machine, 0o700);
	});

	test('journalctl that fails, or writes what is no entry', async () => {
		await using folder = await temporaryFolder();
		await unpackJournal('systemd-252', folder.path);
		const failing = journalctlThatTells(folder.path, 'echo "Failed to open files: Bad message" >&2; exit 1');
		expect((await all({ directory: folder.path, program: failing.program })).at(-1)).toMatchObject({
			is: 'unavailable',
			reason: 'ended',
			message: expect.stringMatching(/Failed to open files: Bad message$/),
		});
		const babbling = journalctlThatTells(folder.path, 'head -c 3000000 /dev/zero; echo; echo "{}"; echo "not whole"; printf "no end"');
		expect(await all({ directory: folder.path, program: babbling.program })).toEqual([
			{ is: 'reading' },
			{ is: 'skipped', why: 'an entry is too large' },
			{ is: 'skipped', why: 'a line of journalctl is no entry' },
			{ is: 'skipped', why: 'a line of journalctl is no entry' },
		]);
	});

	test('nothing runs on when the reader is told to end, or nobody reads on', async () => {
		await using folder = await temporaryFolder();
		await unpackJournal('systemd-252', folder.path);
		const { program, pids } = journalctlThatTells(folder.path);
		{
			await using reader = following({ directory: folder.path, program });
			await reader.next('coredump');
		}
		for await (const event of readJournald({ directory: folder.path, program }, AbortSignal.timeout(20_000)))
			if (event.is === 'coredump') break;
		expect(pids()).toHaveLength(4); // each is asked for its version first
		for (const pid of pids()) await expect.poll(() => isRunning(pid)).toBe(false);
	});
});

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

test('lines are told apart wherever the pieces end, and long ones are not held', async () => {
	const text = 'one\n\nthree 三\nxxxxxxxxxxxxxxxxxxxxx\nfive\nno end';
	for (const size of [1, 2, 3, 7, 100]) {
		const pieces = async function* () {
			const bytes = Buffer.from(text);
			for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
		};
		expect(await Array.fromAsync(lines(pieces(), 20))).toEqual(['one', '', 'three 三', undefined, 'five']);
	}
});
