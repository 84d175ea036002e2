import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, isKubernetesError, KubernetesUnavailable, type Written } from '../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { candidacy, type Timing, usualTiming } from './candidacy.ts';
import { collectionOf, givenBack, heldBy, type Lease, type Place, pathOf, seenIn } from './lease.ts';
import { beginTerm, type Term } from './term.ts';

export type { Timing } from './candidacy.ts';

/** What the leader does, until the signal. It is given the cluster, which takes no write from it once the term is over. */
export type LeadersWork = (cluster: Cluster, signal: AbortSignal) => Promise<void>;

export type LeaderDeps = {
	readonly cluster: Cluster;
	readonly telemetry: Telemetry;
	readonly work: LeadersWork;
	readonly options: Place & {
		/** No other process has the same, nor has had it. */
		readonly identity: string;
		readonly timing?: Timing;
	};
};

const clock = () => performance.now();

/** Of several processes that run this, one works: the holder of a Lease. When it fails, another takes over. */
export function leader({ cluster, telemetry, work, options }: LeaderDeps) {
	const { identity, timing = usualTiming } = options;
	const me = candidacy(identity, timing);
	let lease: Lease | undefined;

	/** Does the next step. */
	async function step(signal: AbortSignal): Promise<void> {
		const next = me.next(clock());
		switch (next.is) {
			case 'wait':
				return delay(Math.max(0, next.until - clock()), undefined, { signal }).catch(() => {}); // aborted: the caller looks
			case 'look':
				lease = await answered((own) => cluster.get<Lease>(pathOf(options), own), signal);
				me.saw(lease && seenIn(lease), clock());
				return told();
			case 'write': {
				const sentAt = clock();
				const body = heldBy(identity, next.version === undefined ? undefined : lease, options, timing.leaseMs, new Date());
				const write = (own: AbortSignal): Promise<Written<Lease, 'exists' | 'absent' | 'conflict'>> =>
					next.version === undefined
						? cluster.create<Lease>(collectionOf(options), body, own)
						: cluster.replace<Lease>(pathOf(options), body, {}, own);
				const written = await answered(write, signal);
				if (written.is !== 'done') return me.beaten();
				lease = written.object;
				me.wrote(seenIn(lease).version, sentAt);
				return told();
			}
			default:
				return next satisfies never;
		}
	}

	function told(): void {
		if (me.isLeading(clock())) telemetry.leads(identity);
		else if (me.holder() !== identity) telemetry.follows(me.holder());
	}

	/** @throws {KubernetesUnavailable} there is no answer in time */
	async function answered<T>(ask: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
		const limit = new AbortController();
		const abort = () => limit.abort(signal?.reason);
		const timer = setTimeout(() => limit.abort(new KubernetesUnavailable('no answer in time')), timing.answerMs);
		signal?.addEventListener('abort', abort);
		try {
			return await ask(limit.signal);
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener('abort', abort);
		}
	}

	/** So that another may take over at once. */
	async function giveBack(): Promise<void> {
		try {
			const found = await answered((own) => cluster.get<Lease>(pathOf(options), own));
			if (found?.spec?.holderIdentity !== identity) return;
			const written = await answered((own) => cluster.replace<Lease>(pathOf(options), givenBack(found), {}, own));
			if (written.is === 'done') telemetry.leadershipGivenBack();
		} catch (error) {
			if (!isKubernetesError(error)) throw error; // else it expires
		}
	}

	return {
		/** Until the signal; then what the leader does has ended, and another may take over. Rejects only by a bug. */
		async run(signal: AbortSignal): Promise<void> {
			let term: Term | undefined;
			const broken = new AbortController();
			const either = AbortSignal.any([signal, broken.signal]);
			async function endTerm(): Promise<void> {
				await term?.end();
				if (term)
					telemetry.leadershipEnded(
						signal.aborted ? 'the agent stops' : me.holder() === identity ? 'it was not renewed in time' : 'another took it',
					);
				term = undefined;
			}
			while (!either.aborted) {
				try {
					await step(either);
				} catch (error) {
					if (either.aborted) break;
					if (!isKubernetesError(error)) throw error;
					me.failed(clock());
					telemetry.componentNotReady('leader', error.message);
				}
				if (either.aborted) break;
				if (term?.isOver()) await endTerm();
				if (!term && me.isLeading(clock())) term = beginTerm({ cluster, me, work, clock }, either, () => broken.abort());
			}
			const wasLeading = term !== undefined;
			await endTerm();
			if (wasLeading) await giveBack();
		},
	};
}
