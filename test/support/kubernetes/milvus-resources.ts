import type { Manifest, OwnerReference } from './api.ts';

/** As much of the specification of a Milvus as the operator's stand-in makes something of: apis/milvus.io/v1beta1 of the operator. */
export type MilvusSpec = {
	readonly mode: 'standalone' | 'cluster';
	readonly components?: { readonly [name in Component]?: { readonly replicas: number } };
	readonly dependencies?: {
		readonly [name in 'etcd' | 'storage' | 'pulsar' | 'kafka' | 'tei']?: {
			readonly external?: boolean;
			readonly inCluster?: { readonly deletionPolicy?: 'Retain' | 'Delete'; readonly pvcDeletion?: boolean };
		};
	} & {
		readonly msgStreamType?: 'pulsar' | 'kafka' | Embedded;
	} & {
		readonly [name in Embedded]?: { readonly persistence?: { readonly enabled?: boolean; readonly pvcDeletion?: boolean } };
	};
};

export type Component = 'standalone' | 'mixCoord' | 'proxy' | 'queryNode' | 'dataNode' | 'streamingNode';

/** What takes the place of a message queue inside of Milvus. */
export type Embedded = 'rocksmq' | 'natsmq' | 'woodpecker';

export type Resource = {
	readonly namespace: string;
	readonly name: string;
	readonly spec: MilvusSpec;
	readonly annotations?: Readonly<Record<string, string>>;
};

export const milvusOf = ({ namespace, name, spec, annotations = {} }: Resource, owner?: OwnerReference): Manifest => ({
	...{ apiVersion: 'milvus.io/v1beta1', kind: 'Milvus', spec },
	metadata: { name, namespace, annotations, ...(owner && { ownerReferences: [owner] }) },
});

/** The deprecated kind, of which the operator makes a Milvus of the same name. */
export const milvusClusterOf = ({ namespace, name, spec, annotations = {} }: Resource): Manifest => ({
	...{ apiVersion: 'milvus.io/v1alpha1', kind: 'MilvusCluster', spec },
	metadata: { name, namespace, annotations },
});
