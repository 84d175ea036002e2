import type { Right } from './rights.ts';

/**
 * What the controller must be allowed besides, to remove instances: with `cleaner.mode: enforce` alone, and only there.
 *
 * `saving` is of the agent's own namespace, the others of each in `cleaner.namespaces`.
 */
export type EnforcingRights = Readonly<Record<'saving' | 'operator' | 'helm' | 'volumes', readonly Right[]>>;

const noOperator = 'instances of the operator are not removed there';
const noHelm = 'Helm releases are not removed there, nor a Milvus of which the operator would uninstall the dependencies';

/** What the chart of Milvus and those within it make in a namespace: etcd, MinIO, Pulsar, Kafka, tei. What values add besides must be given besides. */
const kindsOfCharts: Readonly<Record<string, readonly string[]>> = {
	'': ['services', 'configmaps', 'serviceaccounts'],
	apps: ['deployments', 'statefulsets'],
	batch: ['jobs', 'cronjobs'],
	autoscaling: ['horizontalpodautoscalers'],
	policy: ['poddisruptionbudgets'],
	'networking.k8s.io': ['ingresses', 'networkpolicies'],
	'rbac.authorization.k8s.io': ['roles', 'rolebindings'],
	'monitoring.coreos.com': ['servicemonitors', 'podmonitors', 'prometheusrules'],
};

/** What the operator makes of a Milvus, and what its dependencies consist of. */
const kindsOfOperator: Readonly<Record<string, readonly string[]>> = {
	'': ['services', 'configmaps', 'persistentvolumeclaims'],
	apps: ['deployments', 'statefulsets'],
	'networking.k8s.io': ['ingresses'],
	'monitoring.coreos.com': ['podmonitors'],
};

export const enforcingRights: EnforcingRights = {
	saving: [
		{
			...{ group: '', resource: 'secrets', verbs: ['get', 'list', 'create', 'update', 'delete'], isOfOwn: true },
			purpose:
				'what brings an instance back is saved in a Secret before the instance is removed, and deleted when its time is over (a right to create cannot be bound to names, which are not known before)',
			loss: 'nothing can be saved, and so nothing is removed',
		},
	],
	operator: [
		...inAll(kindsOfOperator, {
			verbs: ['list'],
			purpose: 'of what an instance consists is found out, and written down, before it is removed',
			loss: noOperator,
		}),
		...(['milvuses', 'milvusclusters'] as const).map((resource) => ({
			...{ group: 'milvus.io', resource, verbs: ['delete'] },
			purpose:
				'an instance of the operator is removed by its custom resource (a MilvusCluster where that owns it); the operator does the rest',
			loss: noOperator,
		})),
	],
	helm: [
		{
			...{ group: '', resource: 'secrets', verbs: ['get', 'list', 'update', 'delete'] },
			purpose:
				'the record of a Helm release is a Secret, as are passwords in its manifest. Kubernetes cannot grant some Secrets by label: with this ALL Secrets of the namespace can be read',
			loss: noHelm,
		},
		...inAll(kindsOfCharts, {
			verbs: ['get', 'list', 'delete'],
			purpose: 'helm uninstall looks at each object in the manifest of a release, and deletes it',
			loss: noHelm,
		}),
	],
	volumes: [
		{
			...{ group: '', resource: 'persistentvolumeclaims', verbs: ['get', 'delete'] },
			purpose: 'helm uninstall deletes claims that are in the manifest and not marked to be kept (cleaner.allowVolumeLoss)',
			loss: 'Helm releases with such claims are not removed there',
		},
	],
};

function inAll(kinds: Readonly<Record<string, readonly string[]>>, right: Omit<Right, 'group' | 'resource'>): Right[] {
	return Object.entries(kinds).flatMap(([group, resources]) => resources.map((resource) => ({ group, resource, ...right })));
}
