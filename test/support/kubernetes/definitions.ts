import { join } from 'node:path';
import { root } from '../crash.ts';
import type { Cluster } from './cluster.ts';

/** Our own custom resources, as an administrator installs them. Others may have done so before. */
export async function installDefinitions(cluster: Cluster): Promise<void> {
	const file = join(root, 'deploy/crds/crashreports.yaml');
	await cluster.kubectl('apply', '--server-side', '--force-conflicts', '-f', file);
	await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', '-f', file);
}
