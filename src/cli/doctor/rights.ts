import { several } from '../../base/several.ts';
import { controllerRights, nodeAgentRights, type Right } from '../../domain/rights.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import type { Role } from '../../telemetry/telemetry.ts';
import { type Check, error, ok, warning } from './check.ts';

/** Where rights are asked for, and for whom. */
export type Asker = {
	readonly who: string;
	readonly role: Role;
	/** The agent's own. */
	readonly namespace: string;
	/** Those that are looked at. */
	readonly namespaces: 'all' | readonly string[];
};

const rightsOf: Readonly<Record<Role, readonly Right[]>> = {
	node: nodeAgentRights,
	controller: controllerRights,
	both: [...nodeAgentRights, ...controllerRights],
};

/**
 * Whether who asks may do what an agent of that role does.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function rightsChecks(
	cluster: Cluster,
	{ who, role, namespace: own, namespaces }: Asker,
	signal: AbortSignal,
): Promise<Check[]> {
	const rights = rightsOf[role];
	const missing = await several(rights, 4, async (right) => {
		const scopes = right.isOfOwn ? [own] : namespaces === 'all' || right.isOfAll ? [undefined] : namespaces;
		const asked = right.verbs.flatMap((verb) => scopes.map((namespace) => ({ verb, namespace })));
		const allowed = await several(asked, 4, ({ verb, namespace }) => isAllowed(cluster, right, verb, namespace, signal));
		return asked.filter((_, index) => !allowed[index]);
	});
	const checks = rights.flatMap((right, index) => {
		const [first, ...more] = missing[index] ?? [];
		return first ? [missingCheck(right, [first, ...more], who)] : [];
	});
	return checks.length > 0 ? checks : [ok('rights', `all that the agent needs (${rights.length} kinds)`)];
}

type Asked = { readonly verb: string; readonly namespace: string | undefined };

function missingCheck({ group, resource, names, loss, isVital }: Right, missing: readonly Asked[], who: string): Check {
	const verbs = [...new Set(missing.map(({ verb }) => verb))];
	const places = [...new Set(missing.map(({ namespace }) => namespace))];
	const where = places[0] === undefined ? 'in all namespaces' : `in ${places.join(', ')}`;
	const name = group === '' ? resource : resource.replace(/^[^/]+/, (plural) => `${plural}.${group}`);
	const named = names ? `resourceNames: [${names.join(', ')}], ` : '';
	const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], ${named}verbs: [${verbs.join(', ')}]}`;
	return (isVital ? error : warning)(
		'rights',
		`may not ${verbs.join(', ')} ${name} ${where}: ${loss}`,
		`add to the role of ${who}: ${rule}`,
	);
}

type Review = KubernetesObject & { readonly status?: { readonly allowed?: boolean } };

/** Whether who asks may do that, in one namespace or in all. */
export async function isAllowed(
	cluster: Cluster,
	{ group, resource: of, names: [name] = [] }: Right,
	verb: string,
	namespace: string | undefined,
	signal: AbortSignal,
): Promise<boolean> {
	const [plural, subresource] = of.split('/');
	const answer = await cluster.create<Review>(
		resource('authorization.k8s.io/v1', 'selfsubjectaccessreviews'),
		{
			apiVersion: 'authorization.k8s.io/v1',
			kind: 'SelfSubjectAccessReview',
			spec: { resourceAttributes: { verb, group, resource: plural, subresource, namespace, name } },
		},
		signal,
	);
	return answer.is === 'done' && answer.object.status?.allowed === true;
}
