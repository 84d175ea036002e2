import { leaseName, opinionsName, type Right } from '../../../src/domain/rights.ts';
import type { Cluster } from './cluster.ts';
import { unmanagedPod } from './unmanaged-pod.ts';

/** A request, with the right that it takes. */
export type Attempt = {
	readonly what: string;
	readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	readonly path: string;
	readonly body?: object;
	readonly right: {
		readonly group?: string;
		readonly resource: string;
		readonly verb: string;
		readonly name?: string;
		/** In another namespace than the agent's. */
		readonly isElsewhere?: true;
	};
};

const methods = {
	get: 'GET',
	list: 'GET',
	watch: 'GET',
	create: 'POST',
	update: 'PUT',
	patch: 'PATCH',
	delete: 'DELETE',
	deletecollection: 'DELETE',
} as const;

/** Whether it is among these rights. */
export const isAmong = (rights: readonly Right[], { right: { group = '', resource, verb, name, isElsewhere } }: Attempt): boolean =>
	rights.some(
		(right) =>
			right.group === group &&
			right.resource === resource &&
			right.verbs.includes(verb) &&
			(!right.names || right.names.includes(name ?? '')) &&
			!(right.isOfOwn && isElsewhere),
	);

/** @returns what of it is let pass, in words */
export async function passed(as: Cluster, all: readonly Attempt[]): Promise<string[]> {
	const isAllowed = ({ method, path, body }: Attempt) =>
		as.call(method, path, body).then(
			() => true,
			(error: { status?: number }) => error.status !== 403,
		);
	const answers = await Promise.all(all.map(isAllowed));
	return all.filter((_, index) => answers[index]).map(({ what }) => what);
}

/** What else is in a Helm release of Milvus. */
const kindsOfReleases: Readonly<Record<string, readonly string[]>> = {
	'': ['services'],
	batch: ['jobs', 'cronjobs'],
	autoscaling: ['horizontalpodautoscalers'],
	policy: ['poddisruptionbudgets'],
	'networking.k8s.io': ['ingresses', 'networkpolicies'],
	'monitoring.coreos.com': ['servicemonitors', 'podmonitors', 'prometheusrules'],
};

/**
 * Requests of all kinds, on objects that are not there but for the pod `victim`: whoever may do it gets another answer than 403, and nothing is changed
 * that matters (`dryRun`).
 *
 * @param own the namespace of the agent
 */
export async function attempts(cluster: Cluster, own: string): Promise<Attempt[]> {
	const victim = await unmanagedPod(cluster, { namespace: own, name: 'victim' });
	const all: Attempt[] = [];

	/** @param collection path below the group, `{ns}` for a namespace */
	function tries(
		group: string,
		verbs: readonly (keyof typeof methods)[],
		resource: string,
		options: { name?: string; in?: string; body?: object } = {},
	) {
		const [plural, subresource] = resource.split('/');
		const { name = 'victim', in: namespace = own, body } = options;
		const version =
			{ '': '/api/v1', 'milvus.io': '/apis/milvus.io/v1beta1', 'diagnostics.milvus.io': '/apis/diagnostics.milvus.io/v1alpha1' }[group] ??
			`/apis/${group}/v1`;
		const collection = `${version}${namespace === '' ? '' : `/namespaces/${namespace}`}/${plural}`;
		for (const verb of verbs) {
			const isOfAll = ['list', 'watch', 'deletecollection'].includes(verb) || (verb === 'create' && subresource === undefined);
			const path = isOfAll ? collection : `${collection}/${name}${subresource ? `/${subresource}` : ''}`;
			const query = verb === 'watch' ? '?watch=true&timeoutSeconds=1' : methods[verb] === 'GET' ? '?limit=1' : '?dryRun=All';
			const isElsewhere = namespace !== own;
			all.push({
				what: `${verb} ${resource}${group && `.${group}`}${isElsewhere && namespace ? ` in ${namespace}` : ''}${name === 'victim' ? '' : ` ${name}`}`,
				...{ method: methods[verb], path: path + query },
				...(['create', 'update', 'patch'].includes(verb) && { body: body ?? {} }),
				right: { group, resource, verb, name, ...(isElsewhere && { isElsewhere }) },
			});
		}
	}

	tries('', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'], 'pods');
	tries('', ['get', 'list', 'watch', 'delete'], 'pods', { in: 'kube-system' });
	tries('', ['get'], 'pods/log');
	for (const subresource of ['exec', 'attach', 'portforward', 'proxy']) tries('', ['get', 'create'], `pods/${subresource}`);
	tries('', ['create'], 'pods/eviction', { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: victim.metadata.name } } });
	tries('', ['patch'], 'pods/status');
	tries('', ['patch'], 'pods/ephemeralcontainers');
	for (const resource of ['secrets', 'configmaps', 'serviceaccounts', 'persistentvolumeclaims'])
		tries('', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'], resource);
	for (const resource of ['secrets', 'configmaps', 'persistentvolumeclaims'])
		tries('', ['get', 'list', 'delete'], resource, { in: 'kube-system' });
	tries('', ['create', 'update'], 'secrets', { in: 'kube-system' });
	for (const where of [own, 'kube-system'])
		tries('', ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'], 'configmaps', { in: where, name: opinionsName });
	tries('', ['get', 'update'], 'configmaps', { name: 'milvus-coredump-agent' });
	for (const [group, resources] of Object.entries(kindsOfReleases))
		for (const resource of resources) tries(group, ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection'], resource);
	tries('', ['create'], 'serviceaccounts/token', { name: 'milvus-coredump-agent' });
	tries('', ['get', 'list', 'patch', 'delete'], 'nodes', { in: '' });
	tries('', ['get'], 'nodes/proxy', { in: '' });
	tries('', ['get', 'list', 'create', 'patch', 'delete'], 'namespaces', { in: '' });
	tries('', ['list', 'create', 'patch', 'delete'], 'events');
	for (const resource of ['replicasets', 'deployments', 'statefulsets', 'daemonsets'])
		tries('apps', ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection'], resource);
	// Where an operator of Milvus may be.
	for (const resource of ['deployments', 'statefulsets']) tries('apps', ['list', 'patch', 'delete'], resource, { in: 'kube-system' });
	for (const resource of ['deployments', 'statefulsets']) tries('apps', ['patch'], `${resource}/scale`);
	for (const where of [own, 'kube-system'])
		for (const resource of ['milvuses', 'milvusclusters'])
			tries('milvus.io', ['get', 'list', 'create', 'patch', 'delete', 'deletecollection'], resource, { in: where });
	tries('', ['list', 'patch', 'delete'], 'persistentvolumes', { in: '' });
	tries('milvus.io', ['get', 'list', 'patch', 'delete'], 'milvusupgrades');
	for (const where of [own, 'kube-system']) {
		tries('diagnostics.milvus.io', ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection'], 'instancecleanups', {
			in: where,
		});
		tries('diagnostics.milvus.io', ['patch', 'update'], 'instancecleanups/status', { in: where });
		tries('diagnostics.milvus.io', ['get', 'list', 'watch', 'create', 'patch', 'delete', 'deletecollection'], 'crashreports', {
			in: where,
		});
		tries('diagnostics.milvus.io', ['patch', 'update'], 'crashreports/status', { in: where });
		tries('coordination.k8s.io', ['get', 'update', 'create', 'list', 'delete'], 'leases', { in: where, name: leaseName });
		tries('coordination.k8s.io', ['get', 'update'], 'leases', { in: where, name: 'other' });
	}
	for (const resource of ['roles', 'rolebindings'])
		tries('rbac.authorization.k8s.io', ['get', 'list', 'create', 'patch', 'delete'], resource);
	for (const resource of ['clusterroles', 'clusterrolebindings'])
		tries('rbac.authorization.k8s.io', ['get', 'list', 'create', 'patch', 'delete'], resource, { in: '', name: 'milvus-coredump-agent' });
	tries('apiextensions.k8s.io', ['create', 'patch', 'delete'], 'customresourcedefinitions', {
		in: '',
		name: 'crashreports.diagnostics.milvus.io',
	});
	tries('admissionregistration.k8s.io', ['create'], 'mutatingwebhookconfigurations', { in: '' });
	return all;
}
