import { rmSync } from 'node:fs';
import { expect } from 'vitest';
import { deliver, expectOneWhole, installation, settled } from '../support/agent.ts';
import { cli } from '../support/cli.ts';
import { crashTest, exec } from '../support/crash.ts';

crashTest(
	'a core that an agent stored comes back while it runs, opens in gdb, and is known to be whole',
	async () => {
		await using home = await installation();
		const agent = await home.start();
		const original = await deliver(home, 'null');
		await settled(home);
		await expectOneWhole(home, original);
		const [report] = home.reports();
		const run = (command: string, ...args: string[]) => cli([command, '--config', home.config, ...args], { cwd: home.path });
		const fetched = await run('fetch', report?.id ?? '', '-o', 'fetched.zst');
		expect(fetched).toEqual({ code: 0, stdout: `${home.place('fetched.zst')}\n`, stderr: '' });
		await exec('bash', ['-c', 'cmp <(zstd -dc "$0") "$1"', home.place('fetched.zst'), original]);
		rmSync(original);
		const { stdout } = await run('gdb', report?.id ?? '', '--', '-batch', '-ex', 'bt');
		expect(stdout).toMatch(/#0 .*write_null/);
		expect(await run('verify')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1 of 1 stored cores are as they were stored/) });
		expect(await run('import', home.place('fetched.zst'))).toMatchObject({
			code: 2,
			stderr: expect.stringContaining('an agent is running'),
		});
		await agent.stop();
		expect(await run('import', home.place('fetched.zst'))).toMatchObject({
			code: 0,
			stdout: expect.stringContaining(`${report?.id}  is known`),
		});
		expect(await run('import', home.place('stored'))).toMatchObject({ code: 0, stdout: expect.stringMatching(/\n1 known\n$/) });
	},
	120_000,
);
