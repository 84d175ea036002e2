import { type Manifest, ownedBy, type Stored } from './api.ts';
import type { Component, MilvusSpec } from './milvus-resources.ts';
import { manifestOf } from './workload.ts';

export const operatorVersion = '1.3.8';
export const milvusFinalizer = 'milvus.milvus.io/finalizer';

/** What the operator writes on a Milvus itself, beside its finalizer. */
export const marksOf = (mode: MilvusSpec['mode']) => ({
	labels: { 'milvus.io/operator-version': operatorVersion },
	annotations: {
		'milvus.io/dependency-values-merged': 'true',
		'milvus.io/pod-service-label-added': 'true',
		...(mode === 'cluster' && { 'milvus.io/querynode-current-group-id': '0' }),
	},
});

/** All that the operator makes of a Milvus beside its dependencies; the pods of that are on one node. */
export function objectsOf(milvus: Stored, node: string): readonly Manifest[] {
	const { name = '', namespace = '' } = milvus.metadata;
	const metadata = { namespace, labels: labelsOf(name), ownerReferences: [ownedBy(milvus)] };
	const selector = { ...labelsOf(name), 'milvus.io/service': 'true' };
	return [
		...deploymentsOf(milvus, node),
		{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...metadata, name }, data: { 'milvus.yaml': '', 'user.yaml': '' } },
		{
			...{ apiVersion: 'v1', kind: 'Service', metadata: { ...metadata, name: `${name}-milvus` } },
			spec: { selector, ports: [{ name: 'milvus', port: 19530 }] },
		},
	];
}

/** The labels of all that the operator makes of a Milvus of that name. */
export const labelsOf = (name: string) => ({
	'app.kubernetes.io/name': 'milvus',
	'app.kubernetes.io/instance': name,
	'app.kubernetes.io/managed-by': 'milvus-operator',
});

/** Two for a query node, of which one idles, and in cluster mode one for a standalone that there isn't. */
export function deploymentsOf(milvus: Stored, node: string): readonly Manifest[] {
	const { name, namespace = '' } = milvus.metadata;
	const spec = milvus.spec as MilvusSpec;
	const one = (component: string, replicas: number, group?: string) => {
		const labels = {
			...labelsOf(name),
			'app.kubernetes.io/component': component,
			...(group !== undefined && { [`milvus.io/${component}-group-id`]: group }),
		};
		return manifestOf({
			...{ kind: 'Deployment', namespace, replicas, node, labels, selector: labels, owner: ownedBy(milvus) },
			name: `${name}-milvus-${component}${group === undefined ? '' : `-${group}`}`,
			podLabels: { ...labels, ...(['proxy', 'standalone'].includes(component) && { 'milvus.io/service': 'true' }) },
			podAnnotations: { 'milvus.io/using-configmap': name },
			container: {
				...{ name: component, image: 'milvusdb/milvus:v2.6.15' },
				args: ['/milvus/tools/run.sh', 'milvus', 'run', component === 'mixcoord' ? 'mixture' : component],
			},
			initContainer: { name: 'config', image: `milvusdb/milvus-operator:v${operatorVersion}` },
			graceSeconds: 2_592_000,
		});
	};
	return [
		...componentsOf(spec).flatMap(([component, replicas]) =>
			component === 'querynode' ? [one(component, replicas, '0'), one(component, 0, '1')] : [one(component, replicas)],
		),
		...(spec.mode === 'cluster' ? [one('standalone', 0)] : []),
	];
}

/** Those that Milvus 2.6 has in this mode; the specification says how many pods of each, or else one. */
const componentsIn = {
	standalone: ['standalone'],
	cluster: ['mixCoord', 'proxy', 'queryNode', 'dataNode', 'streamingNode'],
} as const satisfies Readonly<Record<MilvusSpec['mode'], readonly Component[]>>;

const componentsOf = ({ mode, components }: MilvusSpec) =>
	componentsIn[mode].map((key) => [key.toLowerCase(), components?.[key]?.replicas ?? 1] as const);
