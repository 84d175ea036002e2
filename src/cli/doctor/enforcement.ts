import { firstFew } from '../../base/first-few.ts';
import { several } from '../../base/several.ts';
import type { Config } from '../../config/config.ts';
import { enforcingRights } from '../../domain/enforcing-rights.ts';
import type { Right } from '../../domain/rights.ts';
import type { Cluster } from '../../drivers/kubernetes/kubernetes.ts';
import { run } from '../../drivers/process/process.ts';
import { type Check, error, ok, warning } from './check.ts';
import { isAllowed } from './rights.ts';

/** Where instances may be removed, and what there must be allowed. */
type Place = { readonly namespace: string; readonly rights: readonly Right[]; readonly givenBy: string };

/**
 * Whether a controller can remove instances where the configuration says so; nothing where it says that none is to be removed.
 *
 * @param own the agent's namespace
 * @throws {KubernetesUnavailable}
 * @throws {KubernetesRefused}
 */
export async function enforcementChecks(
	cluster: Cluster,
	{ cleaner: { enabled, mode, namespaces, allowVolumeLoss } }: Pick<Config, 'cleaner'>,
	own: string,
	signal: AbortSignal,
): Promise<Check[]> {
	const listed = [...new Set(namespaces)];
	if (!enabled || mode !== 'enforce' || listed.length === 0) return []; // a warning of the configuration tells that
	const { saving, operator, helm, volumes } = enforcingRights;
	const ofHelm = allowVolumeLoss ? [...helm, ...volumes] : helm;
	const places: readonly Place[] = [
		{ namespace: own, rights: saving, givenBy: role('saved') },
		...listed.map((namespace) => ({ namespace, rights: operator, givenBy: role('enforce') })),
		...listed.map((namespace) => ({
			namespace,
			rights: ofHelm,
			givenBy: 'the value cleaner.helmReleases of the chart, or what stands behind comment signs',
		})),
	];
	const missing = await several(places, 2, (place) => missingCheck(cluster, place, signal));
	const lacks = missing.flatMap((check) => check ?? []);
	const all = ok('rights to remove', `all that it takes in ${listed.join(', ')}`);
	return [...(lacks.length > 0 ? lacks : [all]), await helmCheck()];
}

const role = (name: string) => `the chart with this configuration, or the Role milvus-coredump-agent-${name}`;

async function missingCheck(cluster: Cluster, { namespace, rights, givenBy }: Place, signal: AbortSignal): Promise<Check | undefined> {
	const asked = rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb })));
	const allowed = await several(asked, 4, ({ right, verb }) => isAllowed(cluster, right, verb, namespace, signal));
	const lacking = asked.filter((_, index) => !allowed[index]);
	const losses = [...new Set(lacking.map(({ right }) => right.loss))];
	if (losses.length === 0) return undefined;
	const names = lacking.map(({ right: { group, resource }, verb }) => `${verb} ${resource}${group && `.${group}`}`);
	return warning(
		'rights to remove',
		`may not ${firstFew(names)} in ${namespace}: ${losses.join('; ')}`,
		`give them by ${givenBy} in deploy/enforce.yaml; docs/reference/rbac.md says what that means`,
	);
}

/** The version whose rules are known here of what it deletes and what it leaves. */
const knownHelm = /^v4\./;

async function helmCheck(): Promise<Check> {
	const loss = 'Helm releases are not removed';
	const { how, stdout } = await run('helm', ['version', '--template', '{{.Version}}'], { timeoutMs: 20_000, maxOutputBytes: 1 << 20 });
	if (how.is === 'not found')
		return error('helm', `is not installed: ${loss}`, 'take the image of the agent, which has it, or install Helm 4');
	if (how.is !== 'exited' || how.code !== 0) return error('helm', `does not start: ${loss}`, 'see what `helm version` says');
	const version = stdout.trim();
	return knownHelm.test(version) ? ok('helm', version) : error('helm', `is ${version}, and not Helm 4: ${loss}`, 'install Helm 4');
}
