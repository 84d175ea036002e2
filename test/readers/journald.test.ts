import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
	adviceFor,
	fieldNames,
	type JournaldEntry,
	lossOf,
	type Note,
	parseCursor,
	parseEntry,
} from '../../src/readers/journald/journald.ts';
import { type Entry, fixtures, genuine, genuineEntry, type Version, versions } from '../support/journald.ts';

const containerId = '4f1d7c0b9e2a8356d1c4b7a0e93f5268bb0d4c71a6e8f2390517cdab84e6f031';
const podUid = '8a6f3c1e-52d7-4b09-9f14-0c7be2d18a55';

const parsed = (entry: Entry) => parseEntry(JSON.stringify(entry));

function coredump(version: Version, name: string) {
	const entry = parsed(genuineEntry(version, name));
	if (entry?.is !== 'coredump') throw new Error(`${name} is ${JSON.stringify(entry)}`);
	return entry.coredump;
}

const note = (entry: JournaldEntry | undefined) => (entry?.is === 'note' ? entry.note : entry?.is);
const notes = (version: Version, name: string) => genuine(version, name).map((line) => note(parseEntry(line)));

describe('genuine entries of systemd-coredump', () => {
	test('a crash in a pod, with all that is recorded of it', () => {
		const entry = parsed(genuineEntry('systemd-252', 'pod-burstable-thread-segv'));
		expect(entry).toEqual({
			cursor: 's=3fcb387288ed444da445346550b1634f;i=22c;b=3a370f5b76c84d819f904db94345159d;m=185d11b;t=660ecfffa678b;x=c0bc859ddc8be9fa',
			recordedAtMs: 1_795_420_883_412,
			bootId: '3a370f5b76c84d819f904db94345159d',
			is: 'coredump',
			coredump: {
				bootId: '3a370f5b76c84d819f904db94345159d',
				hostPid: 425,
				timeMs: 1_795_420_882_000,
				signal: 11,
				uid: 0,
				name: 'milvus',
				executable: '/milvus/bin/milvus',
				hostname: 'my-release-milvus-querynode-7d9f6c5b8-x2k4p',
				cgroup: `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod8a6f3c1e_52d7_4b09_9f14_0c7be2d18a55.slice/cri-containerd-${containerId}.scope`,
				container: { podUid, containerId },
				unit: `cri-containerd-${containerId}.scope`,
				message: expect.stringMatching(/^Process 425 \(milvus\) of user 0 dumped core\.\n\nStack trace of thread 2:\n#0 .* innermost /),
				core: { is: 'file', name: 'core.milvus.0.3a370f5b76c84d819f904db94345159d.425.1795420882000000.zst', isTruncated: false },
				handler: 'systemd-coredump@1-427-0.service',
			},
		});
	});

	test.each(versions)('%s: every one is believed', (version) => {
		const names = readdirSync(join(fixtures, version)).filter((name) => /^(?:host|pod|cgroupfs|comm|file)-.*\.json$/.test(name));
		expect(names.length).toBeGreaterThan(12);
		for (const name of names) expect(parsed(genuineEntry(version, name.replace('.json', '')))?.is, name).toBe('coredump');
	});

	test.each(versions)('%s: the container by the cgroup', (version) => {
		const containers = (name: string) => coredump(version, name).container;
		expect(containers('cgroupfs-driver-segv')).toEqual({ podUid, containerId });
		expect(containers('pod-guaranteed-abort-as-pid-1')).toEqual({
			podUid: '11112222-3333-4444-5555-666677778888',
			containerId: '9b2c41d07f6e8a35c1b0d4e7f29a6358e0d1c7b4a9f3625180cd7be4a1f06d92',
		});
		expect(containers('pod-besteffort-uid1000-fpe')?.podUid).toBe('c0ffee00-1234-4abc-8def-0123456789ab');
		expect(containers('host-shell-segv')).toBeUndefined();
		const { COREDUMP_CGROUP: _, ...older } = genuineEntry(version, 'cgroupfs-driver-segv');
		expect(parsed(older)).toMatchObject({ coredump: { container: { podUid, containerId } } });
	});

	test.each(versions)('%s: what became of the core', (version) => {
		const core = (name: string) => coredump(version, name).core;
		expect(core('pod-storage-none')).toEqual({ is: 'not stored' });
		expect(core('pod-truncated')).toMatchObject({ is: 'file', isTruncated: true });
		expect(core('host-uncompressed')).toMatchObject({ name: expect.stringMatching(/^core\.crash\.0\.[0-9a-f]{32}\.\d+\.\d+$/) });
		expect(core('comm-with-space-and-dot')).toMatchObject({ name: expect.stringMatching(/^core\.my\\x20prog\\x2ev1\./) });
		expect(parsed({ ...genuineEntry(version, 'pod-storage-none'), COREDUMP: null })).toMatchObject({
			coredump: { core: { is: 'in journald' } },
		});
	});

	test('a large environment costs nothing that is read here', () => {
		for (const version of versions)
			expect(coredump(version, 'pod-large-environ-bus.without-all')).toEqual(coredump(version, 'pod-large-environ-bus'));
	});

	test('a message that is too long to be printed is absent, one that is long is cut', () => {
		const entry = genuineEntry('systemd-252', 'host-shell-segv');
		expect(parsed({ ...entry, MESSAGE: null })).toMatchObject({
			is: 'coredump',
			coredump: expect.not.objectContaining({ message: expect.anything() }),
		});
		expect(parsed({ ...entry, MESSAGE: 'x'.repeat(1e6) })).toMatchObject({ coredump: { message: 'x'.repeat(65_536) } });
	});

	test('bytes that are no text are kept', () => {
		const entry = {
			...genuineEntry('systemd-252', 'host-shell-segv'),
			COREDUMP_COMM: [0x61, 0xff],
			COREDUMP_EXE: [0x2f, 0xe6, 0xa0, 0xb8],
		};
		expect(parsed(entry)).toMatchObject({ coredump: { name: 'a\udcff', executable: '/核' } });
	});

	test('only the name of the file is taken', () => {
		const named = (path: string) => parsed({ ...genuineEntry('systemd-252', 'host-shell-segv'), COREDUMP_FILENAME: path });
		expect(named('/var/lib/systemd/coredump/../../../../etc/shadow')).toMatchObject({ coredump: { core: { name: 'shadow' } } });
		expect(named('/')).toMatchObject({ coredump: { core: { is: 'not stored' } } });
	});

	test('all fields that are read are asked for', () => {
		const entry = genuineEntry('systemd-252', 'pod-burstable-thread-segv');
		const asked = Object.fromEntries(Object.entries(entry).filter(([name]) => name.startsWith('__') || fieldNames.includes(name)));
		expect(Object.keys(asked).length).toBeLessThan(Object.keys(entry).length);
		expect(parsed(asked)).toEqual(parsed(entry));
		for (const [version, name] of [
			['systemd-252', 'note-no-coredump-service'],
			['systemd-257', 'note-too-many-connections'],
			['systemd-257', 'kernel-segfault'],
		] as const) {
			const other = genuineEntry(version, name);
			expect(parsed(Object.fromEntries(Object.entries(other).filter(([key]) => key.startsWith('__') || fieldNames.includes(key))))).toEqual(
				parsed(other),
			);
		}
	});
});

describe('what only claims to be of systemd-coredump', () => {
	const entry = genuineEntry('systemd-257', 'pod-burstable-thread-segv');
	const forged: Readonly<Record<string, Entry>> = {
		'another program': { _EXE: '/usr/bin/logger' },
		'another program, that is called so': { _EXE: '/usr/bin/python3.13', _COMM: 'systemd-coredum' },
		'another unit': { _SYSTEMD_UNIT: 'ssh.service' },
		'a unit of a user': { _SYSTEMD_UNIT: 'user@1000.service', _SYSTEMD_USER_UNIT: 'systemd-coredump@1-2-0.service' },
		'a container': { _SYSTEMD_UNIT: `cri-containerd-${containerId}.scope` },
		'a container of the driver cgroupfs': { _SYSTEMD_UNIT: undefined, _SYSTEMD_CGROUP: `/kubepods/pod${podUid}/${containerId}` },
		'no unit': { _SYSTEMD_UNIT: undefined },
		'by syslog': { _TRANSPORT: 'syslog' },
		'by standard output': { _TRANSPORT: 'stdout' },
		'by /dev/kmsg': { _TRANSPORT: 'kernel', SYSLOG_FACILITY: '1' },
		'by the kernel': { _TRANSPORT: 'kernel', SYSLOG_FACILITY: '0' },
		'by pid 1': { _PID: '1', _UID: '0' },
		'nobody can tell': { _EXE: undefined, _COMM: undefined, _SYSTEMD_UNIT: undefined },
		'a unit twice': { _SYSTEMD_UNIT: ['systemd-coredump@1-2-0.service', 'ssh.service'] },
	};

	test.each(Object.entries(forged))('%s', (_name, fields) => {
		expect(parsed({ ...entry, ...fields })).toMatchObject({ is: 'disbelieved', why: expect.stringMatching(/^it was written by /) });
	});

	test('who wrote it is told, printably', () => {
		expect(parsed({ ...entry, _EXE: '/tmp/\u001b[31m', _PID: '12', _UID: '1000', _SYSTEMD_UNIT: 'ssh.service' })).toMatchObject({
			why: 'it was written by /tmp/\\x1b[31m (pid 12, uid 1000, ssh.service)',
		});
		expect(parsed({ ...entry, _EXE: undefined, _COMM: undefined, _SYSTEMD_UNIT: undefined, _PID: '7', _UID: '5' })).toMatchObject({
			why: 'it was written by a process that journald could not see any more (pid 7, uid 5)',
		});
	});

	test('an entry of its own without what names the crash is none', () => {
		for (const name of ['COREDUMP_PID', 'COREDUMP_TIMESTAMP', 'COREDUMP_SIGNAL'])
			for (const value of [undefined, null, '-1', 'x', '1'.repeat(20), ['1', '2']])
				expect(parsed({ ...entry, [name]: value })?.is).toBe('disbelieved');
	});

	test('systemd-coredump that has ended before journald looked is believed by its unit', () => {
		expect(parsed({ ...entry, _EXE: undefined, _CMDLINE: undefined })?.is).toBe('coredump');
	});

	test('its notes are believed from the same sources only', () => {
		const strangers: readonly Entry[] = [
			{ _EXE: '/usr/bin/logger' },
			{ _TRANSPORT: 'syslog' },
			{ _TRANSPORT: 'stdout' },
			{ _SYSTEMD_UNIT: 'ssh.service' },
		];
		for (const [version, name] of [
			['systemd-252', 'note-core-will-not-be-stored'],
			['systemd-252', 'note-no-coredump-service'],
			['systemd-257', 'note-removed-old-coredump'],
		] as const)
			for (const fields of strangers) expect(parsed({ ...genuineEntry(version, name), ...fields })?.is, name).toBe('other');
		for (const fields of [{ _PID: '2' }, { _UID: '1000' }, { _TRANSPORT: 'syslog' }, { UNIT: 'other.socket' }])
			expect(parsed({ ...genuineEntry('systemd-257', 'note-too-many-connections'), ...fields })?.is).toBe('other');
		for (const fields of [{ _TRANSPORT: 'journal' }, { _TRANSPORT: 'syslog' }, { SYSLOG_FACILITY: '1' }, { SYSLOG_FACILITY: undefined }])
			expect(parsed({ ...genuineEntry('systemd-257', 'kernel-over-core-pipe-limit'), ...fields })?.is).toBe('other');
		const inContainer = { _SYSTEMD_CGROUP: `/kubepods/pod${podUid}/${containerId}` };
		expect(parsed({ ...genuineEntry('systemd-252', 'note-no-coredump-service'), ...inContainer })?.is).toBe('other');
	});
});

describe('notes', () => {
	test('genuine ones', () => {
		expect(notes('systemd-252', 'kernel-over-core-pipe-limit')).toEqual([
			{ is: 'over core_pipe_limit', pid: 824, name: 'crash' },
			{ is: 'over core_pipe_limit', pid: 819, name: 'crash' },
		]);
		expect(notes('systemd-257', 'kernel-over-core-pipe-limit')).toEqual([
			{ is: 'over core_pipe_limit', pid: 2092, name: 'crash' },
			{ is: 'over core_pipe_limit', pid: 2110, name: 'crash' },
		]);
		expect(notes('systemd-257', 'kernel-segfault')).toEqual([
			{ is: 'fault', hostThreadId: 2066, name: 'crash', text: expect.stringMatching(/^crash\[2066\]: segfault at dead000 ip /) },
		]);
		expect(notes('systemd-252', 'note-core-will-not-be-stored')).toEqual([
			{ is: 'too large', handler: coredump('systemd-252', 'pod-over-external-size-max').handler, sizeBytes: 15_407, mostBytes: 8192 },
		]);
		expect(notes('systemd-252', 'note-no-coredump-service')).toEqual([
			{
				is: 'no coredump service',
				error: 'Connection refused',
				crash: { hostPid: 796, uid: 0, signal: 11, timeMs: 1_795_420_917_000, hostname: 'benchnode' },
			},
		]);
		expect(notes('systemd-257', 'note-no-coredump-service')).toMatchObject([
			{ crash: { hostPid: 2066, signal: 11, timeMs: 1_795_420_677_000 } },
		]);
		expect(notes('systemd-257', 'note-too-many-connections')).toEqual([{ is: 'too many connections', connections: 9, uid: 0 }]);
		for (const version of versions)
			expect(notes(version, 'note-removed-old-coredump')).toEqual([
				{ is: 'removed', file: expect.stringMatching(/^core\.crash\.0\.[0-9a-f]{32}\.\d+\.\d+\.zst$/) },
			]);
	});

	const said = (entry: Entry, MESSAGE: string, fields: Entry = {}) => note(parsed({ ...entry, MESSAGE, ...fields }));

	test('other wordings of the kernel', () => {
		const kernel = genuineEntry('systemd-252', 'kernel-segfault');
		const known: readonly (readonly [string, Note])[] = [
			[
				'traps: milvus[509] trap divide error ip:55d0 sp:7ffe error:0 in milvus[55d0+1000]',
				{ is: 'fault', hostThreadId: 509, name: 'milvus', text: expect.any(String) },
			],
			[
				'traps: milvus[454] general protection fault ip:7f sp:7f error:0 in libc.so.6[7f+1]',
				{ is: 'fault', hostThreadId: 454, name: 'milvus', text: expect.any(String) },
			],
			[
				'milvus[7]: unhandled level 2 translation fault (11) at 0x00000000, esr 0x92000046',
				{ is: 'fault', hostThreadId: 7, name: 'milvus', text: expect.any(String) },
			],
			[
				'my prog.v1[619]: segfault at 0 ip 1 sp 2 error 6',
				{ is: 'fault', hostThreadId: 619, name: 'my prog.v1', text: expect.any(String) },
			],
			['Core dump to |/usr/lib/x pipe failed', { is: 'handler not started', program: '/usr/lib/x' }],
			['coredump: 12(a b): |/usr/lib/x pipe failed', { is: 'handler not started', program: '/usr/lib/x', pid: 12, name: 'a b' }],
			['Pid 1(1(x) over core_p) over core_pipe_limit', { is: 'over core_pipe_limit', pid: 1, name: '1(x) over core_p' }],
		];
		for (const [message, expected] of known) expect(said(kernel, message), message).toEqual(expected);
		for (const message of [
			'Skipping core dump',
			'Pid x(y) over core_pipe_limit',
			'x: Pid 1(y) over core_pipe_limit',
			'cni0: port 3 entered blocking state',
			'',
		])
			expect(said(kernel, message), message).toBe('other');
	});

	test('other wordings of systemd-coredump', () => {
		const service = genuineEntry('systemd-252', 'note-core-will-not-be-stored');
		const handler = 'systemd-coredump@10-670-0.service';
		const known: readonly (readonly [string, Note])[] = [
			['Resource limits disable core dumping for process 12 (a) (b).', { is: 'core limit', handler, hostPid: 12, name: 'a) (b' }],
			['Cannot store coredump of 12 (milvus): No space left on device', { is: 'not written', handler, error: 'No space left on device' }],
			[
				'Failed to create temporary file for coredump /var/lib/systemd/coredump/core.a.0.b.1.2: Read-only file system',
				{ is: 'not written', handler, error: 'Read-only file system' },
			],
			['Failed to move coredump /var/lib/x into place: Input/output error', { is: 'not written', handler, error: 'Input/output error' }],
			['Core file was truncated to 2147483648 bytes.', { is: 'cut', handler, sizeBytes: 2_147_483_648 }],
		];
		for (const [message, expected] of known) expect(said(service, message), message).toEqual(expected);
		const atKernel = genuineEntry('systemd-257', 'note-no-coredump-service');
		expect(said(atKernel, 'Process 2066 (a (b)) of user 1000 terminated abnormally with signal 6/ABRT, processing...')).toEqual({
			is: 'crash seen',
			crash: { hostPid: 2066, name: 'a (b)', uid: 0, signal: 6, timeMs: 1_795_420_677_000, hostname: 'benchnode' },
		});
		expect(
			said(atKernel, 'Process 5 (a) of user 0 terminated abnormally with signal 6/ABRT, processing...', { _CMDLINE: undefined }),
		).toEqual({
			is: 'crash seen',
			crash: { hostPid: 5, name: 'a', signal: 6 },
		});
	});

	test('other wordings of systemd', () => {
		const manager = genuineEntry('systemd-257', 'note-too-many-connections');
		expect(said(manager, 'systemd-coredump.socket: Too many incoming connections (16), dropping connection.')).toEqual({
			is: 'too many connections',
			connections: 16,
		});
		const unit = 'systemd-coredump@3-1689_7182-0.service';
		expect(said(manager, `${unit}: Failed with result 'timeout'.`, { UNIT: unit, UNIT_RESULT: 'timeout' })).toEqual({
			is: 'service failed',
			handler: unit,
			result: 'timeout',
		});
		expect(said(manager, `${unit}: Failed with result 'oom-kill'.`, { UNIT: unit })).toMatchObject({ result: 'oom-kill' });
		expect(said(manager, "ssh.service: Failed with result 'timeout'.", { UNIT: 'ssh.service', UNIT_RESULT: 'timeout' })).toBe('other');
	});
});

describe('what to change on the node', () => {
	const handler = 'systemd-coredump@10-670-0.service';
	const lost: readonly Note[] = [
		{ is: 'over core_pipe_limit', pid: 1, name: 'milvus' },
		{ is: 'handler not started', program: '/usr/lib/systemd/\u001bsystemd-coredump' },
		{ is: 'no coredump service', error: 'Connection refused' },
		{ is: 'too many connections', connections: 9, uid: 0 },
		{ is: 'service failed', handler, result: 'timeout' },
		{ is: 'service failed', handler, result: 'oom-kill' },
		{ is: 'service failed', handler, result: 'signal' },
		{ is: 'too large', handler, sizeBytes: 3e9, mostBytes: 2e9 },
		{ is: 'core limit', handler, hostPid: 1, name: 'milvus' },
		{ is: 'not written', handler, error: 'No space left on device' },
		{ is: 'cut', handler, sizeBytes: 2e9 },
		{ is: 'removed', file: 'core.milvus.0.b.1.2.zst' },
	];

	test('for each kind of lost core', async () => {
		const lines = [
			...lost.map((one) => adviceFor(one, { corePipeLimit: 16 })),
			...([{ is: 'file', name: 'a', isTruncated: true }, { is: 'in journald', isTruncated: false }, { is: 'not stored' }] as const).map(
				(core) => lossOf({ core }),
			),
		].map((loss) => `${loss?.words}\n\t${loss?.advice}\n`);
		await expect(lines.join('')).toMatchFileSnapshot('../fixtures/journal/advice.txt');
		for (const line of lines) expect(line).toMatch(/^[\P{Cc}]+\n\t[\P{Cc}]+\n$/u);
	});

	test('none where nothing is lost', () => {
		expect(adviceFor({ is: 'crash seen', crash: { hostPid: 1 } })).toBeUndefined();
		expect(adviceFor({ is: 'fault', hostThreadId: 1, name: 'a', text: 'a' })).toBeUndefined();
		expect(lossOf({ core: { is: 'file', name: 'a', isTruncated: false } })).toBeUndefined();
		expect(adviceFor({ is: 'over core_pipe_limit', pid: 1, name: 'milvus' })?.advice).toBe(
			'raise kernel.core_pipe_limit (sysctl) above the number of processes that crash at once',
		);
	});
});

describe('anything at all', () => {
	test('what is no entry is none', () => {
		for (const line of [
			'',
			'{',
			'[]',
			'null',
			'1',
			'"x"',
			'{}',
			'{"__CURSOR":1}',
			'{"__CURSOR":"s=1"}',
			'{"__proto__":{"__CURSOR":"x"}}',
			'-- No entries --',
		])
			expect(parseEntry(line), line).toBeUndefined();
	});

	test('cursors of the wrong shape are none', () => {
		const cursor =
			's=3fcb387288ed444da445346550b1634f;i=22c;b=3a370f5b76c84d819f904db94345159d;m=185d11b;t=660ecfffa678b;x=c0bc859ddc8be9fa';
		expect(parseCursor(cursor)).toEqual({
			timeMs: 1_795_420_883_412,
			bootId: '3a370f5b76c84d819f904db94345159d',
			identity: 'b=3a370f5b76c84d819f904db94345159d;m=185d11b;t=660ecfffa678b;x=c0bc859ddc8be9fa',
		});
		for (const other of [
			'',
			'nonsense',
			cursor.slice(1),
			`${cursor};`,
			`${cursor}\n`,
			cursor.replace('i=22c', 'i='),
			cursor.replace('m=', 'm=-'),
		])
			expect(parseCursor(other), other).toBeUndefined();
	});

	test('damaged entries and random values are never thrown on', () => {
		let seed = 1;
		const random = (below: number) => {
			seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
			return Math.floor((seed / 2_147_483_648) * below);
		};
		const values = () =>
			[
				null,
				1,
				-1,
				true,
				'',
				'x',
				'0',
				'9'.repeat(random(40)),
				[],
				[300],
				[0, 255],
				['a', 'b'],
				{},
				'\ud800',
				'\n',
				'('.repeat(600),
				`${'a('.repeat(300)}over`,
			][random(17)];
		const lines = versions.flatMap((version) =>
			['pod-burstable-thread-segv', 'note-no-coredump-service', 'note-removed-old-coredump', 'kernel-over-core-pipe-limit'].map(
				(name) => genuine(version, name)[0] ?? '',
			),
		);
		for (let round = 0; round < 3000; round++) {
			const line = lines[random(lines.length)] ?? '';
			const bytes = Buffer.from(line);
			for (let count = random(4); count >= 0; count--) bytes[random(bytes.length)] = random(256);
			parseEntry(bytes.toString('latin1').slice(0, random(2) === 0 ? undefined : random(bytes.length)));
			const entry: Record<string, unknown> = { ...(JSON.parse(line) as Entry) };
			const keys = Object.keys(entry);
			for (let count = random(5); count >= 0; count--) entry[keys[random(keys.length)] ?? ''] = values();
			const result = parsed(entry);
			if (result !== undefined) expect(['coredump', 'note', 'disbelieved', 'other']).toContain(result.is);
			if (result?.is === 'note') adviceFor(result.note);
		}
	});
});
