import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { crashTest, exec, root, temporaryFolder, underPattern } from '../support/crash.ts';

for (const [where, limit] of [
	['where the kernel writes cores', ''],
	['where the hard limit lets it write none', 'ulimit -H -c 0; '],
] as const) {
	crashTest(`the demo crashes a program, stores its core and shows the report, ${where}`, async () => {
		await using folder = await temporaryFolder();
		// A checkout of its own, as far as the demo writes into it.
		mkdirSync(join(folder.path, 'scripts'));
		copyFileSync(join(root, 'scripts/demo.ts'), join(folder.path, 'scripts/demo.ts'));
		for (const name of ['src', 'bin']) symlinkSync(join(root, name), join(folder.path, name));
		const shell = `${limit}exec "$0" --disable-warning=ExperimentalWarning scripts/demo.ts`;
		const [command = '', ...args] = [...underPattern, 'bash', '-c', shell, process.execPath];
		const { stdout } = await exec(command, args, { cwd: folder.path });
		const sections = stdout.split(/^=== /m).slice(1);
		expect(sections.map((text) => text.split('\n')[0])).toEqual([
			'1. A program crashes, for real',
			'2. The agent finds, analyses and stores the core',
			'3. The report',
			'Next',
		]);
		const [crash = '', agent, report = '', next] = sections;
		if (limit) expect(crash).toContain('so gdb writes the core at the crash');
		expect(agent).toMatch(/Found coredump file.*analysed: .*stored /s);
		expect(report).toMatch(/SIGSEGV at 0x10 in read_row_count.*read_row_count.*SHA-256 +[0-9a-f]{64}/s);
		const sum = /^ {2}sha256sum (\S+)/m.exec(next ?? '')?.[1] ?? '';
		expect((await exec('sha256sum', [sum], { cwd: folder.path })).stdout.slice(0, 64)).toBe(/SHA-256 +(\w+)/.exec(report)?.[1]);
		expect(readFileSync(join(folder.path, '.demo/config.yaml'), 'utf8')).toContain('# Made by `npm run demo`.');
	});
}
