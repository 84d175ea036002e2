import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../../bench/association/random.ts';
import { until } from '../support/until.ts';
import { deliverTo, soakCore } from './cores.ts';
import { type Given, judge } from './judge.ts';
import { ledgerOf, progressOf } from './ledger.ts';
import { type SoakNode, soakNode } from './node.ts';
import { observe } from './observer.ts';
import type { SoakStore } from './stores.ts';

export type StormOptions = {
	/** The file of the agent: `scripts/bundle.ts`. */
	readonly program: string;
	/** How many uploads are to be hit on each node; what a kill finds in hand are up to three: two cores and a report. */
	readonly uploads: number;
	/** It is over after so long, however few were hit. */
	readonly longestMs?: number;
	readonly seed: number;
	/** The nodes that share the store; absent: one, this machine. */
	readonly hostNames?: readonly (string | undefined)[];
	readonly signal?: AbortSignal;
	readonly onProgress?: (storm: Storm) => void;
};

export type Storm = {
	kills: number;
	/** Uploads that were under way when the agent was killed. */
	uploads: number;
	/** What was half-written in the store then. */
	halves: number;
	/** How many were given. */
	cores: number;
	/** Files that were read under their final names meanwhile. */
	looks: number;
};

/** So many cores wait, so that something is always being stored. */
const waiting = 10;
/** What killed an agent three times is put off: an agent that finds nothing due has to wait. */
const longestLifeMs = 10_000;

/**
 * Kills agents again and again while they store cores, and compares what is there in the end with what they were given. Every third core is the same on
 * all nodes.
 *
 * @returns in words what was lost, doubled or half-written
 */
export async function stormOfKills(store: SoakStore, options: StormOptions): Promise<Storm & { readonly problems: readonly string[] }> {
	const { program, hostNames = [undefined] } = options;
	const storm: Storm = { kills: 0, uploads: 0, halves: 0, cores: 0, looks: 0 };
	await using nodes = new AsyncDisposableStack();
	const observer = observe(store);
	const given = await Promise.all(
		hostNames.map(async (hostName) => killed(nodes.use(await soakNode(program, store, hostName)), hostName, store, options, storm)),
	);
	await observer.stop();
	return { ...storm, looks: observer.count(), problems: await judge(store, given, observer) };
}

async function killed(
	node: SoakNode,
	hostName = '',
	store: SoakStore,
	{ uploads: wanted, longestMs = Number.POSITIVE_INFINITY, seed, signal, onProgress }: StormOptions,
	storm: Storm,
): Promise<Given> {
	const random = seeded(seed + hostName.length);
	const core = (index: number) => soakCore(seed, index, hostName, index % 3 === 0 ? '' : hostName);
	/** An agent lives no longer: so long that it comes on, and still has something to do. */
	let lifeMs = 500;
	let uploads = 0;
	let stored = 0;
	let count = 0;
	// What one that ends by itself has compiled, the others find.
	const first = node.start();
	await first.line('storage is ready');
	await first.stop();
	const end = performance.now() + longestMs;
	while (uploads < wanted && performance.now() < end) {
		signal?.throwIfAborted();
		for (; count < stored + waiting; count++) {
			deliverTo(node.cores, core(count));
			storm.cores++;
		}
		const agent = node.start();
		await agent.line(random.isTrue(0.2) ? 'agent started' : 'storage is ready');
		await delay(random.between(0, lifeMs));
		await agent.kill();
		const { inHand, stored: now } = progressOf(node.journal);
		lifeMs = now - stored < 3 ? Math.min(longestLifeMs, 1.1 * lifeMs) : 0.8 * lifeMs;
		uploads += inHand;
		stored = now;
		storm.uploads += inHand;
		storm.halves += (await store.halves()).length;
		storm.kills++;
		if (storm.kills % 50 === 0) onProgress?.(storm);
	}
	const agent = node.start();
	await settled(node, count, signal);
	await agent.stop();
	return { node, count, core };
}

/** Waits until so many cores have come to their end. */
export async function settled(node: SoakNode, count: number, signal?: AbortSignal): Promise<void> {
	await until(
		'everything is settled',
		() => {
			signal?.throwIfAborted();
			const { backlog, reports } = ledgerOf(node.journal);
			return { backlog, reports: reports.length };
		},
		({ backlog, reports }) => backlog === 0 && reports === count,
		15 * 60_000,
	);
}
