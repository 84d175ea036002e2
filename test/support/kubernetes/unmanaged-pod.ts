import type { Stored } from './api.ts';
import type { Cluster } from './cluster.ts';

/** A pod that somebody made by hand to try something out, labelled as Milvus is: it belongs to no release and no custom resource. */
export async function unmanagedPod(
	cluster: Cluster,
	options: {
		readonly namespace: string;
		readonly name?: string;
		readonly node?: string;
		readonly labels?: Readonly<Record<string, string>>;
	},
): Promise<Stored> {
	const { namespace, name = 'test-crash-pod', labels = { 'app.kubernetes.io/name': 'milvus', 'helm.sh/chart': 'milvus' } } = options;
	return cluster.create({
		apiVersion: 'v1',
		kind: 'Pod',
		metadata: { name, namespace, labels },
		spec: {
			nodeName: options.node ?? (await cluster.node()),
			containers: [{ name: 'milvus', image: 'milvusdb/milvus:v2.6.15', command: ['milvus_crasher'] }],
		},
	});
}
