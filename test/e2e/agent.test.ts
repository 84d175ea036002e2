import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CrashReport } from '../../src/domain/report.ts';
import { deliver, expectOneWhole, type Installation, installation, type Line, settled } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { crash, crashTest, exec, mountTest, program, root, temporaryFolder, withoutRights } from '../support/crash.ts';

describe('a crash goes in, a report comes out', () => {
	crashTest('found, analysed, scored and stored, with the lines that people search for', async () => {
		await using home = await installation();
		const agent = await home.start();
		await agent.line('collector is ready');
		const core = await deliver(home, 'fifty');
		await settled(home);
		await expectOneWhole(home, core);
		expect(await agent.line('Found coredump file')).toMatchObject({ level: 'info', path: core, sizeBytes: statSync(core).size });
		expect((await agent.line('分数计算详情')).msg).toBe(
			`分数计算详情 [${core}]: 基础分: 4.0, 崩溃原因: +2.0, Panic关键词: +1.0, 栈跟踪质量: +1.5, 多线程: +0.5, 信号严重性: +1.0, 新鲜度: +0.5 -> 总分: 10.00`,
		);
		expect(home.reports()[0]).toMatchObject({ culprit: { function: 'write_null' }, association: { host: expect.any(String) } });
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.errors()).toBe('');
	});

	crashTest('what was there before it started is found too, and never again after a restart', async () => {
		await using home = await installation({ analyzer: { enableGdbAnalysis: false } });
		for (const name of ['core.1', 'core.2', 'core.3']) await deliver(home, 'null', name);
		const first = await home.start();
		await settled(home, 3);
		await first.stop();
		const second = await home.start();
		await deliver(home, 'wild', 'core.4');
		await settled(home, 4);
		expect(second.lines.filter(({ msg }) => msg === 'Found coredump file')).toHaveLength(1);
	});

	crashTest(
		'each of two hundred cores at once has its report and its file',
		async () => {
			await using home = await installation({ analyzer: { enableGdbAnalysis: false }, storage: { sampling: { full: 200 } } });
			const agent = await home.start();
			await agent.line('collector is ready');
			await using crashed = await crash(await program('faults.c'), ['null']);
			for (let index = 0; index < 200; index++) copyFileSync(crashed.core, join(home.place('cores'), `core.${index}`));
			await settled(home, 200);
			await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(400);
			expect(agent.lines.filter(({ level }) => level === 'error')).toEqual([]);
		},
		120_000,
	);

	crashTest('a packed core is kept as it is, and the original goes when that is wanted', async () => {
		await using home = await installation({ collector: { coredumpPath: '', watchInterval: '500ms', removeOriginal: 'afterStored' } });
		writeFileSync(
			home.config,
			readFileSync(home.config, 'utf8').replace('"coredumpPath":""', `"coredumpPath":${JSON.stringify(home.place('cores'))}`),
		);
		const agent = await home.start();
		await using crashed = await crash(await program('faults.c'), ['null']);
		await exec('zstd', ['-q', '-19', crashed.core]);
		const packed = readFileSync(`${crashed.core}.zst`);
		const original = join(home.place('cores'), 'core.faults.0.0123456789abcdef0123456789abcdef.4711.1795420882000000.zst');
		writeFileSync(home.place('.part'), packed);
		renameSync(home.place('.part'), original);
		await agent.line('original core file removed');
		expect(existsSync(original)).toBe(false);
		const [stored = ''] = await home.stored();
		expect(readFileSync(join(home.place('stored'), 'unassociated', stored))).toEqual(packed);
		expect(home.reports()[0]).toMatchObject({
			time: new Date(1795420882000).toISOString(),
			process: { hostPid: 4711 },
			core: { encoding: 'zstd' },
		});
	});
});

describe('kill -9 at any step, then a restart: one report, one stored file', () => {
	const steps: readonly (readonly [name: string, reached: (line: Line) => boolean])[] = [
		['as soon as the core is found', ({ msg }) => msg === 'Found coredump file'],
		['when the analysis begins', ({ msg }) => msg === 'analysis started'],
		['when it has ended and is not yet written down', ({ msg }) => msg.startsWith('分数计算详情')],
		['when it is written down', ({ msg, stage }) => msg === 'settled' && stage === 'analyzer'],
		['when the core is stored and this is not yet written down', ({ msg }) => msg.startsWith('stored ')],
		['when this is written down', ({ msg, stage }) => msg === 'settled' && stage === 'storage'],
		['at the very end', ({ msg, stage }) => msg === 'settled' && stage === 'remover'],
	];
	for (const [name, reached] of steps) {
		crashTest(name, async () => {
			await using home = await installation();
			const first = await home.start();
			first.onLine((line) => reached(line) && first.kill('SIGKILL'));
			await first.line('collector is ready');
			const core = await deliver(home, 'fifty');
			expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
			const second = await home.start();
			await second.line('collector is ready');
			await settled(home);
			await expectOneWhole(home, core);
			await second.stop();
		});
	}

	crashTest(
		'at twenty random moments one after the other, while a large core is unpacked and stored',
		async () => {
			await using home = await installation();
			const core = await deliver(home, 'fifty', 'core', { FILL_MB: '96' });
			await exec('zstd', ['-q', '-1', '-o', home.place('packed'), core]);
			renameSync(home.place('packed'), join(home.place('cores'), 'core.faults.0.0123456789abcdef0123456789abcdef.1.1795420882000000.zst'));
			const random = (round: number) => 100 + ((Math.imul(round + 7, 2654435761) >>> 0) % 1500);
			for (let round = 0; round < 20; round++) {
				const agent = await home.start();
				setTimeout(() => agent.kill('SIGKILL'), random(round)).unref();
				await agent.ended;
				// An event that was in hand at three deaths is given up: here it must not be, so the count starts anew.
				if (existsSync(home.place('journal.db'))) await forgive(home);
			}
			const agent = await home.start();
			await settled(home, 2);
			await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(4);
			await agent.stop();
			expect(home.reports().map(({ status }) => status)).toEqual(['stored', 'stored']);
			expect(readdirSync(home.place('scratch'))).toEqual([]);
		},
		120_000,
	);

	async function forgive(home: Installation): Promise<void> {
		const script = `import { DatabaseSync } from 'node:sqlite'; new DatabaseSync(process.argv[1]).exec("update work set deaths = 0 where exists (select 1 from work)")`;
		await exec(process.execPath, ['--input-type=module', '-e', script, home.place('journal.db')]).catch((error: Error) => {
			if (!/no such table/.test(error.message)) throw error; // killed before the layout was made
		});
	}

	crashTest('the analysis of a core that kills the agent three times is given up, its core is stored, and the others go on', async () => {
		await using home = await installation();
		await deliver(home, 'null', 'core.bad');
		for (let death = 0; death < 3; death++) {
			const agent = await home.start();
			agent.onLine(({ msg }) => msg === 'analysis started' && agent.kill('SIGKILL'));
			await agent.ended;
		}
		const agent = await home.start();
		await deliver(home, 'wild', 'core.good');
		await settled(home, 2);
		const notes = (name: string) => home.reports().find(({ core }) => core?.path.endsWith(name))?.notes;
		expect(home.reports().map(({ status }) => status)).toEqual(['stored', 'stored']);
		expect(notes('core.bad')).toEqual(['the analysis was given up: process died while handling it']);
		expect(notes('core.good')).toEqual([]);
		expect((await agent.line('analyzer gave up')).msg).toBe('analyzer gave up: process died while handling it');
		await agent.stop();
		const { stdout } = await exec(bin, ['list', '--rejected', '--config', home.config]);
		expect(stdout).toMatch(/analyzer +\S+ +process died while handling it/);
	});

	crashTest('a core over which gdb kills the agent keeps all that is known without gdb', async () => {
		await using home = await installation();
		await using tools = await temporaryFolder();
		const victim = join(tools.path, 'victim');
		writeFileSync(join(tools.path, 'gdb'), `#!/bin/sh\nkill -9 "$(cat ${victim})"\n`, { mode: 0o755 });
		await deliver(home, 'null');
		for (let run = 0; run < 2; run++) {
			const agent = await home.start({ PATH: `${tools.path}:${process.env.PATH}` });
			writeFileSync(victim, String(agent.pid));
			expect(await agent.ended).toEqual({ code: null, signal: 'SIGKILL' });
		}
		const agent = await home.start({ PATH: `${tools.path}:${process.env.PATH}` });
		await settled(home);
		expect(home.reports()[0]).toMatchObject({
			status: 'stored',
			stack: 'agent',
			culprit: { function: 'write_null' },
			signal: { name: 'SIGSEGV', address: '0x10' },
			notes: expect.arrayContaining(['gdb was left out: all earlier tries of the analysis failed']),
		});
		await agent.stop();
	});
});

describe('stopping', () => {
	crashTest('SIGTERM ends it within ten seconds, also when gdb hangs, and the work is given back', async () => {
		await using home = await installation();
		await using tools = await temporaryFolder();
		writeFileSync(join(tools.path, 'gdb'), '#!/bin/bash\ntrap "" TERM\nwhile :; do sleep 0.1; done\n');
		chmodSync(join(tools.path, 'gdb'), 0o755);
		const first = await home.start({ PATH: `${tools.path}:${process.env.PATH}` });
		await deliver(home, 'null');
		await first.line('analysis started');
		const start = Date.now();
		expect(await first.stop()).toEqual({ code: 0, signal: null });
		expect(Date.now() - start).toBeLessThan(10_000);
		expect(readdirSync(home.place('scratch'))).toEqual([]);
		const second = await home.start();
		await settled(home);
		expect(home.reports()[0]).toMatchObject({ stack: 'agent+gdb', culprit: { function: 'write_null' } });
		await second.stop();
	});

	test('SIGINT, an idle agent, and a second signal do the same', async () => {
		await using home = await installation();
		const agent = await home.start();
		await agent.line('collector is ready');
		expect(await agent.line('agent started')).toMatchObject({ mode: 'standalone', cores: home.place('cores') });
		agent.kill('SIGINT');
		agent.kill('SIGTERM');
		expect(await agent.ended).toEqual({ code: 0, signal: null });
		expect(agent.lines.at(-1)).toMatchObject({ msg: 'agent stopped', givenBack: 0 });
	});
});

describe('what is wrong is told, and does not stop the rest', () => {
	test('a log that can not be written, in either format', async () => {
		for (const format of ['json', 'text']) {
			await using home = await installation();
			const command = '"$0" agent --standalone --config "$1" --log-format "$2" >/dev/full & echo $! >"$3"; wait $!; echo $? >"$4"';
			const places = [home.config, format, home.place('pid'), home.place('code')];
			const shell = spawn('bash', ['-c', command, bin, ...places], { stdio: 'ignore' });
			await expect.poll(() => existsSync(home.place('stored')), { timeout: 20_000 }).toBe(true); // past its first lines
			process.kill(Number(readFileSync(home.place('pid'), 'utf8')), 'SIGTERM');
			await once(shell, 'exit');
			expect(readFileSync(home.place('code'), 'utf8')).toBe('0\n');
		}
	});

	test('NO_COLOR holds for the log on a terminal too', async () => {
		for (const [environment, isColoured] of [
			[{}, true],
			[{ NO_COLOR: '1' }, false],
		] as const) {
			await using home = await installation();
			// `script` gives it a terminal.
			const command = `${bin} agent --standalone --config ${home.config}`;
			const env = { PATH: process.env.PATH, HOME: home.path, ...environment };
			const terminal = spawn('script', ['-qc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
			let output = '';
			terminal.stdout.on('data', (chunk) => {
				output += chunk;
			});
			await expect.poll(() => output, { timeout: 20_000 }).toContain('storage is ready');
			terminal.stdin.write('\u0003'); // Ctrl-C
			await expect.poll(() => output, { timeout: 20_000 }).toContain('agent stopped');
			expect(output.includes('\u001b[')).toBe(isColoured);
		}
	});

	test('a second agent on the same journal is refused in one line', async () => {
		await using home = await installation();
		const first = await home.start();
		await first.line('journal is ready');
		const second = await home.start();
		expect(await second.ended).toMatchObject({ code: 2 });
		expect(second.errors()).toBe(`milvus-coredump-agent: another agent is using the journal ${home.place('journal.db')}\n`);
		await first.stop();
	});

	crashTest('a folder of cores that is not there makes the collector not ready, until it comes', async () => {
		await using home = await installation();
		rmSync(home.place('cores'), { recursive: true });
		const agent = await home.start();
		const { health } = await agent.line('listening');
		expect((await agent.line('collector is not ready')).msg).toBe(
			`collector is not ready: ${home.place('cores')} is not there: set collector.coredumpPath to where cores are written (milvus-coredump-agent doctor tells)`,
		);
		const ready = await fetch(`http://127.0.0.1:${health}/readyz`);
		expect(ready.status).toBe(503);
		expect(await ready.json()).toMatchObject({
			components: expect.arrayContaining([
				expect.objectContaining({ name: 'collector', ready: false }),
				expect.objectContaining({ name: 'storage', ready: true }),
			]),
		});
		expect((await fetch(`http://127.0.0.1:${health}/healthz`)).status).toBe(200);
		mkdirSync(home.place('cores'));
		await deliver(home, 'null');
		await settled(home);
		expect((await fetch(`http://127.0.0.1:${health}/readyz`)).status).toBe(200);
		await agent.stop();
	});

	crashTest('a store that can not be written to is not ready; the core waits and is stored when it can', async () => {
		await using home = await installation();
		writeFileSync(home.place('stored'), 'a file where the folder should be');
		const agent = await home.start();
		await agent.line('storage is not ready');
		await deliver(home, 'null');
		await agent.line('storage tries again later');
		const [id = ''] = home.reports().map((report) => report.id);
		const { stdout } = await exec(bin, ['show', id, '--config', home.config]);
		expect(stdout).toMatch(/^storage waits, and tries again: can't write there: .*\(storage\.localPath\)$/m);
		const putOff = () => agent.lines.filter(({ msg }) => msg.startsWith('storage tries again later')).map(({ level }) => level);
		await expect.poll(() => putOff().length, { timeout: 20_000 }).toBeGreaterThan(1);
		expect(putOff().indexOf('warn', 1)).toBe(-1); // told once
		rmSync(home.place('stored'));
		await settled(home);
		await agent.stop();
	});

	crashTest(
		'a scratch folder that can not be used costs what gdb adds, not the stack, and the analyzer is not ready until it can',
		async () => {
			await using home = await installation();
			writeFileSync(home.place('scratch'), 'a file where the folder should be');
			const agent = await home.start();
			expect((await agent.line('analyzer is not ready')).msg).toMatch(/scratch can't be used: EEXIST.* \(analyzer\.scratchPath\)$/);
			await deliver(home, 'null');
			await settled(home);
			expect(home.reports()[0]).toMatchObject({
				status: 'stored',
				stack: 'agent',
				reason: 'SIGSEGV: access to 0x10 through a null pointer (offset 16)',
				notes: [expect.stringContaining('(analyzer.scratchPath)')],
			});
			rmSync(home.place('scratch'));
			await agent.line('analyzer is ready again');
			await deliver(home, 'fifty', 'core.next');
			await settled(home, 2);
			expect(
				home
					.reports()
					.map(({ stack }) => stack)
					.sort(),
			).toEqual(['agent', 'agent+gdb']);
			await agent.stop();
		},
	);

	mountTest('a full disk of the journal is waited out: nothing is lost, given up, or counted as a death', async () => {
		await using home = await installation();
		const disk = home.place('disk');
		mkdirSync(disk);
		home.configure({ journal: { path: join(disk, 'journal.db') } });
		const onSmallDisk = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o size=1m small "$0" && exec "$@"', disk];
		const agent = await home.start({}, onSmallDisk);
		await agent.line('collector is ready');
		const { health } = await agent.line('listening');
		const inside = (path: string) => `/proc/${agent.pid}/root${path}`;
		const fill = () => exec('sh', ['-c', 'cat /dev/zero >"$0" 2>/dev/null || true', inside(join(disk, 'filler'))]);
		const free = () => rmSync(inside(join(disk, 'filler')));

		await fill();
		await deliver(home, 'null');
		expect((await agent.line('journal is not ready')).msg).toBe(
			`journal is not ready: the journal ${disk}/journal.db can't be used now: database or disk is full (journal.path)`,
		);
		expect((await fetch(`http://127.0.0.1:${health}/readyz`)).status).toBe(503);
		let before = agent.lines.length;
		free();
		await agent.line('journal is ready again', before);
		await agent.line('settled', before);

		await agent.line('stored ', before);
		before = agent.lines.length;
		const full = Promise.withResolvers<void>();
		agent.onLine(({ msg }) => msg === 'analysis started' && fill().then(() => full.resolve()));
		await deliver(home, 'wild', 'core.next');
		await full.promise;
		await agent.line('journal is not ready', before);
		free();
		await agent.line('stored ', before);
		await agent.line('journal is ready again', before);
		const list = ['--target', String(agent.pid), '--mount', bin, 'list', '--json', '--config', home.config];
		const listed = async () => JSON.parse((await exec('nsenter', list)).stdout) as CrashReport[];
		await expect.poll(async () => (await listed()).map(({ status }) => status), { timeout: 20_000 }).toEqual(['stored', 'stored']);
		expect(agent.lines.filter(({ msg }) => /gave up|unexpected/.test(msg))).toEqual([]);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.errors()).toBe('');
	});

	crashTest('a core that may not be read is told of once, and taken when it may', async () => {
		await using home = await installation({ analyzer: { enableGdbAnalysis: false } });
		const core = await deliver(home, 'null');
		chmodSync(core, 0o000);
		const agent = await home.start({}, withoutRights);
		const { msg } = await agent.line("core file can't be read");
		expect(msg).toContain(`it is uid ${process.getuid?.()}'s, and uid ${process.getuid?.()} may not read it: `);
		await deliver(home, 'wild', 'core.other');
		await settled(home);
		expect(agent.lines.filter(({ msg }) => msg.startsWith("core file can't be read"))).toHaveLength(1);
		chmodSync(core, 0o600);
		await settled(home, 2);
		await agent.stop();
	});

	crashTest('metrics count what happened', async () => {
		await using home = await installation();
		const agent = await home.start();
		const { metrics } = await agent.line('listening');
		await deliver(home, 'null');
		writeFileSync(join(home.place('cores'), 'note.txt'), 'not a core');
		await settled(home);
		const value = async (name: string) =>
			Number(
				new RegExp(`^milvus_coredump_agent_${name}(?:\\{[^}]*\\})? (.*)$`, 'm').exec(
					await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(),
				)?.[1],
			);
		await expect.poll(() => value('coredumps_processed_total')).toBe(1);
		expect(await value('coredumps_discovered_total')).toBe(1);
		expect(await value('analysis_total')).toBe(1);
		expect(await value('analysis_successful_total')).toBe(1);
		expect(await value('files_stored_total')).toBe(1);
		expect(await value('value_score_distribution_sum')).toBe(10);
		expect(await value('up')).toBe(1);
		await expect.poll(() => home.stored(), { timeout: 20_000 }).toHaveLength(2);
		const { stdout: bytes } = await exec('sh', ['-c', 'cat "$0"/*/* | wc -c', home.place('stored')]);
		await expect.poll(() => value('storage_size_bytes'), { timeout: 20_000 }).toBe(Number(bytes));
		expect(Math.abs((await value('last_processed_file_timestamp')) - Date.now() / 1000)).toBeLessThan(60);
		await agent.stop();
	});

	test('the configuration with all keys starts; what is not there is told in a line each', async () => {
		await using folder = await temporaryFolder();
		// Only the paths where it would write are moved into the folder of the test.
		const file = join(folder.path, 'config.yaml');
		const text = readFileSync(join(root, 'configs/config.yaml'), 'utf8');
		writeFileSync(
			file,
			text
				.replace('/data/coredumps', `${file}/stored`)
				.replace('/var/lib/milvus-coredump-agent/scratch', `${folder.path}/scratch`)
				.replace('healthPort: 8081', 'healthPort: 0'),
		);
		const child = spawn(bin, ['agent', '--config', file], {
			env: { PATH: process.env.PATH, HOME: folder.path, XDG_STATE_HOME: folder.path },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let output = '';
		for (const stream of [child.stdout, child.stderr]) {
			stream.on('data', (chunk) => {
				output += chunk;
			});
		}
		await expect
			.poll(() => output, { timeout: 20_000 })
			.toMatch(/collector is not ready: \/host\/var\/lib\/systemd\/coredump is not there/);
		await expect.poll(() => output).toMatch(/storage is not ready: can't write there: .*config\.yaml\/stored/);
		child.kill('SIGTERM');
		expect(await once(child, 'exit')).toEqual([0, null]);
	});
});
