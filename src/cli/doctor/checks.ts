import type { Config } from '../../config/config.ts';
import { hostRoot } from '../../drivers/host/host.ts';
import type { Role } from '../../telemetry/telemetry.ts';
import { isThere } from '../files.ts';
import type { ClusterOptions } from '../on-cluster.ts';
import type { Check } from './check.ts';
import { clusterFindings } from './cluster.ts';
import { containerChecks } from './containers.ts';
import { folderCheck } from './folder.ts';
import { journaldChecks } from './journald.ts';
import { limitCheck } from './limit.ts';
import { modelChecks } from './model.ts';
import { patternCheck } from './pattern.ts';
import { placeChecks } from './places.ts';
import { programChecks } from './programs.ts';
import { symbolChecks } from './symbols.ts';
import { systemdChecks } from './systemd-coredump.ts';

/** Which cluster, and what the agent does there. */
export type InCluster = ClusterOptions & { readonly role: Role };

/**
 * All that the agent needs, in the order in which a core passes it; at the end what it needs of the cluster, which for a controller is all.
 *
 * @param onCluster absent on a machine of its own
 */
export async function allChecks(config: Config, onCluster: InCluster | undefined): Promise<Check[]> {
	const cluster = onCluster && (await clusterFindings(config, onCluster, onCluster.role));
	if (cluster && onCluster.role === 'controller') return [...cluster.checks];
	const root = hostRoot(config.collector.coredumpPath);
	const surroundings = {
		isOnCluster: onCluster !== undefined,
		root: (await isThere(root)) ? root : '', // a configuration for the container, read on the machine itself
		pods: cluster?.pods,
	};
	return [
		await patternCheck(config, surroundings.isOnCluster),
		...(await containerChecks(config, surroundings)),
		await limitCheck(surroundings),
		await folderCheck(config),
		...(await systemdChecks(config, surroundings)),
		...(await journaldChecks(config, surroundings)),
		...(await Promise.all([...programChecks(config), ...placeChecks(config)])),
		...(await symbolChecks(config)),
		...(await modelChecks(config)),
		...(cluster?.checks ?? []),
	];
}
