// What starting costs: the source as a checkout runs it, and the one file of the image. Prints it.
//
// node bench/bundle.ts [ROUNDS]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from '../scripts/bundle.ts';
import { formatBytes } from '../src/base/quantity.ts';
import { bin } from '../test/support/cli.ts';
import { root, temporaryFolder } from '../test/support/crash.ts';

await using folder = await temporaryFolder();
const place = (name: string) => join(folder.path, name);
const options =
	readFileSync(bin, 'utf8')
		.match(/^exec \S+ (.*) \S+ "\$@"$/m)?.[1]
		?.split(' ') ?? [];
const run = [process.execPath, ...options];
const ways: Readonly<Record<string, readonly string[]>> = {
	'source, compiled before': [bin],
	source: [...run, join(root, 'src/main.ts')],
	bundle: [...run, await bundle(place('app'))],
};
mkdirSync(place('cores'));
writeFileSync(
	place('config.yaml'),
	JSON.stringify({
		collector: { coredumpPath: place('cores') },
		storage: { localPath: place('stored') },
		journal: { path: place('journal.db') },
		monitor: { metricsPort: 0, healthPort: 0 },
	}),
);

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Of `--version`. */
async function startMs([command = '', ...args]: readonly string[]): Promise<number> {
	const from = performance.now();
	await once(spawn(command, [...args, '--version'], { stdio: 'ignore' }), 'exit');
	return performance.now() - from;
}

/** Of an agent that has just said that it is there. */
async function agentMemory([command = '', ...args]: readonly string[]): Promise<number> {
	const child = spawn(command, [...args, 'agent', '--standalone', '--config', place('config.yaml')], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	await once(createInterface({ input: child.stdout }), 'line');
	const kilobytes = readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+)/m)?.[1];
	child.kill();
	await once(child, 'exit');
	return Number(kilobytes) * 1024;
}

const rounds = Number(process.argv[2] ?? 7);
for (const [name, way] of Object.entries(ways)) {
	await startMs(way);
	const starts: number[] = [];
	const memories: number[] = [];
	for (let round = 0; round < rounds; round++) {
		starts.push(await startMs(way));
		memories.push(await agentMemory(way));
	}
	console.log(`${name}: \`--version\` in ${median(starts).toFixed(0)} ms, an agent that starts takes ${formatBytes(median(memories))}`);
}
