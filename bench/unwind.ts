// How long the verdict on a core takes, and how much memory: `analyze --no-gdb` by the program of the image, against `gdb -batch` and `eu-stack`, which
// print the stacks alone. On a real Milvus with 50,000 vectors, and on cores that grow in size and in threads. Each runs in turn with the others, so that
// they share what else the machine does; what is printed is the median of all rounds.
//
// node bench/unwind.ts [ROUNDS]: five minutes, and 5 GB of disk. As root, for the network of Milvus.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../scripts/bundle.ts';
import { formatBytes } from '../src/base/quantity.ts';
import { crash, program, temporaryFolder } from '../test/support/crash.ts';
import { functions } from '../test/support/milvus/functions.ts';
import { die, startMilvus } from '../test/support/milvus/milvus.ts';

type Cost = { readonly seconds: number; readonly peakBytes: number };
type Tool = { readonly name: string; readonly command: (core: string, executable: string) => readonly string[] };

/** As `bin/milvus-coredump-agent` sets it. */
const environment = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' };

const rounds = Number(process.argv[2] ?? 5);
await using folder = await temporaryFolder('milvus-coredump-agent-bench-');
const script = await bundle(folder.path);
const cache = { NODE_COMPILE_CACHE: join(folder.path, 'compile-cache') };

const tools: readonly Tool[] = [
	{
		name: 'verdict',
		command: (core) => [process.execPath, '--optimize-for-size', script, 'analyze', '--no-gdb', '--json', core],
	},
	{ name: 'eu-stack', command: (core) => ['eu-stack', `--core=${core}`] },
	{
		name: 'gdb',
		command: (core, executable) => [
			'gdb',
			'-nx',
			'-batch',
			'-iex',
			'set debuginfod enabled off',
			'-ex',
			'thread apply all bt',
			executable,
			core,
		],
	},
	{ name: 'node alone', command: () => [process.execPath, '-e', '0'] },
	{ name: 'the program alone', command: () => [process.execPath, '--optimize-for-size', script, '--version'] },
];

async function compare(what: string, core: string, executable: string): Promise<void> {
	const { size, blocks } = statSync(core);
	console.log(`\n${what}: ${formatBytes(size)}, of which ${formatBytes(blocks * 512)} on disk`);
	const costs = new Map<Tool, Cost[]>(tools.map((tool) => [tool, []]));
	for (let round = 0; round < rounds; round++) for (const tool of tools) costs.get(tool)?.push(await cost(tool.command(core, executable)));
	const ours = medianOf(costs.get(tools[0] as Tool)?.map(({ seconds }) => seconds) ?? []);
	for (const [{ name }, all] of costs) {
		const seconds = medianOf(all.map((one) => one.seconds));
		const peak = medianOf(all.map(({ peakBytes }) => peakBytes));
		console.log(
			`  ${name.padEnd(18)} ${seconds.toFixed(2).padStart(6)} s  ${formatBytes(peak).padStart(9)}  ${(seconds / ours).toFixed(1)} times the verdict`,
		);
	}
}

/** Its peak is read as it goes along: nobody tells it afterwards. */
async function cost([command = '', ...args]: readonly string[]): Promise<Cost> {
	const start = performance.now();
	const child = spawn(command, args, {
		stdio: ['ignore', 'pipe', 'ignore'],
		env: { ...process.env, ...environment, ...cache },
	});
	child.stdout.pipe(createWriteStream('/dev/null'));
	let peakBytes = 0;
	const timer = setInterval(() => (peakBytes = Math.max(peakBytes, peakOf(child.pid))), 5);
	await once(child, 'exit');
	clearInterval(timer);
	return { seconds: (performance.now() - start) / 1000, peakBytes };
}

function peakOf(pid: number | undefined): number {
	try {
		return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
	} catch {
		return 0; // it has just ended
	}
}

const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

{
	await using server = await startMilvus({ isSearching: true, rows: 50_000 });
	const core = await die(server, { by: 'bad pointer', in: functions.searchKnn, register: 'rsi', pointer: 0x10 });
	await compare('Milvus with 50,000 vectors, a bad pointer in a search', core, server.program);
}
for (const megabytes of ['1', '100', '1000']) {
	await using crashed = await crash(await program('faults.c'), ['null'], { environment: { FILL_MB: megabytes } });
	await compare(`one thread, ${megabytes} MB of data`, crashed.core, await program('faults.c'));
}
for (const threads of ['2', '50', '500']) {
	await using crashed = await crash(await program('faults.c'), ['fifty'], { environment: { THREADS: threads } });
	await compare(`${threads} threads`, crashed.core, await program('faults.c'));
}
