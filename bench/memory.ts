// How much memory the agent of the image takes, its children not counted, when cores arrive: one, three and eight large ones at once, and a hundred small
// ones at once. Prints for each store and way of packing what the agent takes before, at most (VmHWM), and afterwards, and how long it took.
//
// node bench/memory.ts [MEGABYTES [WORDS]]: of the large cores; only the cases that have these words in their names, as in `150 s3 8`.
// A quarter of an hour, and 6 GB of disk.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from '../scripts/bundle.ts';
import { formatBytes } from '../src/base/quantity.ts';
import { readJournal } from '../src/journal/journal.ts';
import { crash, exec, program, root, temporaryFolder } from '../test/support/crash.ts';
import { s3Server } from '../test/support/s3/server.ts';
import { until } from '../test/support/until.ts';

/** What the agent shall stay under, children not counted. */
const limitBytes = 128 << 20;

type Case = { readonly store: 'local' | 's3'; readonly cores: readonly string[]; readonly name: string };
type Usage = { readonly residentBytes: number; readonly peakBytes: number };

const [megabytes = '150', ...words] = process.argv.slice(2);
await using folder = await temporaryFolder('milvus-coredump-agent-bench-');
const place = (...names: string[]) => join(folder.path, ...names);
await using server = await s3Server();
const agent = await imageAgent();

/** Copies of a real core, each a crash of its own to the agent, as it has another inode. What it is filled with hardly gets smaller by packing. */
async function coresOf(kind: string, count: number, fill: string, isPacked: boolean): Promise<readonly string[]> {
	await using crashed = await crash(await program('faults.c'), [kind], { environment: { FILL_MB: fill } });
	const ending = isPacked ? '.zst' : '';
	if (isPacked) await exec('zstd', ['-q', '-1', crashed.core]);
	return Array.from({ length: count }, (_, index) => {
		const copy = place(`core-${kind}-${index}${ending}`);
		copyFileSync(`${crashed.core}${ending}`, copy);
		return copy;
	});
}

/** The bundle, started as the image starts it. */
async function imageAgent(): Promise<string> {
	const wrapper = readFileSync(join(root, 'image/milvus-coredump-agent'), 'utf8')
		.replace('/usr/local/bin/node', process.execPath)
		.replace('/opt/milvus-coredump-agent/milvus-coredump-agent.mjs', await bundle(place('app')));
	writeFileSync(place('agent'), wrapper);
	chmodSync(place('agent'), 0o755);
	return place('agent');
}

/** All cores at once. */
async function measure({ store, cores }: Case): Promise<{ readonly idle: Usage; readonly end: Usage; readonly seconds: number }> {
	await using home = await temporaryFolder('milvus-coredump-agent-bench-home-');
	const own = (name: string) => join(home.path, name);
	mkdirSync(own('cores'));
	const sections = {
		collector: { coredumpPath: own('cores') },
		analyzer: { scratchPath: own('scratch') },
		// As if each was another bug.
		storage: { backend: store, localPath: own('stored'), s3: store === 's3' ? server.options : {}, sampling: { full: 1000, slim: 0 } },
		journal: { path: own('journal.db') },
		monitor: { metricsPort: 0, healthPort: 0 },
	};
	writeFileSync(own('config.yaml'), JSON.stringify(sections)); // which is YAML
	const child = spawn(agent, ['agent', '--standalone', '--config', own('config.yaml')], { stdio: ['ignore', 'pipe', 'inherit'] });
	const ended = once(child, 'exit');
	const log = createInterface({ input: child.stdout });
	for await (const line of log) if (JSON.parse(line).msg === 'storage is ready') break;
	child.stdout.resume();
	const idle = usageOf(child.pid);
	const from = performance.now();
	for (const core of cores) renameSync(core, join(own('cores'), basename(core)));
	await until(
		'all are stored',
		() => storedIn(own('journal.db')),
		(count) => count === cores.length,
		20 * 60_000,
	);
	const seconds = (performance.now() - from) / 1000;
	const end = usageOf(child.pid);
	for (const core of cores) renameSync(join(own('cores'), basename(core)), core);
	child.kill();
	await ended;
	return { idle, end, seconds };
}

function storedIn(path: string): number {
	using journal = readJournal(path);
	return [...journal.reports()].filter(({ status }) => status === 'stored').length;
}

/** proc(5): of that process alone. */
function usageOf(pid: number | undefined): Usage {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
	return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
}

const raw = await coresOf('fifty', 8, megabytes, false);
const packed = await coresOf('fifty', 8, megabytes, true);
const small = await coresOf('null', 100, '0', false);
const size = formatBytes(statSync(raw[0] ?? '').size);
const cases = (['local', 's3'] as const).flatMap((store): Case[] => [
	...[1, 3, 8].flatMap((count) => [
		{ store, cores: raw.slice(0, count), name: `${store}: ${count} of ${size}, raw` },
		{ store, cores: packed.slice(0, count), name: `${store}: ${count} of ${size}, packed` },
	]),
	{ store, cores: small, name: `${store}: ${small.length} of ${formatBytes(statSync(small[0] ?? '').size)}, raw` },
]);
let highest = 0;
for (const one of cases.filter(({ name }) => words.every((word) => name.includes(word)))) {
	const { idle, end, seconds } = await measure(one);
	highest = Math.max(highest, end.peakBytes);
	const [before, most, after] = [idle.residentBytes, end.peakBytes, end.residentBytes].map(mebibytes);
	console.log(`${one.name}: idle ${before}, at most ${most}, then ${after}, in ${seconds.toFixed(1)} s`);
}
console.log(`at most ${mebibytes(highest)}, which is ${highest < limitBytes ? '' : 'NOT '}below ${mebibytes(limitBytes)}`);

function mebibytes(bytes: number): string {
	return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
