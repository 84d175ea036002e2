import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { root } from '../crash.ts';
import type { Cluster } from './cluster.ts';
import { type ControlPlane, controlPlane } from './control-plane.ts';

/** Our own custom resources, as an administrator installs them. Others may have done so before. */
export async function installDefinitions(cluster: Cluster): Promise<void> {
	const folder = join(root, 'deploy/crds');
	await cluster.kubectl('apply', '--server-side', '--force-conflicts', '-f', folder);
	await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', '-f', folder);
}

/** A Lease of the controllers that has been given back, lest one that is not there is waited for. */
export const freeLease = (cluster: Cluster, namespace: string) =>
	cluster.create({
		...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
		metadata: { name: 'milvus-coredump-agent-controller', namespace },
		spec: { holderIdentity: '' },
	});

/** A control plane for the tests of this block alone, with the definitions: what is too many is counted over all namespaces. */
export function ownControlPlane(): { readonly cluster: ControlPlane } {
	let plane: ControlPlane;
	beforeAll(async () => {
		plane = await controlPlane();
		await installDefinitions(plane);
	}, 60_000);
	afterAll(() => plane?.[Symbol.asyncDispose]());
	return {
		get cluster() {
			return plane;
		},
	};
}
