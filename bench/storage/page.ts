import { availableParallelism } from 'node:os';
import { formatBytes } from '../../src/base/quantity.ts';
import type { Cost } from './ways.ts';

/** Of cores of one size: the costs of each way, the first being what the others are compared with, in each round. */
export type Measured = {
	readonly megabytes: number;
	readonly names: readonly string[];
	readonly costs: readonly (readonly Cost[])[];
};

/** Of a core with holes, and of what is in it by itself. */
export type Sparse = { readonly megabytes: number; readonly dataMegabytes: number; readonly whole: Cost; readonly alone: Cost };

/** @param load of the machine before it began, in processes that want a processor */
export function storagePage(measured: readonly Measured[], sparse: Sparse, load: number): string {
	return `# Storing

<!-- Made by \`npm run bench:storage\`. -->

What it costs to store a core, from the file that was found to the verified object, beside what a shell would do with the same file. The agent packs (\`zstd -1\`), hashes what is packed while it writes, syncs, reads it back and hashes it again; into a bucket it sends it in parts, each with a checksum that the server compares, and asks for the object afterwards. Measured on ${availableParallelism()} processors, which all parts share: the S3 server (versitygw) too, and the file system in user space that stands for NFS. When it began, ${load.toFixed(0)} other processes wanted them.

The cores are made: a third untouched memory, a third random vectors, a third memory of a real process. ${measured
		.map(
			({ megabytes, costs }) =>
				`${megabytes} MB become ${formatBytes(Math.max(...costs.flat().map(({ packedBytes = 0 }) => packedBytes)))}`,
		)
		.join(', ')}.

Times, and what a way takes of the processor (without server and mount), are the medians of several turns; the ratios are those to \`zstd -1 | sha256sum\` within the same turn.

${measured.map(tableOf).join('\n\n')}

## Memory

The most that the process had at a time, run from source, before it began and in the end, and that the programs had that it started (\`zstd\`, and for NFS a helper of its own), which live only as long as the work does.

| | before | ${measured.map(({ megabytes }) => `${megabytes} MB`).join(' | ')} | programs |
| --- | ---: | ${measured.map(() => '---:').join(' | ')} | --- |
${memoryRows(measured).join('\n')}

## Holes

A core of ${sparse.megabytes} MB of which ${sparse.dataMegabytes} MB are data takes ${sparse.whole.seconds.toFixed(1)} s (${sparse.whole.cpuSeconds.toFixed(1)} s of the processor) and becomes ${formatBytes(sparse.whole.packedBytes ?? 0)}; the data alone takes ${sparse.alone.seconds.toFixed(1)} s (${sparse.alone.cpuSeconds.toFixed(1)} s) and becomes ${formatBytes(sparse.alone.packedBytes ?? 0)}. So a gigabyte of holes costs ${holeSeconds(sparse).toFixed(1)} s of the processor, where one of data costs ${((sparse.alone.cpuSeconds / sparse.dataMegabytes) * 1000).toFixed(1)} s: they are read, as nothing in Node asks a file where its data is.
`;
}

const holeSeconds = ({ megabytes, dataMegabytes, whole, alone }: Sparse) =>
	((whole.cpuSeconds - alone.cpuSeconds) / (megabytes - dataMegabytes)) * 1000;

function tableOf({ megabytes, names, costs }: Measured): string {
	const rows = names.map((name, way) => {
		const of = (value: (cost: Cost) => number) => median(costs.map((turn) => value(costIn(turn, way))));
		const against = (value: (cost: Cost) => number) => median(costs.map((turn) => value(costIn(turn, way)) / value(costIn(turn, 0))));
		const seconds = (cost: Cost) => cost.seconds;
		const cpu = (cost: Cost) => cost.cpuSeconds;
		return `| ${name.replaceAll('|', '\\|')} | ${of(seconds).toFixed(2)} s | ${(megabytes / of(seconds)).toFixed(0)} MB/s | ${against(seconds).toFixed(2)} | ${of(cpu).toFixed(2)} s | ${against(cpu).toFixed(2)} |`;
	});
	return `## ${megabytes} MB

| | time | | ratio | processor | ratio |
| --- | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}`;
}

function memoryRows(measured: readonly Measured[]): string[] {
	const names = measured[0]?.names ?? [];
	return names.flatMap((name, way) => {
		const costs = measured.map((one) => one.costs.map((turn) => costIn(turn, way)));
		if (costs.flat().every(({ peakBytes }) => peakBytes === undefined)) return [];
		const start = formatBytes(Math.max(...costs.flat().map(({ startBytes = 0 }) => startBytes)));
		const peaks = costs.map((those) => formatBytes(Math.max(...those.map(({ peakBytes = 0 }) => peakBytes))));
		const programs = new Map<string, number>();
		for (const [program, bytes] of costs.flat().flatMap(({ programs = new Map() }) => [...programs]))
			programs.set(program, Math.max(bytes, programs.get(program) ?? 0));
		return [
			`| ${name} | ${start} | ${peaks.join(' | ')} | ${[...programs].map(([program, bytes]) => `${program} ${formatBytes(bytes)}`).join(', ')} |`,
		];
	});
}

function costIn(turn: readonly Cost[], way: number): Cost {
	const cost = turn[way];
	if (!cost) throw new Error('a way was not taken');
	return cost;
}

const median = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
