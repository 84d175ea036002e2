import { dirname, join } from 'node:path';
import { recorder } from '../components/collector/collector.ts';
import { discovery } from '../components/discovery/discovery.ts';
import { publisher } from '../components/monitor/monitor.ts';
import type { Config } from '../config/config.ts';
import type { Intake } from '../domain/intake.ts';
import { corePipeLimit } from '../drivers/host/host.ts';
import type { Journal } from '../journal/journal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { containersOf, rootsBookmark } from './container-files.ts';
import { outboxOf } from './outbox.ts';
import type { OnCluster } from './pieces.ts';
import type { Steadily } from './steadily.ts';

type Means = {
	readonly journal: Journal;
	readonly intake: Intake;
	readonly steadily: Steadily;
	readonly telemetry: Telemetry;
	/** Then the journal is not to be asked any more. */
	readonly over: AbortSignal;
};

/** Starts what there is to be done on a node of a cluster. */
export function clusterWork(config: Config, onCluster: OnCluster, means: Means, signal: AbortSignal): Promise<void>[] {
	return [
		watchPods(config, onCluster, means, signal),
		readRecords(config, onCluster, means, signal),
		publish(config, onCluster, means, signal),
	];
}

function watchPods(
	{ discovery: keys, journal: { path }, collector }: Config,
	{ cluster, node, pods }: OnCluster,
	means: Means,
	signal: AbortSignal,
) {
	const { helmReleaseLabels, operatorLabels, namespaces, scanInterval, podLogsPath } = keys;
	const options = {
		node,
		namespaces,
		scanIntervalMs: scanInterval,
		selectors: { helmReleaseLabels, operatorLabels },
		podLogsPath,
		logFolder: join(dirname(path), 'logs'),
		maxAgeMs: collector.maxFileAge,
	};
	const files = { containers: containersOf(keys), bookmark: bookmark(rootsBookmark, means) };
	return discovery({ ...means, cluster, pods, bookmark: bookmark('restarts', means), files, options }).run(signal);
}

async function readRecords(
	{ collector: { journaldPath, maxFileAge } }: Config,
	{ journald }: OnCluster,
	means: Means,
	signal: AbortSignal,
) {
	const options = { directory: journaldPath, maxAgeMs: maxFileAge, corePipeLimit: await corePipeLimit() };
	await recorder({ ...means, state: journald, bookmark: bookmark('journald', means), options }).run(signal);
}

function publish(
	{ monitor: { crashReports } }: Config,
	{ cluster, namespace, node, pods }: OnCluster,
	{ journal, steadily, telemetry, over }: Means,
	signal: AbortSignal,
): Promise<void> {
	const options = { node, namespace, maxAgeMs: crashReports.retentionDays * 24 * 3600_000 };
	return publisher({ cluster, pods, telemetry, outbox: outboxOf(journal, steadily, over), options }).run(signal);
}

/** Something small that the journal keeps over restarts. */
const bookmark = (name: string, { journal, steadily }: Means) => ({
	read: () => journal.view.bookmark(name),
	write: async (value: string) => void (await steadily(() => journal.setBookmark(name, value))),
});
