// How often a crash is given the right pod, over crashes that a seeded generator makes on simulated nodes, all situations mixed. Writes
// docs/reference/association.md; fails where the goal is missed.
//
// The truth is known, as it was made. The agent gets what the real producers give: whole seconds of the kubelet, names that are cut, exit codes
// through an init, cores that take from a tenth of a second to minutes, other pods that crash at the same time, looks that it missed; through the
// real readers of names, cgroups, journald and pods, into the real correlation on a real journal. Only the bytes of the cores are left out.
//
// An answer is right when it is the pod in which the process ran; or none, where nothing that the agent could know tells it: where another pod that
// fits by host name and namespace had a container too that ended then and so, or, where no container ended, another pod of that name was there.
// What is not of Milvus is right when it is left alone. `none` where the pod could be told counts as wrong, also where the agent was down.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Files } from './association/files.ts';
import { isRight, type Judged, judge } from './association/judge.ts';
import { simulatedNode } from './association/node.ts';
import { associationPage, figuresOf, isReached, tables } from './association/page.ts';
import { seeded } from './association/random.ts';
import { situations } from './association/situations.ts';
import { createWorld } from './association/world.ts';

export const page = join(import.meta.dirname, '../docs/reference/association.md');

const start = Date.parse('2026-11-23T06:00:00Z');
/** Between two situations on a node: what they leave mixes. */
const gapMs = 45_000;
/** What the page shows. */
export const asShown = { nodes: 16, rounds: 3, seed: 20261123 };

/** @param rounds on each node each situation begins so often, at any time and beside any other */
export async function association({ nodes, rounds, seed }: typeof asShown): Promise<Judged[]> {
	const judged: Judged[] = [];
	for (let index = 0; index < nodes; index++) judged.push(...(await onNode(`node-${index + 1}`, rounds, seed + index)));
	return judged;
}

async function onNode(name: string, rounds: number, seed: number): Promise<Judged[]> {
	const random = seeded(seed);
	const files: Files = new Map();
	await using world = await createWorld(name, start, files);
	const node = simulatedNode(world, files, random);
	let at = start;
	const left = Array.from({ length: rounds }, () => Object.entries(situations)).flat();
	while (left.length > 0) {
		const [[situation, begin] = ['', () => {}]] = left.splice(random.between(0, left.length), 1);
		at += random.gap(gapMs);
		world.at(at, () => begin(node, situation));
	}
	await world.run();
	return judge(node);
}

if (import.meta.main) {
	const judged = await association(asShown);
	writeFileSync(page, associationPage(judged));
	console.log(tables(judged).join('\n'));
	for (const { node, truth, verdict, association } of judged.filter((one) => !isRight(one))) {
		const time = new Date(truth.diedAt).toISOString();
		console.log(`${verdict}: ${truth.situation}: ${truth.pod?.name ?? 'the machine'} on ${node}, ${time}: ${association?.pod ?? 'none'}`);
	}
	if (!isReached(figuresOf(judged))) process.exitCode = 1;
}
