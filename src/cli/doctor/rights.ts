import { several } from '../../base/several.ts';
import { type Right, nodeAgentRights as rights } from '../../domain/rights.ts';
import { type Cluster, type KubernetesObject, resource } from '../../drivers/kubernetes/kubernetes.ts';
import { type Check, error, ok, warning } from './check.ts';

/**
 * Whether who asks may do what the agent on a node does.
 *
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function rightsChecks(
	cluster: Cluster,
	who: string,
	namespaces: 'all' | readonly string[],
	signal: AbortSignal,
): Promise<Check[]> {
	const missing = await several(rights, 4, async (right) => {
		const scopes = namespaces === 'all' || right.isOfAll ? [undefined] : namespaces;
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

function missingCheck({ group, resource, loss, isVital }: Right, missing: readonly Asked[], who: string): Check {
	const verbs = [...new Set(missing.map(({ verb }) => verb))];
	const places = [...new Set(missing.map(({ namespace }) => namespace))];
	const where = places[0] === undefined ? 'in all namespaces' : `in ${places.join(', ')}`;
	const name = group === '' ? resource : resource.replace(/^[^/]+/, (plural) => `${plural}.${group}`);
	const rule = `{apiGroups: ["${group}"], resources: ["${resource}"], verbs: [${verbs.join(', ')}]}`;
	return (isVital ? error : warning)(
		'rights',
		`may not ${verbs.join(', ')} ${name} ${where}: ${loss}`,
		`add to the role of ${who}: ${rule}`,
	);
}

type Review = KubernetesObject & { readonly status?: { readonly allowed?: boolean } };

async function isAllowed(
	cluster: Cluster,
	{ group, resource: of }: Right,
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
			spec: { resourceAttributes: { verb, group, resource: plural, subresource, namespace } },
		},
		signal,
	);
	return answer.is === 'done' && answer.object.status?.allowed === true;
}
