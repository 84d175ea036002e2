import { enforcingRights } from '../../src/domain/enforcing-rights.ts';
import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';
import { capabilities, hostPaths } from './host.ts';
import { type Refused, refusedByKubernetes, refusedOnNode } from './refused.ts';

/** The page on what the agent may do. */
export function rbacReference(): string {
	return [
		'# What the agent may do, and why',
		'',
		'<!-- Made by `npm run docs` from src/domain/rights.ts, enforcing-rights.ts and scripts/rbac. -->',
		'',
		'The chart has two service accounts, so that no pod both sees files of a node and may delete something: `milvus-coredump-agent` for the agent on each node (a DaemonSet), `milvus-coredump-agent-controller` for the controller (a Deployment). The plain manifests in deploy/, and the chart with `roles: together`, have one pod on each node that does both, with the rights of both: there, whoever takes over a node agent can also delete CrashReports and InstanceCleanups, and nothing else, but for `cleaner.mode: enforce`.',
		'',
		'`milvus-coredump-agent doctor` asks the API server for each right of the node agent, with `--role controller` for those of the controller, and says what is lost without it.',
		'',
		'## Rights of the node agent',
		'',
		...rightsTable(nodeAgentRights),
		'',
		'Kubernetes cannot limit these to one node or to Milvus: who has this account can read the specification of every pod in the cluster, with the environment that stands in it in plain text, and the log of every pod; and can write Events and CrashReports of any name in any namespace. So nothing acts on a CrashReport alone.',
		'',
		'## Rights of the controller',
		'',
		...rightsTable(controllerRights),
		'',
		'An InstanceCleanup is what the controller found out and decided, not an order: who writes one by hand makes it look at that instance, and say how it is.',
		'',
		...enforcing(),
		'## What Kubernetes refuses',
		'',
		...refusedTable(refusedByKubernetes),
		'',
		'## On the node',
		'',
		'The node agent is root (uid 0) without capabilities, with a read-only root file system, `allowPrivilegeEscalation: false` and the seccomp profile of the runtime. What it reads of the node is mounted below /host, read-only.',
		'',
		"A read-only mount does not make read-only what else is mounted below it, and the root of each running container is mounted below containerd's folder of tasks: who is root could write to the programs of other containers there, also of privileged ones. So that folder is mounted where the agent may not enter: in the image, /host/run/containerd and /host/run/k3s belong to another user, mode 0700, and root without capabilities is a user like others. The agent needs only to see in /proc/self/mountinfo that the mounts are there. With Kubernetes 1.30 or later the chart also makes read-only what is below the other folders (`recursiveReadOnly: IfPossible`); the plain manifests do not, as older versions refuse them then. That matters with CRI-O, which mounts roots below /var/lib/containers/storage.",
		'',
		'| folder of the node | access | what for | without it | set by |',
		'| --- | --- | --- | --- | --- |',
		...hostPaths.map(({ path, access, purpose, loss, by }) => `| ${path} | ${access} | ${purpose} | ${loss} | ${by} |`),
		'',
		'| capability | what for | without it | price | set by |',
		'| --- | --- | --- | --- | --- |',
		...capabilities.map(({ name, purpose, loss, price, by }) => `| ${name} | ${purpose} | ${loss} | ${price} | ${by} |`),
		'',
		'What is not there is made, as an empty folder, except for /var/log. A namespace that enforces a pod security standard must allow `privileged`, because of the folders of the node; nothing else asks for more than `baseline`.',
		'',
		'The controller runs as uid 65532, with a read-only root file system, no capability and no folder of the node. It meets the standard `restricted`.',
		'',
		'## What the node refuses',
		'',
		...refusedTable(refusedOnNode),
		'',
	].join('\n');
}

function enforcing(): string[] {
	const { saving, operator, helm, volumes } = enforcingRights;
	const listed = 'each of `cleaner.namespaces`';
	return [
		'## Rights to remove instances',
		'',
		'All of these are given only with `cleaner.mode: enforce`, only in the namespaces that `cleaner.namespaces` lists (an empty list: in none), and only to the controller. The chart makes a Role and a RoleBinding in each of them from `config.cleaner`; with the plain manifests you apply deploy/enforce.yaml, which binds them to the one account that all agents have. `doctor --role controller` asks for them where the configuration says so.',
		'',
		...rightsTable(saving),
		'',
		'Whoever takes over the controller reads all Secrets of the namespace that the agent is in, so let nothing else be in that namespace.',
		'',
		...rightsTable(operator, listed),
		'',
		'The controller deletes no pod, workload or volume of an instance of the operator: it has no right to.',
		'',
		'### Helm releases',
		'',
		'These are given only where you say so: value `cleaner.helmReleases` of the chart, which is `false` unless you set it; in deploy/enforce.yaml they stand behind comment signs.',
		'',
		'- **Whoever may uninstall a release can read all Secrets of its namespace**, with the passwords and tokens of all that runs there, and change and delete them. Helm keeps what it knows of a release in a Secret, and Kubernetes cannot grant Secrets by label.',
		'- Helm deletes the objects of a release one by one: whoever may have it do so can delete every Deployment, StatefulSet and Service of that namespace, also those of others, and of an operator that is there.',
		'- A Milvus of the operator needs them too where a dependency has `deletionPolicy: Delete`: what goes with that release is in its Secret.',
		'',
		'Where that is too much, do not list the namespace, or do not give these: then a release is still named, and its InstanceCleanup says which right is missing.',
		'',
		...rightsTable(helm, listed),
		'',
		'Of claims, Helm needs this only for those that are in the manifest without `helm.sh/resource-policy: keep`. It is given with `cleaner.allowVolumeLoss: true` besides:',
		'',
		...rightsTable(volumes, listed),
		'',
		'The list of kinds is that of the chart of Milvus and of the charts within it. What your values make besides (`cert-manager.io` certificates, a Route) is named by the value `cleaner.moreKinds`, or written into deploy/enforce.yaml. What belongs to the whole cluster (a ClusterRole in a release), and hooks that run before a deletion (Helm must create them), need rights that you would have to give yourself: `get` and `delete`, or `create`, `get`, `watch` and `delete`. What Helm may not `get` it leaves, and forgets the release all the same; so nothing is begun then.',
		'',
	];
}

function rightsTable(rights: readonly Right[], where?: string): string[] {
	return [
		'| verbs | of | where | what for | without it |',
		'| --- | --- | --- | --- | --- |',
		...alike(rights).map(
			(all) =>
				`| ${all[0].verbs.join(', ')} | ${all.map(objectsOf).join(', ')} | ${where ?? (all[0].isOfOwn ? 'its own namespace' : 'everywhere')} | ${all[0].purpose} | ${all[0].loss} |`,
		),
	];
}

/** Those that differ in nothing but of what they are. */
function alike(rights: readonly Right[]): (readonly [Right, ...Right[]])[] {
	const groups = Map.groupBy(rights, ({ group, resource, ...rest }) => JSON.stringify(rest));
	return groups
		.values()
		.flatMap(([first, ...others]) => (first ? [[first, ...others] as const] : []))
		.toArray();
}

const objectsOf = ({ group, resource, names }: Right) =>
	`\`${resource}\`${group && ` of ${group}`}${names ? ` named ${names.join(', ')}` : ''}`;

const refusedTable = (refused: readonly Refused[]) => [
	'| not given | why |',
	'| --- | --- |',
	...refused.map(({ what, why }) => `| ${what} | ${why} |`),
];
