import { copyFileSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coredumpAttributes } from '../../src/drivers/attributes/attributes.ts';
import { readPass } from '../../src/readers/corefile/corefile.ts';
import { originOf, problemCore, readOrigin } from '../../src/readers/corename/corename.ts';
import { coreDestination } from '../../src/readers/corepattern/corepattern.ts';
import { problemDirectory, problemFiles } from '../support/abrt.ts';
import { analyseCore } from '../support/analysis.ts';
import { apportReport } from '../support/apport.ts';
import { crash, crashTest, exec, program, root, temporaryFolder } from '../support/crash.ts';

const bootId = '3a370f5b76c84d819f904db94345159d';
const fixtures = join(root, 'test/fixtures/cores/systemd-252');

describe('systemd-coredump', () => {
	test('names tell process, boot, pid and time', () => {
		expect(originOf(`core.milvus.0.${bootId}.425.1795420882000000.zst`)).toEqual({
			producer: 'systemd-coredump',
			name: 'milvus',
			bootId,
			hostPid: 425,
			timeMs: 1_795_420_882_000,
		});
		for (const end of ['', '.zst', '.lz4', '.xz', '.gz'])
			expect(originOf(`core.a.b.1000.${bootId}.1.1795420882000000${end}`)).toMatchObject({ name: 'a.b', hostPid: 1 });
	});

	test('escapes are undone, also those of bytes that are no text', () => {
		const nameOf = (escaped: string) => originOf(`core.${escaped}.0.${bootId}.1.1795420882000000.zst`).name;
		expect(['my\\x20prog\\x2ev1', '\\xe6\\xa0\\xb8', '\\xff', 'a\\x2fb', '\\x5cx20', 'plain-1_2'].map(nameOf)).toEqual([
			'my prog.v1',
			'核',
			'\udcff',
			'a/b',
			'\\x20',
			'plain-1_2',
		]);
	});

	test('genuine files with their attributes say where and why', async () => {
		await using folder = await temporaryFolder();
		for (const name of readdirSync(fixtures)) copyFileSync(join(fixtures, name), join(folder.path, name));
		const cores = readdirSync(folder.path).filter((name) => name.endsWith('.zst'));
		for (const name of cores) await exec('setfattr', [`--restore=${name}.xattr`], { cwd: folder.path });
		const origins = await Promise.all(cores.map(async (name) => originOf(name, await coredumpAttributes(join(folder.path, name)))));
		expect(origins).toEqual([
			{
				producer: 'systemd-coredump',
				name: 'milvus',
				executable: '/milvus/bin/milvus',
				bootId,
				hostPid: 425,
				hostname: 'my-release-milvus-querynode-7d9f6c5b8-x2k4p',
				signal: 11,
				timeMs: 1_795_420_882_000,
			},
			{
				producer: 'systemd-coredump',
				name: 'my prog.v1',
				executable: '/usr/local/bin/my prog.v1',
				bootId,
				hostPid: 619,
				hostname: 'benchnode',
				signal: 11,
				timeMs: 1_795_420_900_000,
			},
		]);
		const [core = ''] = cores;
		const report = await analyseCore(join(folder.path, core));
		expect(report).toMatchObject({
			complete: 'yes',
			time: '2026-11-23T08:01:22.000Z',
			process: { pid: 1, hostPid: 425, name: 'milvus', executable: '/milvus/bin/milvus', arguments: '/milvus/bin/milvus thread' },
			association: { host: 'my-release-milvus-querynode-7d9f6c5b8-x2k4p' },
			signal: { name: 'SIGSEGV', codeName: 'SEGV_MAPERR', address: '0xdead000' },
		});
		expect(report.threads).toHaveLength(2);
	});

	test('a copy under another name keeps what its attributes say', async () => {
		await using folder = await temporaryFolder();
		const attributes = {
			comm: 'milvus',
			exe: '/milvus/bin/milvus',
			pid: '425',
			signal: '11',
			timestamp: '1795420882000000',
			hostname: 'pod-1',
		};
		writeFileSync(join(folder.path, 'copy'), '');
		for (const [name, value] of Object.entries(attributes))
			await exec('setfattr', ['-n', `user.coredump.${name}`, '-v', value, join(folder.path, 'copy')]);
		expect(originOf('copy', await coredumpAttributes(join(folder.path, 'copy')))).toEqual({
			producer: 'systemd-coredump',
			name: 'milvus',
			executable: '/milvus/bin/milvus',
			hostPid: 425,
			hostname: 'pod-1',
			signal: 11,
			timeMs: 1_795_420_882_000,
		});
	});

	test('a file without attributes has none, and nonsense in them is not there', async () => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, 'core -d\n');
		writeFileSync(path, '');
		expect(await coredumpAttributes(path)).toEqual({});
		expect(originOf('x', { timestamp: 'yesterday', pid: '-1', signal: '1e99' })).toEqual({ producer: 'systemd-coredump' });
		expect(originOf(`core.x.0.${bootId}.99999999999999999999.99999999999999999999999.zst`)).toEqual({
			producer: 'systemd-coredump',
			name: 'x',
			bootId,
		});
	});
});

describe('the kernel', () => {
	/** A core under a pattern that this machine has for the moment of the crash. */
	const named = async (pattern: string) => {
		await using crashed = await crash(await program('faults.c'), ['fifty'], { pattern });
		const origin = originOf(basename(crashed.core), {}, pattern);
		return { origin, name: basename(crashed.core), core: await readPass(crashed.core) };
	};
	const rootTest = process.getuid?.() === 0 ? crashTest : crashTest.skip;

	for (const pattern of ['core.%e.%p.%h.%t', 'core-%e-%s-%u-%g-%p-%t', '%h.%P.%s.%t.%E.core', 'core.%e.%p', 'dump%%.%I.%d.%e']) {
		rootTest(`names by ${pattern} are read back`, async () => {
			const { origin, core } = await named(pattern);
			const has = (letter: string) => new RegExp(`(?<!%)%${letter}`).test(pattern);
			expect(origin.producer).toBe('kernel');
			if (has('e')) expect(origin.name).toBe('worker-7'); // of the thread that crashed
			if (has('P')) expect(origin.hostPid).toBe(core.process?.pid);
			if (has('s')) expect(origin.signal).toBe(11);
			if (has('h')) expect(origin.hostname).toBe((await exec('hostname', [])).stdout.trim());
			if (has('t')) expect(Math.abs((origin.timeMs ?? 0) - Date.now())).toBeLessThan(60_000);
			if (has('E')) expect(origin.executable).toBe(await program('faults.c'));
		});
	}

	test('common patterns are known without being told', () => {
		expect(originOf('core')).toEqual({ producer: 'kernel' });
		expect(originOf('core.4711')).toEqual({ producer: 'kernel' });
		expect(originOf('core.milvus.4711.my-host.example.1795420882')).toMatchObject({
			name: 'milvus',
			hostname: 'my-host.example',
			timeMs: 1_795_420_882_000,
		});
		expect(originOf('core-milvus-11-0-0-4711-1795420882.zst')).toMatchObject({ name: 'milvus', signal: 11, timeMs: 1_795_420_882_000 });
		expect(originOf('core.a.b.c.4711')).toMatchObject({ name: 'a.b.c' });
		expect(originOf('something else')).toEqual({ producer: 'unknown' });
	});

	test('a pattern of odd characters harms nobody', () => {
		expect(originOf('a(b.7', {}, 'a(b.%p')).toEqual({ producer: 'kernel' });
		expect(originOf('x', {}, '%')).toEqual({ producer: 'unknown' });
		expect(originOf('', {}, '')).toEqual({ producer: 'kernel' });
	});
});

describe('abrt', () => {
	const original = { producer: 'abrt', name: 'milvus', executable: '/milvus/bin/milvus', arguments: '/milvus/bin/milvus run querynode' };

	test('tells by the files beside the core', async () => {
		await using folder = await temporaryFolder();
		const path = problemDirectory(join(folder.path, 'ccpp-1'), (core) => writeFileSync(`${core}.xz`, ''));
		expect(await problemCore(path)).toBe(join(path, 'coredump.xz'));
		const told = { ...original, hostPid: 28622, hostname: 'node-1.example.org', signal: 11, timeMs: 1_795_420_882_000 };
		expect(await readOrigin(join(path, 'coredump.xz'))).toEqual(told);
	});

	test('in files that are forged: only their start is read, links are not followed, nonsense is not there', async () => {
		await using folder = await temporaryFolder();
		const files = { ...problemFiles, time: 'yesterday', pid: '-1', global_pid: '1e9', reason: `signal ${'9'.repeat(100)}` };
		const path = problemDirectory(join(folder.path, 'ccpp-1'), (core) => writeFileSync(core, ''), files);
		rmSync(join(path, 'hostname'));
		symlinkSync('/etc/hostname', join(path, 'hostname'));
		writeFileSync(join(path, 'cmdline'), 'x'.repeat(10_000_000));
		rmSync(join(path, 'executable'));
		await exec('mkfifo', [join(path, 'executable')]);
		expect(await readOrigin(join(path, 'coredump'))).toEqual({ producer: 'abrt', arguments: 'x'.repeat(16 * 1024) });
	});

	test('only where its mark is: a core of this name elsewhere is like any other', async () => {
		await using folder = await temporaryFolder();
		writeFileSync(join(folder.path, 'coredump'), '');
		expect(await readOrigin(join(folder.path, 'coredump'))).toEqual({ producer: 'unknown' });
		expect(await problemCore(folder.path)).toBeUndefined();
	});
});

describe('apport', () => {
	const readReport = async (fields: Readonly<Record<string, string>>) => {
		await using folder = await temporaryFolder();
		const path = join(folder.path, '_milvus_bin_milvus.0.crash');
		writeFileSync(path, await apportReport(fields, Buffer.from('core')));
		return readOrigin(path);
	};

	test('tells by the fields around the core', async () => {
		const fields = {
			Date: 'Mon Nov  2 08:01:22 2026',
			ExecutablePath: '/milvus/bin/milvus',
			ProcCmdline: '/milvus/bin/milvus run querynode',
			ProcEnviron: 'LANG=C\nPASSWORD=hunter2',
			ProcStatus: 'Name:\tmilvus\nTgid:\t1\nPid:\t28622\nPPid:\t3',
			Signal: '11',
			Uname: 'Linux 6.1.0',
		};
		expect(await readReport(fields)).toEqual({
			producer: 'apport',
			name: 'milvus',
			executable: '/milvus/bin/milvus',
			arguments: '/milvus/bin/milvus run querynode',
			hostPid: 28622,
			signal: 11,
			timeMs: new Date(2026, 10, 2, 8, 1, 22).getTime(),
		});
	});

	test('nonsense in the fields is not there', async () => {
		expect(await readReport({})).toEqual({ producer: 'apport' });
		const nonsense = {
			Date: 'Xxx Xxx 99 99:99:99 9999',
			ProcStatus: 'Pid:\t-3',
			Signal: 'SIGSEGV',
			Package: `x\n${'y'.repeat(3_000_000)}`,
		};
		expect(await readReport(nonsense)).toEqual({ producer: 'apport' });
	});
});

describe('kernel.core_pattern', () => {
	test('says where cores go', () => {
		const destinations: readonly (readonly [pattern: string, destination: unknown])[] = [
			['core', { is: 'working directory' }],
			['cores/%e', { is: 'working directory' }],
			['/var/crash/core.%e.%p', { is: 'folder', path: '/var/crash' }],
			['/cores/%h/core', { is: 'folders', path: '/cores' }],
			['/cores/c-%e/%p/core.%p', { is: 'folders', path: '/cores' }],
			['@/run/x.sock', { is: 'socket', path: '/run/x.sock' }],
			['@@/run/x.sock', { is: 'socket', path: '/run/x.sock' }],
			['/core', { is: 'folder', path: '/' }],
			['|/lib/systemd/systemd-coredump %P %u', { is: 'systemd-coredump', path: '/var/lib/systemd/coredump' }],
			['|/usr/share/apport/apport -p%p', { is: 'program', program: '/usr/share/apport/apport' }],
			['| /bin/handler', { is: 'program', program: '/bin/handler' }],
			['', { is: 'nowhere' }],
		];
		for (const [pattern, destination] of destinations) expect([pattern, coreDestination(pattern)]).toEqual([pattern, destination]);
		expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).not.toBe('');
	});
});
