// What storage must bear: agents that are killed at random moments of a thousand uploads, two of them on one store, a store that is away while a hundred
// crashes come. Says what was lost, doubled, half-written or left behind.
//
// node test/soak/soak.ts [--uploads N] [--minutes N] [--backend local|s3|nfs]… [--nodes 1|2] [--seed N]
// node test/soak/soak.ts --outage 10m [--cores N] [--seed N]
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../../scripts/bundle.ts';
import { formatBytes } from '../../src/base/quantity.ts';
import { temporaryFolder } from '../support/crash.ts';
import { type Storm, stormOfKills } from './kills.ts';
import { outage } from './outage.ts';
import { type Kind, kinds, storeOf } from './stores.ts';

const { values } = parseArgs({
	options: {
		uploads: { type: 'string', default: '1000' },
		/** Ends the kills of each store after so long, however few uploads were hit. */
		minutes: { type: 'string', default: 'Infinity' },
		backend: { type: 'string', multiple: true, default: [...kinds] },
		nodes: { type: 'string', default: '1' },
		outage: { type: 'string' },
		cores: { type: 'string', default: '100' },
		seed: { type: 'string', default: String(Date.now() % 1_000_000) },
	},
});
const seed = Number(values.seed);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));
await using folder = await temporaryFolder();
const program = await bundle(join(folder.path, 'app'));
console.log(`seed ${seed}`);
if (values.outage !== undefined) await away(values.outage);
else for (const kind of values.backend as Kind[]) await storm(kind);

async function storm(kind: Kind): Promise<void> {
	await using store = await storeOf(kind);
	const figures = ({ kills, uploads, halves, cores }: Storm) =>
		`${kills} kills hit ${uploads} uploads and left ${halves} files half-written; ${cores} cores`;
	const { problems, ...result } = await stormOfKills(store, {
		program,
		uploads: Number(values.uploads),
		longestMs: Number(values.minutes) * 60_000,
		seed,
		hostNames: values.nodes === '1' ? [undefined] : ['node-a', 'node-bb'],
		signal: stop.signal,
		onProgress: (sofar) => say(`${kind}: ${figures(sofar)}`),
	});
	say(`${kind}: ${figures(result)}; ${result.looks} looks at final names meanwhile`);
	tell(problems);
}

async function away(length: string): Promise<void> {
	const [, count, unit] = /^(\d+)(s|m)$/.exec(length) ?? [];
	if (count === undefined) throw new Error(`--outage ${length}: expected 90s or 10m`);
	const outageMs = Number(count) * (unit === 'm' ? 60_000 : 1_000);
	const result = await outage({ program, outageMs, cores: Number(values.cores), seed, signal: stop.signal });
	const { seconds, connections, asked, slowestMs, memory, recoverySeconds, problems } = result;
	say(`away for ${seconds.toFixed(0)} s while ${values.cores} crashes came: ${connections} connections`);
	say(`metrics answered ${asked} times, in ${slowestMs.toFixed(0)} ms at the latest`);
	const [before, meanwhile, after] = [memory.before, memory.away, memory.after].map(formatBytes);
	say(
		`its own memory: ${before} before, ${meanwhile} at most meanwhile, ${after} until all was stored, ${recoverySeconds.toFixed(0)} s later`,
	);
	tell(problems);
}

function tell(problems: readonly string[]): void {
	say(problems.length === 0 ? 'nothing lost, doubled, half-written or left behind' : problems.join('\n'));
	if (problems.length > 0) process.exitCode = 1;
}

function say(words: string): void {
	console.log(`${new Date().toISOString()} ${words}`);
}
