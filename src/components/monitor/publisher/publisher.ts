import type { Outbox } from '../../../domain/outbox.ts';
import type { Pods } from '../../../domain/pod.ts';
import type { Cluster } from '../../../drivers/kubernetes/kubernetes.ts';
import type { Telemetry } from '../../../telemetry/telemetry.ts';
import { type HappeningOptions, happenings } from './happenings.ts';
import { type PublishedOptions, published } from './published.ts';
import { tokenBucket } from './token-bucket.ts';

export type PublisherOptions = PublishedOptions &
	HappeningOptions & { readonly writes?: { readonly perSecond: number; readonly burst: number } };

export type PublisherDeps = {
	readonly cluster: Cluster;
	readonly outbox: Outbox;
	/** Those of this node. */
	readonly pods: Pods;
	readonly telemetry: Telemetry;
	readonly options: PublisherOptions;
	readonly now?: () => number;
};

/**
 * Makes crashes visible in the cluster: as CrashReports, and as Events of what crashed. It may lag behind, and misses nothing: what is left to
 * do is in the journal. However many crashes there are, it writes only so often; reports come before Events.
 */
export function publisher(deps: PublisherDeps) {
	const { telemetry, options } = deps;
	const bucket = tokenBucket(options.writes ?? { perSecond: 5, burst: 20 });
	const problems: { reports?: string | undefined; events?: string | undefined } = {};

	/** Events alone do not say that all is well. */
	function tell(): void {
		const problem = problems.reports ?? problems.events;
		if (problem !== undefined) telemetry.componentNotReady('publisher', problem);
		else if ('reports' in problems) telemetry.componentReady('publisher');
	}

	const works = {
		reports: published({ ...deps, write: (signal) => bucket.take('reports', signal) }),
		events: happenings({ ...deps, write: (signal) => bucket.take('events', signal) }),
	};

	return {
		/** Until the signal. Rejects only by a bug. */
		async run(signal: AbortSignal): Promise<void> {
			const stop = new AbortController();
			const either = AbortSignal.any([signal, stop.signal]);
			const runs = (['reports', 'events'] as const).map(async (name) => {
				try {
					await works[name](either, (problem) => {
						problems[name] = problem;
						tell();
					});
				} finally {
					stop.abort(); // one alone does not go on
				}
			});
			await Promise.all(runs);
		},
	};
}
