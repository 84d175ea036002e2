import type { Right } from '../../../src/domain/rights.ts';
import { type Manifest, pathOf } from './api.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import { sharedControlPlane } from './control-plane.ts';
import { installDefinitions } from './definitions.ts';
import { objectsIn } from './rendered.ts';

/** A service account, and the manifests that make it and give it rights. */
export type Account = { readonly account: string; readonly manifests: (namespace: string) => Promise<string> };

/** A namespace in which the account is, with its rights, until the end of the block. */
export async function installed({ account, manifests }: Account) {
	const cluster = await sharedControlPlane();
	await installDefinitions(cluster);
	const namespace = await cluster.namespace();
	const objects = objectsIn(await manifests(namespace.name));
	const made: Manifest[] = [];
	for (const object of objects) made.push(await cluster.create(placed(object, namespace.name)));
	await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'nobody', namespace: namespace.name } });
	const kubeconfig = await cluster.kubeconfigOf(namespace.name, account);
	return {
		cluster,
		namespace: namespace.name,
		kubeconfig,
		as: clusterOf(kubeconfig),
		nobody: clusterOf(await cluster.kubeconfigOf(namespace.name, 'nobody')),
		[Symbol.asyncDispose]: async () => {
			for (const object of made.filter(({ metadata }) => metadata.namespace !== namespace.name))
				await cluster.call('DELETE', pathOf(object));
			await namespace[Symbol.asyncDispose]();
		},
	};
}

/** What is of the cluster gets a name that no other test has. */
function placed({ metadata, ...object }: Manifest, namespace: string): Manifest {
	const named = (kind: string, name: string) => (kind.startsWith('Cluster') ? `${name}-${namespace}` : name);
	const place = object.kind.startsWith('Cluster') ? {} : { namespace: metadata.namespace ?? namespace };
	const role = object.roleRef as { readonly kind: string; readonly name: string } | undefined;
	return {
		...object,
		...(role && { roleRef: { ...role, name: named(role.kind, role.name) } }),
		metadata: { ...metadata, ...place, name: named(object.kind, metadata.name) },
	};
}

/** What the API server says that an account may do in a namespace, and not everybody: VERB GROUP/RESOURCE, with a name where it is of one object. */
export async function grantsOf({ as, nobody }: { readonly as: Cluster; readonly nobody: Cluster }, namespace: string): Promise<string[]> {
	const everybodys = await rulesOf(nobody, namespace);
	return (await rulesOf(as, namespace)).filter((one) => !everybodys.includes(one)).toSorted();
}

/** The same, of rights. */
export const grantsIn = (rights: readonly Right[]): string[] =>
	[
		...new Set(rights.flatMap(({ verbs, group, resource, names = [] }) => verbs.map((verb) => grant(verb, group, resource, names)))),
	].toSorted();

async function rulesOf(as: Cluster, namespace: string): Promise<string[]> {
	const { status } = await as.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
		apiVersion: 'authorization.k8s.io/v1',
		kind: 'SelfSubjectRulesReview',
		spec: { namespace },
	});
	type Rule = { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames?: string[] };
	const grants = (status.resourceRules as Rule[]).flatMap(({ verbs, apiGroups, resources, resourceNames = [] }) =>
		apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => grant(verb, group, resource, resourceNames)))),
	);
	return [...new Set(grants)];
}

const grant = (verb: string, group: string, resource: string, names: readonly string[]) =>
	`${verb} ${group}/${resource}${names.length > 0 ? ` ${names.join(',')}` : ''}`;
