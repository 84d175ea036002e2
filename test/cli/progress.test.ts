import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bin } from '../support/cli.ts';
import { crash, crashTest, program, temporaryFolder } from '../support/crash.ts';

/** What a command writes on a terminal. */
const onTerminal = (command: string, environment: Readonly<Record<string, string>>) =>
	new Promise<string>((resolve) => {
		execFile('script', ['-qec', command, '/dev/null'], { env: { ...environment, SHELL: '/bin/sh' }, timeout: 60_000 }, (_error, stdout) =>
			resolve(stdout),
		);
	});

crashTest('a command whose gdb takes its time says what it does meanwhile, and takes the line away', async () => {
	await using folder = await temporaryFolder();
	await using crashed = await crash(await program('faults.c'), ['null']);
	const core = join(folder.path, 'core');
	copyFileSync(crashed.core, core);
	const tools = join(folder.path, 'tools');
	mkdirSync(tools);
	writeFileSync(join(tools, 'gdb'), '#!/bin/sh\nsleep 2.5\n', { mode: 0o755 });
	mkdirSync(join(folder.path, 'cores'));
	const config = join(folder.path, 'config.yaml');
	writeFileSync(config, `collector: { coredumpPath: ${folder.path}/cores }\n`);
	const environment = { PATH: `${tools}:${process.env.PATH}`, HOME: folder.path, XDG_STATE_HOME: folder.path };
	const commands = {
		[`${bin} analyze ${core}`]: 'unwinding …',
		[`${bin} doctor --config ${config}`]: 'checking …',
		[`ulimit -H -c 0; ${bin} crash-test segv --config ${config}`]: 'writing …',
	};
	const outputs = await Promise.all(Object.keys(commands).map((command) => onTerminal(command, environment)));
	for (const [index, line] of Object.values(commands).entries())
		expect(outputs[index]).toMatch(new RegExp(`\\r${line} *\\r {${line.length}}\\r`));
});
