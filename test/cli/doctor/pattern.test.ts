import { join } from 'node:path';
import { expect, test } from 'vitest';
import { patternCheck } from '../../../src/cli/doctor/pattern.ts';
import { loadConfig } from '../../../src/config/config.ts';
import { canSetPattern, exec, mountTest, root, setCorePattern, temporaryFolder } from '../../support/crash.ts';

test.skipIf(!canSetPattern)(
	'every kind of kernel.core_pattern is understood, with what to do where the agent would miss cores',
	async () => {
		await using folder = await temporaryFolder();
		const here = folder.path;
		const gone = join(here, 'gone');
		const cases: readonly (readonly [pattern: string, cores: string, state: string, finding: RegExp, todo?: RegExp])[] = [
			[`${here}/core.%p`, here, 'ok', /cores go to/],
			[`${here}/core.%p`, `/host${here}`, 'error', /is not there/, /mkdir/],
			[`${here}/core.%p`, '/elsewhere', 'warning', /the agent looks in \/elsewhere/, /^set collector\.coredumpPath to /],
			[`${gone}/core.%p`, gone, 'error', /gone, which is not there: the kernel does not make it/, /^as root: mkdir -m 1777 -p .*\/gone$/],
			[`${here}/%e/core.%p`, here, 'warning', /each crash has a folder of its own below/, /sysctl -w kernel\.core_pattern=/],
			['core', here, 'warning', /"core" is relative/, /mkdir .* && sysctl/],
			['', here, 'error', /is empty: no core is written/, /mkdir .* && sysctl/],
			['|/usr/bin/handler %p', here, 'warning', /handed to \/usr\/bin\/handler;/, /coredumpPath/],
		];
		for (const [pattern, coredumpPath, state, finding, todo] of cases) {
			await using _pattern = await setCorePattern(pattern);
			const { config } = loadConfig({ mode: 'standalone', paths: { stateHome: here, corePatternDirectory: coredumpPath } });
			const check = await patternCheck(config);
			expect([pattern, check.state, check.finding]).toEqual([pattern, state, expect.stringMatching(finding)]);
			if (todo) expect(check.todo).toMatch(todo);
		}
	},
);

mountTest('systemd-coredump keeps cores only while somebody listens on its socket', async () => {
	await using folder = await temporaryFolder();
	await using _pattern = await setCorePattern('|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h');
	const script = `
		import { createServer } from 'node:net';
		import { patternCheck } from ${JSON.stringify(join(root, 'src/cli/doctor/pattern.ts'))};
		const tell = async () => { const { state, finding, todo } = await patternCheck({ collector: { coredumpPath: '/var/lib/systemd/coredump' } }); console.log([state, finding, todo].filter(Boolean).join(' | ')); };
		await tell();
		const server = createServer().listen('/run/systemd/coredump', async () => { await tell(); server.close(); });`;
	// In namespaces of its own, so that neither a socket of this machine is seen nor one is left.
	const shell = 'mount -t tmpfs none /run && mkdir /run/systemd && exec "$0" --input-type=module-typescript -e "$1"';
	const { stdout } = await exec('unshare', ['--mount', '--net', 'sh', '-c', shell, process.execPath, script], { cwd: folder.path });
	expect(stdout.trim().split('\n')).toEqual([
		'error | systemd-coredump gets the cores, but nobody listens on its socket /run/systemd/coredump: they are lost | as root: systemctl enable --now systemd-coredump.socket',
		'ok | systemd-coredump keeps cores in /var/lib/systemd/coredump',
	]);
});
