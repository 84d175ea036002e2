import { createHash } from 'node:crypto';
import { outboxOf } from '../../src/agent/outbox.ts';
import { createSteadily } from '../../src/agent/steadily.ts';
import { type PublisherOptions, publisher } from '../../src/components/monitor/monitor.ts';
import type { KnownPod, Owner, Pods } from '../../src/domain/pod.ts';
import type { Analysis, Association } from '../../src/domain/report.ts';
import { connect, type RequestMade } from '../../src/drivers/kubernetes/kubernetes.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { events } from './events.ts';
import { listening } from './telemetry.ts';

export type Crash = {
	readonly index: number;
	/** Epoch milliseconds; the index in seconds before now where it is not given. */
	readonly time?: number;
	readonly association: Partial<Association>;
	readonly analysis?: Partial<Analysis>;
};

/** Where a crash was. */
export const placeIn = (namespace: string, pod = 'my-release-querynode-0') => ({
	node: 'node-1',
	namespace,
	pod,
	podUid: `uid-of-${pod}`,
	container: 'querynode',
	instance: 'my-release',
	component: 'querynode',
});

/** Ids that are alike in nothing. */
export const idOf = (index: number) => createHash('sha256').update(String(index)).digest('hex').slice(0, 12);

/** A crash is found and analysed. @returns its id */
export function crash(journal: Journal, { index, time = Date.now() - 1000, association: place, analysis }: Crash): string {
	const { found, analysed } = events(idOf(index));
	const association: Association = { method: 'cgroup', confidence: 'exact', ...place };
	journal.append(
		{ ...found, body: { ...found.body, time: new Date(time).toISOString(), association } },
		{ ...analysed, body: { ...analysed.body, analysis: { ...analysed.body.analysis, association, ...analysis } } },
	);
	return found.key;
}

/** Its core is stored. */
export const store = (journal: Journal, id: string) => journal.append(events(id).stored);

/** Pods by their uids, with their controllers. */
export function podsOf(owned: Readonly<Record<string, { readonly namespace: string; readonly owner?: Owner }>> = {}): Pods {
	const all = Object.entries(owned).map(([uid, { namespace, owner }]): KnownPod => {
		const pod = { uid, namespace, name: uid, node: 'node-1', labels: {}, annotations: {}, hostname: uid };
		return {
			pod: { ...pod, owner, isHostNetwork: false, startedAt: undefined, isEnding: false, containers: [] },
			membership: undefined,
			ends: [],
		};
	});
	return {
		isComplete: true,
		isBehind: false,
		byUid: (uid) => all.find(({ pod }) => pod.uid === uid),
		byHostname: () => [],
		all: () => all,
	};
}

export type Publishing = AsyncDisposable & {
	/** The requests of the agent, the oldest first. */
	readonly requests: readonly RequestMade[];
	/** Requests that change something, by resource. */
	writes(resource?: string): number;
	/** Why the publisher is not ready; empty: it is. */
	problem(): string | undefined;
	readonly lines: ReturnType<typeof listening>['lines'];
};

/** A publisher that works on a journal until the end of the block, as in an agent. */
export async function publishing(
	kubeconfig: string,
	journal: Journal,
	options: Partial<PublisherOptions> & Pick<PublisherOptions, 'node' | 'namespace'>,
	pods: Pods = podsOf(),
): Promise<Publishing> {
	const requests: RequestMade[] = [];
	const cluster = await connect({ kubeconfig, environment: {}, onRequest: (made) => requests.push(made) });
	const { telemetry, lines } = listening();
	const stop = new AbortController();
	const over = new AbortController();
	const outbox = outboxOf(journal, createSteadily(telemetry, stop.signal), over.signal);
	const running = publisher({ cluster, outbox, pods, telemetry, options }).run(stop.signal);
	running.catch(() => {}); // told at the end
	return {
		requests,
		lines,
		writes: (resource) =>
			requests.filter((made) => made.verb !== 'list' && made.verb !== 'get' && (resource ?? made.resource) === made.resource).length,
		problem: () => {
			const state = telemetry.states.get('publisher');
			return state && (state.ready ? '' : state.reason);
		},
		async [Symbol.asyncDispose]() {
			stop.abort();
			await running;
			over.abort();
			cluster[Symbol.dispose]();
		},
	};
}
