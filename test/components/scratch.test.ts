import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder, sweepScratch } from '../../src/components/analyzer/analyzer.ts';
import { root, temporaryFolder } from '../support/crash.ts';

test('only the folders of processes that are no more are swept, also where their pids were given again', async () => {
	await using parent = await temporaryFolder();
	await using own = await scratchFolder(parent.path);
	const script = `
		import { scratchFolder } from ${JSON.stringify(join(root, 'src/components/analyzer/analyzer.ts'))};
		console.log((await scratchFolder(process.argv[1])).path);
		setInterval(() => {}, 1000);`;
	const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, parent.path], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const [line] = await once(child.stdout, 'data');
	const others = basename(String(line).trim());
	const namesake = basename(own.path).replace(/^analysis-(\d+)-\d+-/, 'analysis-$1-17-');
	for (const name of [namesake, 'analysis-of-somebody', 'core']) mkdirSync(join(parent.path, name));
	await sweepScratch(parent.path);
	const kept = ['analysis-of-somebody', basename(own.path), 'core', others].sort();
	expect(readdirSync(parent.path).sort()).toEqual(kept);
	child.kill('SIGKILL');
	await once(child, 'exit');
	await sweepScratch(parent.path);
	expect(readdirSync(parent.path).sort()).toEqual(kept.filter((name) => name !== others));
});
