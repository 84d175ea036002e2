import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/journal.ts';
import { deliver, expectOneWhole, type Installation, installation, type Line, settled } from '../support/agent.ts';
import { bin } from '../support/cli.ts';
import { crashTest, temporaryFolder } from '../support/crash.ts';

type Agent = Awaited<ReturnType<Installation['start']>>;

/** An agent that has begun to look for cores, and what its ports are. */
async function started(home: Installation, environment: Readonly<Record<string, string>> = {}) {
	const agent = await home.start(environment);
	const ports = (await agent.line('listening')) as unknown as { readonly metrics: number; readonly health: number };
	await agent.line('collector is ready');
	return { agent, ports };
}

const get = (port: number, path: string) => fetch(`http://127.0.0.1:${port}${path}`);
const metric = async (port: number, name: string) =>
	Number(new RegExp(`^milvus_coredump_agent_${name} (.*)$`, 'm').exec(await (await get(port, '/metrics')).text())?.[1]);
const count = (agent: Agent, words: string) => agent.lines.filter(({ msg }) => msg.includes(words)).length;

/** A file with one known issue. JSON is YAML. */
const ownIssue = (id: string, frame: string) =>
	JSON.stringify({
		version: 1,
		issues: [
			{ id, match: { frames: [frame] }, cause: 'code', symptom: 'it crashes', advice: 'mend it', cleanup: 'neutral', confidence: 'high' },
		],
	});

describe('a right configuration takes effect without a restart', () => {
	crashTest('another folder of cores, another threshold: in one line that names the keys, and nothing is told twice', async () => {
		await using home = await installation({ analyzer: { enableGdbAnalysis: false } });
		const { agent } = await started(home);
		await deliver(home, 'null', 'core.1');
		await settled(home);
		mkdirSync(home.place('others'));
		home.configure({ collector: { coredumpPath: home.place('others') }, analyzer: { valueThreshold: 10 } });
		expect(await agent.line('configuration changed')).toMatchObject({
			level: 'info',
			msg: 'configuration changed: collector.coredumpPath, analyzer.valueThreshold',
			keys: ['collector.coredumpPath', 'analyzer.valueThreshold'],
		});
		renameSync(await deliver(home, 'wild', '.moved'), join(home.place('others'), 'core.2'));
		await settled(home, 2);
		expect(home.reports().map(({ status }) => status)).toEqual(['skipped', 'stored']);
		home.configure({ collector: { coredumpPath: home.place('cores') } });
		await deliver(home, 'null', 'core.3');
		await settled(home, 3);
		expect(count(agent, 'Found coredump file')).toBe(3);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.errors()).toBe('');
	});

	crashTest(
		'known issues whose file is another: told by the name of their key, in the next report, and refused while they are broken',
		async () => {
			await using home = await installation();
			const file = home.place('issues.yaml');
			const knownIn = () => home.reports().map(({ knownIssues: [best] }) => best?.id);
			writeFileSync(file, ownIssue('before', 'write_null'));
			home.configure({ analyzer: { knownIssues: [file] } });
			const { agent } = await started(home);
			await agent.line('nothing has changed'); // the first comparison
			await deliver(home, 'null', 'core.1');
			await settled(home);
			expect(knownIn()).toEqual(['before']);

			writeFileSync(file, 'version: 1\nissues:\n  - id: Broken\n');
			agent.kill('SIGHUP');
			expect((await agent.line('configuration is refused')).msg).toMatch(/the one before stays in force: .*issues\.yaml:3: /);
			writeFileSync(file, ownIssue('after', 'write_null'));
			agent.kill('SIGHUP');
			expect(await agent.line('configuration changed')).toMatchObject({ keys: ['analyzer.knownIssues'] });
			await deliver(home, 'null', 'core.2');
			await settled(home, 2);
			expect(knownIn().toSorted()).toEqual(['after', 'before']);
			expect(count(agent, 'configuration is refused')).toBe(1);
			await agent.stop();
		},
	);

	test('the level of the log, at once and with the work going on', async () => {
		await using home = await installation();
		const { agent } = await started(home);
		home.configure({ log: { level: 'error' } });
		await agent.line('configuration changed: log.level');
		const before = agent.lines.length;
		agent.kill('SIGHUP');
		home.configure({ log: { level: 'debug' } });
		await agent.line('configuration changed: log.level', before);
		expect(agent.lines[before]?.msg).toBe('configuration changed: log.level');
		expect(count(agent, 'work stopped')).toBe(0);
		await agent.stop();
	});

	test('ports: the one that changes is another, the one that stays is open all the time', async () => {
		await using home = await installation();
		const { agent, ports } = await started(home);
		home.configure({ monitor: { prometheusEnabled: false } });
		await agent.line('configuration changed: monitor.prometheusEnabled');
		await expect.poll(() => get(ports.metrics, '/metrics').catch(() => 'closed')).toBe('closed');
		expect((await get(ports.health, '/readyz')).status).toBe(200);
		const before = agent.lines.length;
		home.configure({ monitor: { prometheusEnabled: true } });
		const { metrics, health } = (await agent.line('listening', before)) as unknown as typeof ports;
		expect(health).toBeUndefined();
		expect(await metric(metrics, 'up')).toBe(1);
		expect(count(agent, 'work stopped')).toBe(0);
		await agent.stop();
	});

	crashTest('another journal, which is opened before the old one is given up', async () => {
		await using home = await installation({ analyzer: { enableGdbAnalysis: false } });
		const { agent } = await started(home);
		writeFileSync(home.place('file'), '');
		home.configure({ journal: { path: home.place('file/journal.db') } });
		expect((await agent.line('configuration is refused')).msg).toMatch(
			/the one before stays in force: the folder of the journal .* can't be made/,
		);
		await deliver(home, 'null', 'core.1');
		await settled(home);
		home.configure({ journal: { path: home.place('other.db') } });
		await agent.line('configuration changed: journal.path');
		await deliver(home, 'wild', 'core.2');
		await expect.poll(() => count(agent, 'Found coredump file')).toBe(3); // to a new journal the first is new, as after a restart
		await agent.stop();
		using journal = readJournal(home.place('other.db'));
		expect([...journal.reports()]).toHaveLength(2);
	});

	crashTest('in the middle of an analysis: the work is given back, and ends with one report and one stored file', async () => {
		await using home = await installation();
		await using tools = await temporaryFolder();
		writeFileSync(join(tools.path, 'gdb'), '#!/bin/bash\ntrap "" TERM\nwhile :; do sleep 0.1; done\n');
		chmodSync(join(tools.path, 'gdb'), 0o755);
		const { agent } = await started(home, { PATH: `${tools.path}:${process.env.PATH}` });
		const core = await deliver(home, 'fifty');
		// Oftener than the deaths after which an event is given up.
		for (const round of [1, 2, 3, 4]) {
			await expect.poll(() => count(agent, 'analysis started')).toBe(round);
			if (round === 4) rmSync(join(tools.path, 'gdb')); // from here on the true one is found
			home.configure({ analyzer: { gdbTimeout: `${round}m` } });
			await expect.poll(() => count(agent, 'work stopped')).toBe(round);
		}
		await settled(home);
		expect(home.reports()[0]).toMatchObject({ stack: 'agent+gdb', culprit: { function: 'write_null' } });
		await expectOneWhole(home, core);
		expect(count(agent, 'Found coredump file')).toBe(1);
		const isOfMachine = ({ msg }: Line) => msg.startsWith('core_pattern');
		expect(agent.lines.filter((line) => ['error', 'warn'].includes(line.level) && !isOfMachine(line))).toEqual([]);
		await agent.stop();
	});
});

describe('a wrong configuration changes nothing', () => {
	crashTest('it is refused with its reason, in log, metrics and health, until it is right again', async () => {
		await using home = await installation({ analyzer: { enableGdbAnalysis: false } });
		const { agent, ports } = await started(home);
		expect(await metric(ports.metrics, 'config_last_reload_successful')).toBe(1);
		const loadedAt = await metric(ports.metrics, 'config_last_reload_success_timestamp_seconds');
		expect(Math.abs(loadedAt - Date.now() / 1000)).toBeLessThan(60);
		const right = readFileSync(home.config, 'utf8');
		writeFileSync(home.config, 'collector:\n  coredumpPth: /tmp\nlog: { level: loud }\n');
		const { msg, level } = await agent.line('configuration is refused');
		expect(level).toBe('error');
		expect(msg).toMatch(
			/^the new configuration is refused, and the one before stays in force: .*config\.yaml:2: unknown key collector\.coredumpPth.*; .*config\.yaml:3: log\.level is "loud"/,
		);
		expect(await metric(ports.metrics, 'config_last_reload_successful')).toBe(0);
		expect(await metric(ports.metrics, 'config_last_reload_success_timestamp_seconds')).toBe(loadedAt);
		const ready = await get(ports.health, '/readyz');
		expect(ready.status).toBe(200);
		expect(await ready.json()).toMatchObject({
			components: expect.arrayContaining([{ name: 'config', ready: true, reason: expect.stringContaining('coredumpPth') }]),
		});
		await deliver(home, 'null');
		await settled(home);
		rmSync(home.config);
		await agent.line('there is no such file');
		writeFileSync(home.config, right);
		await expect.poll(() => metric(ports.metrics, 'config_last_reload_successful')).toBe(1);
		expect(await (await get(ports.health, '/readyz')).json()).toMatchObject({
			components: expect.arrayContaining([{ name: 'config', ready: true }]),
		});
		expect(count(agent, 'configuration changed')).toBe(0);
		expect(count(agent, 'work stopped')).toBe(0);
		expect(count(agent, 'configuration is refused')).toBe(2);
		await agent.stop();
	});

	test('a secret is never told', async () => {
		await using home = await installation();
		const { agent } = await started(home);
		home.configure({ aiAnalysis: { apiKey: 'sk-first-4711' } });
		await agent.line('configuration changed: aiAnalysis.apiKey');
		home.configure({ aiAnalysis: { apiKey: ['sk-second-4711'] } });
		await agent.line('configuration is refused');
		await agent.stop();
		expect(JSON.stringify(agent.lines)).not.toContain('4711');
	});
});

describe('how a change is noticed', () => {
	test('the way a ConfigMap changes: a link to a folder is replaced by another', async () => {
		await using home = await installation();
		const version = (name: string, text: string) => {
			mkdirSync(home.place(name));
			writeFileSync(join(home.place(name), 'config.yaml'), text);
			symlinkSync(name, home.place('..data_tmp'));
			renameSync(home.place('..data_tmp'), home.place('..data'));
		};
		version('..2026_1', home.configText({}));
		rmSync(home.config);
		symlinkSync('..data/config.yaml', home.config);
		const { agent } = await started(home);
		version('..2026_2', home.configText({ collector: { watchInterval: '400ms' } }));
		rmSync(home.place('..2026_1'), { recursive: true });
		await agent.line('configuration changed: collector.watchInterval');
		expect(count(agent, 'configuration is refused')).toBe(0);
		await agent.stop();
	});

	test('where inotify tells of nothing, behind a link to another folder, the file is compared', async () => {
		await using home = await installation();
		mkdirSync(home.place('links'));
		const link = join(home.place('links'), 'config.yaml');
		symlinkSync(home.config, link);
		const agent = await home.start({}, [], ['--standalone', '--config', link]);
		await agent.line('nothing has changed'); // the first comparison
		home.configure({ collector: { watchInterval: '400ms' } });
		await agent.line('configuration changed: collector.watchInterval');
		await agent.stop();
	});

	test('files that the configuration names are compared too, also one that comes with a configuration that is refused', async () => {
		await using home = await installation();
		mkdirSync(home.place('issues'));
		const file = join(home.place('issues'), 'own.yaml');
		const { agent } = await started(home);
		writeFileSync(file, 'version: 2\n');
		home.configure({ analyzer: { knownIssues: [home.place('issues')] } });
		await agent.line('configuration is refused');
		writeFileSync(file, ownIssue('own', 'write_null'));
		await agent.line('configuration changed: analyzer.knownIssues');
		const before = agent.lines.length;
		rmSync(file);
		await agent.line('configuration changed: analyzer.knownIssues', before);
		expect(count(agent, 'configuration is refused')).toBe(1);
		await agent.stop();
	});

	test('a burst of changes is one, and so is a file that is written in pieces', async () => {
		await using home = await installation();
		const { agent } = await started(home);
		for (let index = 1; index <= 20; index++) home.configure({ collector: { watchInterval: `${600 + index}ms` } });
		agent.kill('SIGHUP');
		await agent.line('configuration changed: collector.watchInterval');
		writeFileSync(home.config, ''); // by itself a right one: all defaults
		writeFileSync(home.config, home.configText({ collector: { watchInterval: '700ms' } }));
		await expect.poll(() => count(agent, 'configuration changed: collector.watchInterval')).toBe(2);
		expect(count(agent, 'configuration changed')).toBe(2);
		await agent.stop();
	});

	test('SIGHUP reads it again at any time, and is harmless while the agent starts and stops', async () => {
		await using home = await installation();
		const agent = await home.start();
		agent.onLine(({ msg }) => msg.includes('read again') || agent.kill('SIGHUP'));
		await agent.line('configuration read again: nothing has changed');
		expect(count(agent, 'work stopped')).toBe(0);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
		expect(agent.lines.at(-1)?.msg).toBe('agent stopped');
		expect(agent.errors()).toBe('');
	});

	test('told to stop in the middle of a reload, it stops', async () => {
		await using home = await installation();
		const { agent } = await started(home);
		agent.onLine(({ msg }) => msg.startsWith('work stopped') && agent.kill('SIGTERM'));
		home.configure({ analyzer: { valueThreshold: 5 } });
		expect(await agent.ended).toEqual({ code: 0, signal: null });
		expect(agent.lines.at(-1)?.msg).toBe('agent stopped');
	});

	test('without a file there is nothing to read again, and it is said', async () => {
		await using home = await installation();
		const agent = await home.start({ XDG_STATE_HOME: home.place('state') }, [], ['--standalone']);
		await agent.line('collector is');
		agent.kill('SIGHUP');
		expect((await agent.line('SIGHUP')).msg).toBe(
			'SIGHUP: there is nothing to read again, as the agent was started without a configuration file',
		);
		expect(await agent.stop()).toEqual({ code: 0, signal: null });
	});

	test('the end of the terminal it was started on ends it, although that is a SIGHUP too', async () => {
		await using home = await installation();
		// `script` is the terminal.
		const command = `echo "pid $$."; exec ${bin} agent --standalone --config ${home.config}`;
		const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 'ignore'] });
		let output = '';
		terminal.stdout.on('data', (chunk) => {
			output += chunk;
		});
		await expect.poll(() => output, { timeout: 20_000 }).toContain('collector is ready');
		const pid = Number(/pid (\d+)\./.exec(output)?.[1]);
		process.kill(pid, 'SIGHUP');
		await expect.poll(() => output).toContain('nothing has changed');
		terminal.kill('SIGKILL');
		await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 20_000 }).toBe(false);
	});
});
