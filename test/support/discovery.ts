import { join } from 'node:path';
import { expect } from 'vitest';
import { type DiscoveryOptions, discovery, podTable } from '../../src/components/discovery/discovery.ts';
import { configSchema, nodeDefaults } from '../../src/config/schema.ts';
import { type Bodies, bodies, type Event } from '../../src/domain/events.ts';
import type { Intake } from '../../src/domain/intake.ts';
import { connect, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import { Journal } from '../../src/journal/journal.ts';
import { temporaryFolder } from './crash.ts';
import { listening } from './telemetry.ts';

type Options = Partial<DiscoveryOptions> & {
	readonly kubeconfig: string;
	readonly node: string;
	/** For each request to the API. */
	readonly timeoutMs?: number;
	/** Before the journal takes an event. */
	readonly beforeAppend?: (event: Event) => void;
};

/** Discovery on a node, with a journal of its own, which a later one finds as it was left. */
export async function discoveryOn({ kubeconfig, node, timeoutMs, beforeAppend = () => {}, ...more }: Options) {
	const folder = await temporaryFolder();
	const told: Event[] = [];
	const requests: RequestMade[] = [];
	const { telemetry, lines } = listening();
	const clock = { aheadMs: 0 };

	async function start() {
		const journal = new Journal(join(folder.path, 'journal.db'), {});
		const stop = new AbortController();
		const pods = podTable();
		const cluster = await connect({
			kubeconfig,
			environment: {},
			onRequest: (made) => requests.push(made),
			...(timeoutMs && { timeoutMs }),
		});
		const intake: Intake = {
			async append(...events) {
				for (const event of events) beforeAppend(event);
				const added = journal.append(...events);
				told.push(...added);
				return added;
			},
			isKnown: async (original) => journal.isKnown(original),
		};
		const bookmark = {
			read: () => journal.view.bookmark('restarts'),
			write: async (value: string) => journal.setBookmark('restarts', value),
		};
		const options: DiscoveryOptions = {
			...{ node, namespaces: 'all', selectors: configSchema(nodeDefaults).parse({}).discovery, maxAgeMs: 24 * 3600_000 },
			...{ scanIntervalMs: 30_000, podLogsPath: '/nowhere', logFolder: join(folder.path, 'logs') },
			...more,
		};
		const now = () => Date.now() + clock.aheadMs;
		const ended = discovery({ cluster, pods, intake, bookmark, telemetry, options, now }).run(stop.signal);
		return {
			pods,
			journal,
			async stop() {
				stop.abort();
				await ended;
				cluster[Symbol.dispose]();
				journal[Symbol.dispose]();
			},
		};
	}

	let running = await start();
	let isRunning = true;
	const of = <K extends Event['kind']>(kind: K) =>
		told.flatMap((event) => (event.kind === kind ? [bodies[kind].parse(event.body) as Bodies[K]] : []));
	return {
		/** What is told, line by line. */
		lines,
		/** All that were made. */
		requests,
		folder: folder.path,
		/** May be set forward. */
		clock,
		pods: () => running.pods,
		/** Events that were new to the journal. */
		restarts: () => of('RestartEvent'),
		keys: () => told.flatMap(({ kind, key }) => (kind === 'RestartEvent' ? [key] : [])),
		recoveries: () => of('RecoveryEvent'),
		/** Waits until so many ends are told. */
		async restartsAre(count: number, timeout = 20_000) {
			await expect.poll(() => of('RestartEvent').length, { timeout }).toBe(count);
			return of('RestartEvent');
		},
		/** Waits until the pods of the node are known. */
		complete: () => expect.poll(() => running.pods.isComplete, { timeout: 20_000 }).toBe(true),
		async stop() {
			if (isRunning) await running.stop();
			isRunning = false;
		},
		/** As the next process does it. @param prepare what was done to the journal in between */
		async restart(prepare: (journal: Journal) => void = () => {}) {
			await this.stop();
			const journal = new Journal(join(folder.path, 'journal.db'), {});
			prepare(journal);
			journal[Symbol.dispose]();
			running = await start();
			isRunning = true;
		},
		async [Symbol.asyncDispose]() {
			await this.stop();
			await folder[Symbol.asyncDispose]();
		},
	};
}

export type Discovered = Awaited<ReturnType<typeof discoveryOn>>;
