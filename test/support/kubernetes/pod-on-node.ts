import type { Stored } from './api.ts';
import type { RealNode } from './real-node.ts';

/** The image of the pods below, which a test must import. */
export const image = 'localhost/crash:1';

/**
 * A pod as the chart labels it, of which nobody is the owner, on a real node.
 *
 * @param args of the program of the image
 * @param more keys of its container
 * @param spec more keys of its own
 */
export function podOnNode(node: RealNode, name: string, args: readonly string[], more: object = {}, spec: object = {}): Promise<Stored> {
	return node.create({
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: {
			...{ name, namespace: 'default' },
			labels: { 'app.kubernetes.io/name': 'milvus', 'app.kubernetes.io/instance': 'search', component: 'querynode' },
		},
		spec: {
			terminationGracePeriodSeconds: 1,
			...spec,
			containers: [{ name: 'querynode', image, imagePullPolicy: 'Never', command: ['/milvus/bin/milvus', ...args], ...more }],
		},
	});
}
