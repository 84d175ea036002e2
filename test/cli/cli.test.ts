import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileProblem } from '../../src/cli/errors.ts';
import type { Event } from '../../src/domain/events.ts';
import { crashReport } from '../../src/domain/report.ts';
import { Journal } from '../../src/journal/journal.ts';
import { bin, type CliResult, cli } from '../support/cli.ts';
import { commands } from '../support/commands.ts';
import {
	canSetPattern,
	crash,
	crashTest,
	exec,
	keepCorePattern,
	program,
	root,
	setCorePattern,
	temporaryFolder,
	withoutRights,
} from '../support/crash.ts';
import { events } from '../support/events.ts';

describe('help', () => {
	test('the program names its commands', async () => {
		const { stdout, code } = await cli(['--help']);
		expect(code).toBe(0);
		const told = [...stdout.matchAll(/^ {2}([a-z-]+)[ [<]/gm)].map(([, name = '']) => name);
		expect(told).toEqual([...commands, 'help']);
	});

	test.each(commands)('%s explains itself', async (command) => {
		expect(await cli([command, '--help'])).toMatchObject({
			code: 0,
			stderr: '',
			stdout: expect.stringMatching(/^Usage: milvus-coredump-agent /),
		});
	});

	test('the version is that of the package', async () => {
		const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
		expect(await cli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
	});
});

describe('a mistake of the user is one clear line, and exit code 2', () => {
	const mistakes: readonly (readonly [args: readonly string[], message: RegExp])[] = [
		[['anlyze'], /^milvus-coredump-agent: unknown command 'anlyze' \(Did you mean analyze\?\); see milvus-coredump-agent --help$/],
		[
			['analyze', '--jsn', 'x'],
			/^milvus-coredump-agent: unknown option '--jsn' \(Did you mean --json\?\); see milvus-coredump-agent analyze --help$/,
		],
		[['analyze'], /^milvus-coredump-agent: missing required argument 'file'; see milvus-coredump-agent analyze --help$/],
		[['analyze', '/nowhere/core'], /^milvus-coredump-agent: \/nowhere\/core: there is no such file$/],
		[['analyze', '/'], /^milvus-coredump-agent: \/: is a directory, and none of abrt with a coredump in it$/],
		[['analyze', '/dev/null'], /^milvus-coredump-agent: \/dev\/null: is not a regular file$/],
		[['analyze', '/bin/sh'], /^milvus-coredump-agent: \/bin\/sh: is an executable or a library, not a core dump \(at byte 16\)$/],
		[['analyze', '/etc/passwd'], /^milvus-coredump-agent: \/etc\/passwd is no core dump, and as a log it tells of no crash$/],
		[['analyze', `/${'x'.repeat(300)}`], /: the name is too long$/],
		[
			['crash-test', 'hang'],
			/^milvus-coredump-agent: command-argument value 'hang' is invalid for argument 'kind'\. Allowed choices are segv, abort, fpe; see milvus-coredump-agent crash-test --help$/,
		],
		[
			['list', '-n', 'many'],
			/^milvus-coredump-agent: option '-n, --number <count>' argument 'many' is invalid\. It must be a whole number above 0; see milvus-coredump-agent list --help$/,
		],
		[
			['list'],
			/^milvus-coredump-agent: there is no journal \/proc\/nonexistent\/.*: no agent has run with this configuration yet; if one runs with another, give its --config, or its XDG_STATE_HOME$/,
		],
		[
			['config', 'chek'],
			/^milvus-coredump-agent: unknown command 'chek' \(Did you mean check\?\); see milvus-coredump-agent config --help$/,
		],
		[
			['gdb', 'abc', '-batch'],
			/^milvus-coredump-agent: unknown option '-batch'; what is for gdb goes after --; see milvus-coredump-agent gdb --help$/,
		],
		[['show', 'abc'], /^milvus-coredump-agent: there is no journal/],
		[['gdb', 'no-such-id'], /^milvus-coredump-agent: there is no journal/],
		[['gdb', './no-such-file'], /^milvus-coredump-agent: .*no-such-file: there is no such file$/],
		[['config', 'check', '/nowhere.yaml'], /^milvus-coredump-agent: the configuration \/nowhere\.yaml: there is no such file$/],
		[['config', 'check', ''], /^milvus-coredump-agent: the name of the configuration is empty$/],
		[['list', '--config', ''], /^milvus-coredump-agent: the name of the configuration is empty$/],
		[['config', 'check', '/'], /: is a directory$/],
		[['config', 'check', '/dev/zero'], /: is not a regular file$/],
		[['agent', '--config', '/nowhere.yaml'], /^milvus-coredump-agent: the configuration \/nowhere\.yaml: there is no such file$/],
		[
			['agent', '--log-format', 'xml'],
			/^milvus-coredump-agent: option '--log-format <format>' argument 'xml' is invalid\. Allowed choices are json, text; see milvus-coredump-agent agent --help$/,
		],
	];
	for (const [args, message] of mistakes) {
		test(args.join(' ').slice(0, 60), async () => {
			const { code, stdout, stderr } = await cli(args);
			expect(stderr.trim()).toMatch(message);
			expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
			expect(stderr).not.toMatch(/^\s+at /m);
		});
	}

	crashTest('an executable or a root file system that can not be one', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const [empty, text] = [join(crashed.folder, 'empty'), join(crashed.folder, 'text')];
		writeFileSync(empty, '');
		writeFileSync(text, 'no ELF');
		for (const [option, path, problem] of [
			['--exe', '/nowhere/milvus', 'there is no such file'],
			['--exe', '', 'there is no such file'],
			['--exe', '/', 'is a directory; expected the executable'],
			['--exe', empty, 'is not a 64-bit ELF executable'],
			['--exe', text, 'is not a 64-bit ELF executable'],
			['--exe', '/dev/null', 'is not a 64-bit ELF executable'],
			['--sysroot', '/nowhere', 'there is no such file'],
			['--sysroot', text, 'is not a directory'],
		] as const) {
			for (const command of ['analyze', 'gdb'])
				expect(await cli([command, option, path, crashed.core])).toEqual({
					code: 2,
					stdout: '',
					stderr: `milvus-coredump-agent: ${option} ${path}: ${problem}\n`,
				});
		}
	});

	test('a journal that can not be made', async () => {
		await using folder = await temporaryFolder();
		writeFileSync(join(folder.path, 'file'), '');
		writeFileSync(join(folder.path, 'c.yaml'), `journal: { path: ${folder.path}/file/journal.db }\n`);
		const { code, stderr } = await cli(['agent', '--config', join(folder.path, 'c.yaml')]);
		expect(code).toBe(2);
		expect(stderr).toMatch(/^milvus-coredump-agent: the folder of the journal .* can't be made: .*; set journal\.path$/m);
	});
});

describe('analyze', () => {
	crashTest('prints the whole report as JSON in its published shape', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { code, stdout, stderr } = await cli(['analyze', '--json', crashed.core]);
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		const report = crashReport.parse(JSON.parse(stdout));
		expect(report).toMatchObject({
			schemaVersion: 1,
			status: 'analysed',
			culprit: { function: 'write_null' },
			signal: { name: 'SIGSEGV', address: '0x10' },
		});
	});

	crashTest('prints a report for a person', async () => {
		await using crashed = await crash(await program('faults.c'), ['assert']);
		const { stdout } = await cli(['analyze', crashed.core]);
		expect(stdout.split('\n')[0]).toMatch(/^SIGABRT \(failed assertion\) in fail_assert \(faults\.c:\d+\)$/);
		expect(stdout).toContain('SIGABRT: failed assertion: rows == 7');
	});

	crashTest('knows issues of one’s own, and tells the line of a mistake in them', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const file = join(crashed.folder, 'own.yaml');
		const analyzed = () => cli(['analyze', '--json', '--known-issues', file, crashed.core]);
		const entry = { id: 'own', cause: 'code', symptom: 'it crashes', advice: 'mend it', cleanup: 'neutral', confidence: 'high' };
		writeFileSync(file, JSON.stringify({ version: 1, issues: [{ ...entry, match: { frames: ['write_null'] } }] })); // JSON is YAML
		expect(JSON.parse((await analyzed()).stdout).knownIssues).toMatchObject([{ id: 'own', match: 1 }]);
		writeFileSync(file, 'version: 1\nissues:\n  - id: Own\n');
		expect(await analyzed()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^\S*own\.yaml:3: /) });
	});

	crashTest('does without gdb on demand', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { stdout } = await cli(['analyze', '--json', '--no-gdb', crashed.core]);
		expect(crashReport.parse(JSON.parse(stdout))).toMatchObject({
			stack: 'agent',
			notes: [],
			culprit: { function: 'write_null' },
			signal: { address: '0x10' },
		});
	});

	crashTest('takes the executable and the root file system that are given', async () => {
		await using folder = await temporaryFolder();
		const copy = join(folder.path, 'faults');
		copyFileSync(await program('faults.c'), copy);
		await using crashed = await crash(copy, ['null']);
		rmSync(copy);
		expect(JSON.parse((await cli(['analyze', '--json', crashed.core])).stdout).culprit.function).toBeUndefined();
		const given = await cli(['analyze', '--json', '--exe', await program('faults.c'), crashed.core]);
		expect(JSON.parse(given.stdout).culprit.function).toBe('write_null');
		const other = await program('throws.cc');
		const note = `${other} was not used: it is another build than the one that crashed`;
		const { notes } = JSON.parse((await cli(['analyze', '--json', '--exe', other, crashed.core])).stdout);
		expect(notes).toContain(note);
		expect(notes.join()).toContain(`${copy} is not here`);
		expect((await cli(['gdb', '--exe', other, crashed.core, '--', '-batch'])).stderr).toContain(`${note}\n`);
	});

	crashTest('reads files of odd names, links, and what is left of a cut one', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const odd = join(crashed.folder, '-core with "quotes", \n and \\x20.core');
		copyFileSync(crashed.core, odd);
		symlinkSync(odd, join(crashed.folder, 'link'));
		expect(JSON.parse((await cli(['analyze', '--json', odd])).stdout).culprit.function).toBe('write_null');
		expect(
			JSON.parse((await cli(['analyze', '--json', '--', '-core with "quotes", \n and \\x20.core'], { cwd: crashed.folder })).stdout).culprit
				.function,
		).toBe('write_null');
		expect(JSON.parse((await cli(['analyze', '--json', join(crashed.folder, 'link')])).stdout).culprit.function).toBe('write_null');
		truncateSync(odd, 6000);
		expect(JSON.parse((await cli(['analyze', '--json', odd])).stdout)).toMatchObject({
			complete: 'truncated',
			signal: { address: '0x10' },
		});
	});

	crashTest('output that can not be written is told in one line', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { stderr } = await exec('bash', ['-c', '"$0" analyze --no-gdb "$1" >/dev/full; echo "code $?" >&2', bin, crashed.core]);
		expect(stderr).toBe("milvus-coredump-agent: can't write the output: ENOSPC: no space left on device, write\ncode 1\n");
	});

	test('a socket, and a file whose disk fails, are told in words', async () => {
		await using folder = await temporaryFolder();
		const server = createServer().listen(join(folder.path, 'socket'));
		await once(server, 'listening');
		expect((await cli(['analyze', join(folder.path, 'socket')])).stderr).toBe(
			`milvus-coredump-agent: ${folder.path}/socket: is not a regular file\n`,
		);
		server.close();
		// Reading address 0 of a process fails as a damaged disk does.
		expect((await cli(['analyze', '/proc/self/mem'])).stderr).toBe(
			"milvus-coredump-agent: /proc/self/mem: can't be read: EIO: i/o error, read\n",
		);
	});

	crashTest('a file that may not be read is told so', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		chmodSync(crashed.core, 0o000);
		const { stderr, code } = await cliWithoutRights(['analyze', crashed.core]);
		expect({ stderr, code }).toEqual({
			stderr: `milvus-coredump-agent: ${crashed.core}: no permission to read it (try as root)\n`,
			code: 2,
		});
	});
});

describe('what is interrupted while it unpacks leaves nothing behind', () => {
	crashTest(
		'analyze and gdb, by each signal, with its exit code',
		async () => {
			await using crashed = await crash(await program('faults.c'), ['null'], { environment: { FILL_MB: '200' } });
			await exec('gzip', ['-1', crashed.core]);
			await using temporary = await temporaryFolder();
			const env = { PATH: process.env.PATH, TMPDIR: temporary.path };
			const found = async (...which: readonly string[]) => (await exec('find', [temporary.path, ...which])).stdout;
			for (const [command, unpacked] of [
				['analyze', 'core.part'],
				['gdb', 'core.unpacked'],
			] as const) {
				for (const [signal, code] of [
					['SIGINT', 130],
					['SIGTERM', 143],
					['SIGHUP', 129],
				] as const) {
					const child = spawn(bin, [command, `${crashed.core}.gz`], { env, stdio: 'ignore' });
					await expect.poll(() => found('-name', unpacked), { timeout: 10_000 }).not.toBe('');
					child.kill(signal);
					expect([command, signal, ...(await once(child, 'exit'))]).toEqual([command, signal, code, null]);
					expect(await found('-mindepth', '1')).toBe('');
				}
			}
		},
		60_000,
	);

	crashTest('gdb that is open is ended by SIGTERM, and keeps Ctrl-C for itself', async () => {
		await using crashed = await crash(await program('faults.c'), ['null']);
		await using temporary = await temporaryFolder();
		const env = { PATH: process.env.PATH, TMPDIR: temporary.path };
		const child = spawn(bin, ['gdb', crashed.core], { env, stdio: ['pipe', 'pipe', 'ignore'] });
		let output = '';
		child.stdout.on('data', (chunk) => {
			output += chunk;
		});
		await expect.poll(() => output, { timeout: 20_000 }).toContain('(gdb)');
		child.kill('SIGINT');
		child.stdin.write('echo still here\\n\n');
		await expect.poll(() => output, { timeout: 20_000 }).toContain('still here');
		child.kill('SIGTERM');
		expect(await once(child, 'exit')).toEqual([143, null]);
		expect((await exec('find', [temporary.path, '-mindepth', '1'])).stdout).toBe('');
	});
});

/** Without the right of root to read everything. */
async function cliWithoutRights(args: readonly string[]): Promise<CliResult> {
	const [file = '', ...rest] = [...withoutRights, bin, ...args];
	return exec(file, rest, { env: { PATH: process.env.PATH, HOME: '/proc/nonexistent' } }).then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }: CliResult) => ({ code, stdout, stderr }),
	);
}

test('only what went wrong with the file that was named is said of it', () => {
	const error = (path: string, code = 'ENOENT') => Object.assign(new Error(code), { code, path, syscall: 'open' });
	expect(fileProblem('/core', error('/core'))?.message).toBe('/core: there is no such file');
	expect(fileProblem('/abrt', error('/abrt/coredump', 'EACCES'))?.message).toBe('/abrt: no permission to read it (try as root)');
	expect(fileProblem('/c\udcff', error('/c\ufffd'))?.message).toBe('/c\\xff: there is no such file');
	expect(fileProblem('/core', error('/core', 'EIO'))?.message).toBe("/core: can't be read: EIO");
	for (const other of [error('/tmp/x'), error('/core2'), new Error('ENOENT')]) expect(fileProblem('/core', other)).toBeUndefined();
});

describe('list, show and gdb read beside the agent', () => {
	/** A journal with two crashes, as an agent left it. */
	async function withJournal() {
		const folder = await temporaryFolder();
		const config = join(folder.path, 'config.yaml');
		const path = join(folder.path, 'journal.db');
		writeFileSync(config, `journal: { path: ${path} }\n`);
		const journal = new Journal(path, { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] });
		for (const id of ['3f9c00000001', '3fad00000002']) {
			const { found, analysed, stored } = events(id);
			journal.append(found, analysed, ...(id === '3f9c00000001' ? [stored] : []));
		}
		return Object.assign(folder, {
			config,
			journal,
			[Symbol.asyncDispose]: async () => {
				journal[Symbol.dispose]();
				rmSync(folder.path, { recursive: true });
			},
		});
	}

	test('list and show, as table and as JSON', async () => {
		await using folder = await withJournal();
		const { stdout } = await cli(['list', '--config', folder.config]);
		expect(stdout.trim().split('\n')).toHaveLength(3);
		expect(stdout).toMatch(/^3f9c00000001 .* SIGSEGV +search +milvus +9\.5 +stored$/m);
		const listed = JSON.parse((await cli(['list', '--json', '--config', folder.config])).stdout);
		expect(listed.map((report: unknown) => crashReport.parse(report).id).sort()).toEqual(['3f9c00000001', '3fad00000002']);
		expect(JSON.parse((await cli(['list', '--json', '-n', '1', '--config', folder.config])).stdout)).toHaveLength(1);
		expect((await cli(['show', '3f9', '--config', folder.config])).stdout).toMatch(/^SIGSEGV at 0x10 in search \(search\.cc:42\)\n/);
		expect(crashReport.parse(JSON.parse((await cli(['show', '3fad00000002', '--json', '--config', folder.config])).stdout)).status).toBe(
			'analysed',
		);
	});

	test('an id that fits none, or more than one', async () => {
		await using folder = await withJournal();
		expect(await cli(['show', '3f', '--config', folder.config])).toEqual({
			code: 2,
			stdout: '',
			stderr: 'milvus-coredump-agent: the id 3f fits 2 crashes: 3f9c00000001, 3fad00000002\n',
		});
		expect((await cli(['show', '', '--config', folder.config])).stderr).toMatch(/^milvus-coredump-agent: the id is empty: /);
		expect((await cli(['show', '3F9C', '--config', folder.config])).stdout).toMatch(/^SIGSEGV at 0x10 in search/);
		for (const id of ['ffff', 'xyz', '%', "'"])
			expect((await cli(['show', id, '--config', folder.config])).stderr).toMatch(/^milvus-coredump-agent: no crash has the id /);
	});

	test('a crash whose core is gone', async () => {
		await using folder = await withJournal();
		expect((await cli(['gdb', '3f9c', '--config', folder.config])).stderr).toBe(
			'milvus-coredump-agent: the core of crash 3f9c00000001 is gone: it was /data/x.core.zst and /cores/core.3f9c00000001\n',
		);
	});

	crashTest('a crash whose core another has taken the place of', async () => {
		await using folder = await withJournal();
		await using crashed = await crash(await program('faults.c'), ['null']);
		const { found } = events('3fcc00000003');
		folder.journal.append({ ...found, body: { ...found.body, core: { ...found.body.core, path: crashed.core } } } as Event<'CoredumpFile'>);
		expect((await cli(['gdb', '3fcc', '--config', folder.config])).stderr).toBe(
			`milvus-coredump-agent: the core of crash 3fcc00000003 is gone: it was ${crashed.core}, where another file is now\n`,
		);
	});

	test('nothing was given up, and then something', async () => {
		await using folder = await withJournal();
		expect((await cli(['list', '--rejected', '--config', folder.config])).stdout).toBe('nothing was given up\n');
	});

	crashTest('gdb opens on a packed core, with all that belongs to it', async () => {
		await using crashed = await crash(await program('faults.c'), ['fifty']);
		await exec('zstd', ['-q', '--rm', crashed.core]);
		const { stdout, code } = await cli(['gdb', `${crashed.core}.zst`, '--', '-batch', '-ex', 'bt', '-ex', 'info threads']);
		expect(code).toBe(0);
		expect(stdout).toMatch(/#0 .*write_null/);
		expect(stdout).toMatch(/crash_in_thread/);
		expect(stdout).toMatch(/^ {2}50 /m);
	});

	crashTest('gdb is not given an executable of another build', async () => {
		await using folder = await temporaryFolder();
		const copy = join(folder.path, 'faults');
		copyFileSync(await program('faults.c'), copy);
		await using crashed = await crash(copy, ['assert']);
		rmSync(copy);
		copyFileSync(await program('throws.cc'), copy);
		const { stdout, stderr } = await cli(['gdb', crashed.core, '--', '-batch', '-ex', 'bt']);
		expect(stderr).toContain(`${copy} is another build than the one that crashed, and is left out`);
		expect(stdout).toMatch(/abort/);
		expect(stdout).not.toMatch(/engine::|main \(/);
	});
});

describe('config and doctor', () => {
	test('a journal that another user keeps to himself is not one that is missing', async () => {
		await using folder = await temporaryFolder();
		const hidden = join(folder.path, 'hidden');
		const path = join(hidden, 'journal.db');
		const config = join(folder.path, 'config.yaml');
		mkdirSync(hidden);
		writeFileSync(config, `journal: { path: ${path} }\n`);
		new Journal(path, { CoredumpFile: [], AnalysisResults: [], StorageEvent: [] })[Symbol.dispose]();
		const problem = `the journal ${path} may not be read by uid ${process.getuid?.()}: run this as the user of the agent, or as root`;
		for (const closed of [path, hidden]) {
			chmodSync(closed, 0o000);
			expect((await cliWithoutRights(['list', '--config', config])).stderr).toBe(`milvus-coredump-agent: ${problem}\n`);
			expect((await cliWithoutRights(['doctor', '--config', config])).stdout).toContain(
				`error    journal: ${problem}\n         → run this as`,
			);
			chmodSync(closed, 0o700);
		}
	});

	test('config show prints what config check accepts', async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'shown.yaml');
		writeFileSync(file, (await cli(['config', 'show'])).stdout);
		expect(await cli(['config', 'check', file])).toEqual({ code: 0, stdout: `${file}: ok\n`, stderr: '' });
		expect((await cli(['config', 'check'], { environment: { MILVUS_COREDUMP_AGENT_CONFIG: file } })).stdout).toBe(`${file}: ok\n`);
	});

	test('a configuration that is no file is refused at once, with what named it', async () => {
		await using folder = await temporaryFolder();
		const fifo = join(folder.path, 'fifo');
		await exec('mkfifo', [fifo]);
		const environment = { MILVUS_COREDUMP_AGENT_CONFIG: fifo };
		const problem = 'is not a regular file\n';
		expect((await cli(['config', 'check', fifo])).stderr).toBe(`milvus-coredump-agent: the configuration ${fifo}: ${problem}`);
		expect(await cli(['list'], { environment })).toEqual({
			code: 2,
			stdout: '',
			stderr: `milvus-coredump-agent: the configuration ${fifo} (from $MILVUS_COREDUMP_AGENT_CONFIG): ${problem}`,
		});
	});

	test('doctor says of each thing whether it works, and what to do', async () => {
		await using _pattern = await keepCorePattern();
		await using folder = await temporaryFolder();
		mkdirSync(join(folder.path, 'cores'));
		const file = join(folder.path, 'config.yaml');
		const paths = `journal: { path: ${folder.path}/j/journal.db }\nstorage: { localPath: ${folder.path}/stored }\nanalyzer: { scratchPath: ${folder.path}/scratch }\n`;
		writeFileSync(file, `collector: { coredumpPath: ${folder.path}/cores }\n${paths}`);
		const good = await cli(['doctor', '--config', file]);
		expect(good.code).toBe(0);
		const subjects = [...good.stdout.matchAll(/^(ok|warning|error) +([^:]+):/gm)].map(([, , subject]) => subject);
		expect(subjects).toEqual([
			'configuration',
			'core_pattern',
			'ulimit -c',
			'collector.coredumpPath',
			'gdb',
			'zstd',
			'lz4',
			'xz',
			'getfattr',
			'c++filt',
			'analyzer.scratchPath',
			'storage.localPath',
			'journal',
		]);
		for (const line of good.stdout.split('\n').filter((line) => /^(warning|error)/.test(line)))
			expect(good.stdout).toContain(`${line}\n         → `);

		writeFileSync(file, `collector: { coredumpPath: /host${folder.path}/cores }\n${paths}`);
		const bad = await cli(['doctor', '--config', file]);
		expect(bad.code).toBe(1);
		expect(bad.stdout).toContain(
			`error    collector.coredumpPath: /host${folder.path}/cores is not there, but ${folder.path}/cores is: paths below /host exist only in the container of the agent`,
		);
		expect(bad.stdout).toContain(`→ set collector.coredumpPath to ${folder.path}/cores`);
	});

	test('doctor finds gdb and zstd missing, and changes nothing on disk', async () => {
		await using folder = await temporaryFolder();
		await using tools = await temporaryFolder();
		for (const name of ['readlink', 'dirname']) symlinkSync(join('/usr/bin', name), join(tools.path, name)); // for the start of the program itself
		const { stdout, code } = await cli(['doctor'], { cwd: folder.path, state: folder.path, environment: { PATH: tools.path } });
		expect(code).toBe(1);
		for (const lines of [
			'warning  gdb: is not installed: reports have no lines of C, C++ and Rust source code\n         → as root: apt-get install gdb\n',
			'error    zstd: is not installed: cores can not be stored (storage.compression: zstd)\n         → as root: apt-get install zstd\n',
			'warning  xz: is not installed: .xz cores can not be read\n         → as root: apt-get install xz-utils\n',
		])
			expect(stdout).toContain(lines);
		expect((await exec('find', [folder.path, '-mindepth', '1'])).stdout).toBe('');
	});
});

describe('crash-test', () => {
	async function configWithFolder(folder: string): Promise<string> {
		mkdirSync(join(folder, 'cores'));
		writeFileSync(join(folder, 'config.yaml'), `collector: { coredumpPath: ${folder}/cores }\n`);
		return join(folder, 'config.yaml');
	}

	test('names the key of a folder that is not there or is none, and makes nothing', async () => {
		await using folder = await temporaryFolder();
		const file = join(folder.path, 'config.yaml');
		for (const [path, what] of [
			[join(folder.path, 'none', 'cores'), 'is not there'],
			[file, 'is not a directory'],
		] as const) {
			writeFileSync(file, `collector: { coredumpPath: ${path} }\n`);
			expect(await cli(['crash-test', 'segv', '--config', file])).toEqual({
				code: 2,
				stdout: '',
				stderr: `milvus-coredump-agent: ${path} ${what}: make it, or set collector.coredumpPath to the directory of the cores\n`,
			});
		}
		expect((await exec('find', [folder.path, '-mindepth', '1'])).stdout).toBe(`${file}\n`);
	});

	test.skipIf(!canSetPattern)('warns where the kernel puts cores elsewhere, and asks gdb at once where they are lost', async () => {
		await using folder = await temporaryFolder();
		const file = await configWithFolder(folder.path);
		const elsewhere = join(folder.path, 'elsewhere');
		mkdirSync(elsewhere);
		await using _pattern = await setCorePattern(join(elsewhere, 'core.%p'));
		const { stdout, stderr } = await cli(['crash-test', 'segv', '--config', file]);
		expect(stdout).toMatch(new RegExp(`^core: ${elsewhere}/core\\.\\d+$`, 'm'));
		expect(stderr).toBe(
			`warning: cores go to ${elsewhere}, and an agent with this configuration looks in ${folder.path}/cores: set collector.coredumpPath to ${elsewhere}\n`,
		);
		rmSync(elsewhere, { recursive: true });
		const lost = await cli(['crash-test', 'segv', '--config', file]);
		expect(lost.stdout).toContain(
			`${elsewhere}, where the kernel's cores go, can't be read (ENOENT)\nso gdb writes the core at the crash\n`,
		);
		expect(lost.stdout).toMatch(new RegExp(`^core: ${folder.path}/cores/`, 'm'));
	});

	crashTest('leaves a core where the agent looks', async () => {
		await using folder = await temporaryFolder();
		const file = await configWithFolder(folder.path);
		for (const [kind, culprit] of [
			['segv', 'read_row_count'],
			['abort', 'release_segment'],
			['fpe', 'average_rows'],
		] as const) {
			const { stdout, code } = await cli(['crash-test', kind, '--config', file]);
			expect(code).toBe(0);
			const core = /^core: (.*)$/m.exec(stdout)?.[1] ?? '';
			expect(JSON.parse((await cli(['analyze', '--json', core])).stdout).culprit.function).toBe(culprit);
			rmSync(core);
		}
	});

	crashTest('takes gdb where the hard limit lets the kernel write none', async () => {
		await using folder = await temporaryFolder();
		const file = await configWithFolder(folder.path);
		const { stdout } = await exec('bash', ['-c', 'ulimit -H -c 0; "$0" crash-test segv --config "$1"', bin, file]);
		expect(stdout).toContain('so gdb writes the core at the crash');
		const core = /^core: (.*)$/m.exec(stdout)?.[1] ?? '';
		expect(JSON.parse((await cli(['analyze', '--json', core])).stdout)).toMatchObject({
			culprit: { function: 'read_row_count' },
			signal: { name: 'SIGSEGV', address: '0x10' },
			complete: 'yes',
		});
	});
});
