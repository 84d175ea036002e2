import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bin, cli } from '../support/cli.ts';
import { crashTest, temporaryFolder } from '../support/crash.ts';
import { debuginfodOver, faultyDebuginfod, missingDebuginfod } from '../support/debuginfod.ts';
import { describeUnless } from '../support/needed.ts';
import { splitCrash } from '../support/split-crash.ts';

const backtrace = ['--', '-batch', '-ex', 'bt'];
/** The frame with its source line. */
const whole = /#0 .*write_null .*faults\.c:\d+/;

describe('--symbols', () => {
	crashTest('names folders of debug information, to analyze and to gdb', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		const [empty, full] = [join(place.path, 'empty'), join(place.path, 'full')];
		mkdirSync(empty);
		one.put(one.debug, full, 'debuginfo');
		const given = ['--symbols', empty, '--symbols', full, one.core];
		expect(JSON.parse((await cli(['analyze', '--json', ...given])).stdout).culprit).toMatchObject({ function: 'write_null' });
		expect((await cli(['gdb', one.core, ...backtrace])).stdout).not.toMatch(/write_null/);
		expect((await cli(['gdb', ...given, ...backtrace])).stdout).toMatch(whole);
		// The executable too, where it is not at its place any more.
		one.put(one.executable, full, 'executable');
		rmSync(one.executable);
		expect((await cli(['gdb', ...given, ...backtrace])).stdout).toMatch(whole);
	});

	crashTest('that is no folder is a mistake', async () => {
		await using one = await splitCrash();
		for (const command of ['analyze', 'gdb'])
			for (const [folder, problem] of [
				['/nowhere', 'there is no such file'],
				[one.core, 'is not a directory'],
			] as const)
				expect(await cli([command, '--symbols', '/', '--symbols', folder, one.core])).toEqual({
					code: 2,
					stdout: '',
					stderr: `milvus-coredump-agent: --symbols ${folder}: ${problem}\n`,
				});
	});
});

describeUnless('--debuginfod', missingDebuginfod, { timeout: 120_000 }, () => {
	crashTest('has analyze and gdb ask a real server, and keeps what it gives', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		const served = join(place.path, 'served');
		mkdirSync(served);
		copyFileSync(one.executable, join(served, 'faults'));
		copyFileSync(one.debug, join(served, 'faults.debug'));
		rmSync(one.executable);
		const environment = { XDG_CACHE_HOME: join(place.path, 'cache') };
		await using real = await debuginfodOver(served);
		const given = ['--debuginfod', real.address, one.core];
		const report = JSON.parse((await cli(['analyze', '--json', ...given], { environment })).stdout);
		expect(report.culprit).toMatchObject({ function: 'write_null', confidence: 'high' });
		const folder = join(place.path, 'cache/milvus-coredump-agent/debuginfod/.build-id', one.buildId.slice(0, 2));
		expect(existsSync(join(folder, `${one.buildId.slice(2)}.debug`))).toBe(true);
		await real[Symbol.asyncDispose]();
		expect((await cli(['gdb', ...given, ...backtrace], { environment })).stdout).toMatch(whole);
	});

	crashTest('counts by the configuration too, for import and for gdb on one of its crashes', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		const at = (name: string) => join(place.path, name);
		mkdirSync(at('served'));
		copyFileSync(one.debug, at('served/faults.debug'));
		await using real = await debuginfodOver(at('served'));
		writeFileSync(
			at('c.yaml'),
			[
				`journal: { path: ${at('journal.db')} }`,
				`storage: { localPath: ${at('cores')} }`,
				`analyzer: { scratchPath: ${at('scratch')}, symbols: { debuginfod: ${real.address} } }`,
			].join('\n'),
		);
		const imported = JSON.parse((await cli(['import', one.core, '--json', '--config', at('c.yaml')])).stdout);
		expect(imported.files).toMatchObject([{ is: 'imported', headline: expect.stringContaining('write_null') }]);
		expect(existsSync(at('scratch/debuginfod/.build-id'))).toBe(true);
		const gdb = await cli(['gdb', imported.files[0].id, '--config', at('c.yaml'), ...backtrace]);
		expect(gdb.stdout).toMatch(whole);
	});
});

test('doctor says whether the server answers that is set', async () => {
	await using place = await temporaryFolder();
	let status = 404;
	await using server = await faultyDebuginfod(() => ({ status }));
	const config = join(place.path, 'c.yaml');
	writeFileSync(config, `analyzer: { symbols: { debuginfod: "http://user:secret@127.0.0.1:${server.port}" } }\n`);
	const told = async () => (await cli(['doctor', '--config', config])).stdout.split('\n').filter((line) => /debuginfod/.test(line));
	expect(await told()).toEqual([`ok       analyzer.symbols.debuginfod: ${server.address} answers`]);
	status = 503;
	expect(await told()).toEqual([
		`warning  analyzer.symbols.debuginfod: ${server.address}: it answers with HTTP 503`,
		'         → set it to the address of a debuginfod server, or to off: until then reports go without',
	]);
});

describe('--debuginfod', () => {
	crashTest('that is no address is a mistake, in a line without what may be secret in it', async () => {
		await using one = await splitCrash();
		for (const address of ['example.com', 'ftp://user:secret@example.com'])
			for (const command of ['analyze', 'gdb'])
				expect(await cli([command, '--debuginfod', address, one.core])).toEqual({
					code: 2,
					stdout: '',
					stderr: 'milvus-coredump-agent: --debuginfod: expected an address such as https://debuginfod.example.com\n',
				});
	});

	crashTest('that does not answer is told in a line, and the analysis goes on; a password is told nowhere', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		await using server = await faultyDebuginfod(() => ({ status: 401 }));
		const environment = { XDG_CACHE_HOME: place.path };
		const address = `http://user:secret@127.0.0.1:${server.port}`;
		const { stdout, stderr, code } = await cli(['analyze', '--debuginfod', address, one.core], { environment });
		expect([code, stderr]).toEqual([0, '']);
		expect(stdout).toMatch(/debuginfod http:\/\/127\.0\.0\.1:\d+ did not help with faults.*: it answers with HTTP 401\n/);
		expect(stdout).toMatch(/SIGSEGV/);
		expect(stdout).not.toContain('secret');
	});

	crashTest('is no longer waited for at Ctrl-C', async () => {
		await using one = await splitCrash();
		await using place = await temporaryFolder();
		await using server = await faultyDebuginfod(() => ({ head: 'silence' }));
		for (const command of ['analyze', 'gdb']) {
			const env = { PATH: process.env.PATH, XDG_CACHE_HOME: place.path, TMPDIR: place.path };
			const child = spawn(bin, [command, '--debuginfod', server.address, one.core], { env, stdio: 'ignore' });
			await expect.poll(() => server.asked(), { timeout: 20_000 }).not.toEqual([]);
			child.kill('SIGINT');
			expect([command, ...(await once(child, 'exit'))]).toEqual([command, 130, null]);
		}
	});
});
