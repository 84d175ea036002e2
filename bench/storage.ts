// What storing a core costs, beside what a shell would do: packing and hashing, copying, putting into a bucket, writing to a mount. All ways take the same
// files in turns, and are compared within each turn. Prints it, and writes docs/reference/storage.md.
//
// node bench/storage.ts [MEGABYTES…]: of the cores. Without any: 100, 1000 and 4000, some five minutes where nothing else runs, and 12 GB of disk; only
// then the page is written.
import { statSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../src/base/quantity.ts';
import { root, temporaryFolder } from '../test/support/crash.ts';
import { makeCore, makeSparse } from './storage/core.ts';
import { type Measured, type Sparse, storagePage } from './storage/page.ts';
import { type Cost, type Way, waysIn } from './storage/ways.ts';

const usual = [100, 1000, 4000];
/** So often the smallest cores are taken, as they differ most. */
const mostRounds = 3;

const [load = 0] = loadavg();
const sizes = process.argv.slice(2).map(Number);
await using folder = await temporaryFolder('milvus-coredump-agent-bench-');
const core = join(folder.path, 'core');
await using ways = await waysIn(folder.path);
for (const missing of ways.missing) say(`left out: ${missing}`);

const measured: Measured[] = [];
for (const megabytes of sizes.length > 0 ? sizes : usual) measured.push(await measure(megabytes));
const page = storagePage(measured, await sparse(4000, 50), load);
console.log(page);
if (sizes.length === 0) writeFileSync(join(root, 'docs/reference/storage.md'), page);

async function measure(megabytes: number): Promise<Measured> {
	await makeCore(core, megabytes * 1e6);
	const all = [ways.first, ...ways.others];
	const rounds = Math.max(1, Math.min(mostRounds, Math.round(2000 / megabytes)));
	const costs: (readonly Cost[])[] = [];
	for (let round = 0; round < rounds; round++) {
		const turn: Cost[] = [];
		for (const way of all) turn.push(await taken(way, megabytes));
		costs.push(turn);
	}
	return { megabytes, names: all.map(({ name }) => name), costs };
}

async function sparse(megabytes: number, dataMegabytes: number): Promise<Sparse> {
	const data = join(folder.path, 'data');
	await makeCore(data, dataMegabytes * 1e6);
	await makeSparse(core, megabytes * 1e6, data, dataMegabytes * 1e6);
	const { blocks } = statSync(core);
	say(`a core with holes: ${formatBytes(blocks * 512)} of ${formatBytes(megabytes * 1e6)} are there`);
	return { megabytes, dataMegabytes, whole: await taken(ways.local, megabytes, core), alone: await taken(ways.local, dataMegabytes, data) };
}

async function taken(way: Way, megabytes: number, path = core): Promise<Cost> {
	const cost = await way.take(path);
	say(`${megabytes} MB, ${way.name.replaceAll('`', '')}: ${cost.seconds.toFixed(2)} s, ${cost.cpuSeconds.toFixed(2)} s of the processor`);
	return cost;
}

function say(words: string): void {
	console.log(`${new Date().toISOString()} ${words}`);
}
