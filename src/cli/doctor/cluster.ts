import { printable } from '../../base/printable.ts';
import { formatSpan } from '../../base/quantity.ts';
import type { Config } from '../../config/config.ts';
import { ConfigError } from '../../config/config.ts';
import {
	type Cluster,
	connect,
	isKubernetesError,
	type KubernetesObject,
	KubernetesRefused,
	resource,
} from '../../drivers/kubernetes/kubernetes.ts';
import type { Role } from '../../telemetry/telemetry.ts';
import { unreadable } from '../files.ts';
import { type ClusterOptions, nodeName, ownNamespace } from '../on-cluster.ts';
import { type Check, error, ok, warning } from './check.ts';
import { enforcementChecks } from './enforcement.ts';
import { type PodHere, type PodsHere, podsHere } from './pods.ts';
import { rightsChecks } from './rights.ts';

/** What was found out of the cluster. */
export type ClusterFindings = {
	readonly checks: readonly Check[];
	/** Undefined where they are not known. */
	readonly pods: readonly PodHere[] | undefined;
};

const patienceMs = 60_000;
const requestMs = 10_000;

/** Whether the agent finds on the cluster what it needs for its role: on a node, or for the whole of it. */
export async function clusterFindings(config: Config, options: ClusterOptions, role: Role): Promise<ClusterFindings> {
	const node = role === 'controller' ? undefined : nodeName(options);
	const logs = node === undefined ? [] : [await podLogsCheck(config)];
	const patience = AbortSignal.timeout(patienceMs);
	const failed = (finding: string, todo: string) => ({ checks: [error('API server', finding, todo), ...logs], pods: undefined });
	try {
		using cluster = await connect({ kubeconfig: options.kubeconfig, timeoutMs: requestMs });
		const { checks, pods } = await onCluster(cluster, config, { node, role }, patience);
		return { checks: [...checks, ...logs], pods };
	} catch (cause) {
		if (cause instanceof ConfigError) return failed(cause.message, 'name the cluster with --kubeconfig');
		if (isKubernetesError(cause)) return failed(cause.message, 'see that the address, the network and the credentials are right');
		if (patience.aborted) return failed(`takes more than ${formatSpan(patienceMs)} to answer`, 'see what keeps it busy');
		throw cause;
	}
}

type Seat = { readonly node: string | undefined; readonly role: Role };

async function onCluster(
	cluster: Cluster,
	{ discovery, cleaner }: Config,
	{ node, role }: Seat,
	signal: AbortSignal,
): Promise<ClusterFindings> {
	const version = await cluster.get<KubernetesObject & { readonly gitVersion?: string }>('/version', signal);
	const who = await whoAmI(cluster, signal);
	const { helmReleaseLabels, operatorLabels, namespaces } = discovery;
	const selectors = { helmReleaseLabels, operatorLabels };
	const found = node === undefined ? undefined : await unlessRefused(podsHere(cluster, { node, namespaces, selectors }, signal));
	const own = ownNamespace(cluster);
	const asker = { who: printable(who), role, namespace: own, namespaces };
	const checks = [
		ok('API server', `${cluster.server}, Kubernetes ${printable(version?.gitVersion ?? 'of no known version')}, as ${printable(who)}`),
		...(await rightsChecks(cluster, asker, signal)),
		...(role === 'node' ? [] : await enforcementChecks(cluster, { cleaner }, own, signal)),
		...(await definitionsChecks(cluster, role !== 'node' && cleaner.enabled, signal)),
		...(node === undefined ? [] : await nodeCheck(cluster, node, found, signal)),
		...(found ? [podsCheck(found)] : []), // the check of the rights tells why not
	];
	return { checks, pods: found?.milvus };
}

type SelfReview = KubernetesObject & { readonly status?: { readonly userInfo?: { readonly username?: string } } };

async function whoAmI(cluster: Cluster, signal: AbortSignal): Promise<string> {
	const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
	const review = cluster.create<SelfReview>(resource('authentication.k8s.io/v1', 'selfsubjectreviews'), body, signal);
	const answer = await unlessRefused(review); // Kubernetes before 1.28 knows none
	return (answer?.is === 'done' && answer.object.status?.userInfo?.username) || 'its user';
}

const group = 'diagnostics.milvus.io/v1alpha1';
type ApiResources = KubernetesObject & { readonly resources?: readonly { readonly name: string }[] };

/** By what the API server offers, which everybody may see. */
async function definitionsChecks(cluster: Cluster, isCleaning: boolean, signal: AbortSignal): Promise<Check[]> {
	const offered = await unlessRefused(cluster.get<ApiResources>(`/apis/${group}`, signal));
	const has = (name: string) => offered?.resources?.some((one) => one.name === name) === true;
	const check = (subject: string, plural: string, loss: string) =>
		has(plural) && has(`${plural}/status`)
			? ok(subject, `${group} is installed`)
			: warning(
					subject,
					`the CustomResourceDefinition ${plural}.diagnostics.milvus.io is not installed: ${loss}`,
					`kubectl apply -f deploy/crds/${plural}.yaml`,
				);
	return [
		check('CrashReports', 'crashreports', 'crashes are told only by each node for itself'),
		...(isCleaning ? [check('InstanceCleanups', 'instancecleanups', 'instances that do nothing but crash are not told of')] : []),
	];
}

async function nodeCheck(cluster: Cluster, node: string, found: PodsHere | undefined, signal: AbortSignal): Promise<Check[]> {
	const todo = 'name it by --node or $NODE_NAME (in a pod: fieldRef spec.nodeName)';
	try {
		const isThere = (await cluster.get(resource('v1', 'nodes', undefined, node), signal)) !== undefined;
		return [isThere ? ok('node', `${printable(node)} is there`) : error('node', `there is no node ${printable(node)}`, todo)];
	} catch (cause) {
		if (!(cause instanceof KubernetesRefused)) throw cause;
		// The agent itself needs no right to look at nodes; that to look at pods is checked.
		if (!found) return [];
		if (found.count > 0) return [ok('node', `${printable(node)} has ${found.count} pods`)];
		return [warning('node', `${printable(node)} has no pods, and whether it is there at all may not be looked up`, todo)];
	}
}

const mostInstances = 5;

function podsCheck({ milvus, count }: PodsHere): Check {
	const subject = 'Milvus on this node';
	if (milvus.length === 0) return ok(subject, `none of the ${count} pods is Milvus`);
	const byInstance = Map.groupBy(milvus, ({ membership: { instance } }) => `${instance.namespace}/${instance.name} (${instance.kind})`);
	const instances = [...byInstance].map(([name, pods]) => {
		const byComponent = Map.groupBy(pods, ({ membership }) => membership.component ?? 'no component');
		return `${name}: ${[...byComponent].map(([component, { length }]) => `${component} ${length}`).join(', ')}`;
	});
	const rest = instances.length - mostInstances;
	const shown = [...instances.slice(0, mostInstances), ...(rest > 0 ? [`and ${rest} more instances`] : [])];
	return ok(subject, printable(`${milvus.length} of ${count} pods: ${shown.join('; ')}`));
}

async function podLogsCheck({ discovery: { podLogsPath } }: Config): Promise<Check> {
	const subject = 'discovery.podLogsPath';
	const problem = await unreadable(podLogsPath);
	if (problem === undefined) return ok(subject, `${podLogsPath} can be read`);
	return warning(
		subject,
		`${podLogsPath} can not be read (${problem}): what containers wrote is asked of the API server, which knows only of their last run and the one before`,
		`mount /var/log/pods of the node at ${podLogsPath}, read-only, and run the agent as root`,
	);
}

/** Undefined where the API server says no. */
async function unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
	try {
		return await asked;
	} catch (cause) {
		if (cause instanceof KubernetesRefused) return undefined;
		throw cause;
	}
}
