import { controllerRights, nodeAgentRights, type Right } from '../../src/domain/rights.ts';
import { capabilities, hostPaths } from './host.ts';
import { type Refused, refusedByKubernetes, refusedOnNode } from './refused.ts';

/** The page on what the agent may do. */
export function rbacReference(): string {
	return [
		'# What the agent may do, and why',
		'',
		'<!-- Made by `npm run docs` from src/domain/rights.ts and scripts/rbac. -->',
		'',
		'The chart has two service accounts, so that no pod both sees files of a node and may delete something: `milvus-coredump-agent` for the agent on each node (a DaemonSet), `milvus-coredump-agent-controller` for the controller (a Deployment). The plain manifests in deploy/, and the chart with `roles: together`, have one pod on each node that does both, with the rights of both: there, whoever takes over a node agent can also delete CrashReports and InstanceCleanups, and nothing else.',
		'',
		'`milvus-coredump-agent doctor` asks the API server for each right of the node agent, and says what is lost without it.',
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

function rightsTable(rights: readonly Right[]): string[] {
	return [
		'| verbs | of | where | what for | without it |',
		'| --- | --- | --- | --- | --- |',
		...rights.map(
			(right) =>
				`| ${right.verbs.join(', ')} | ${objectsOf(right)} | ${right.isOfOwn ? 'its own namespace' : 'everywhere'} | ${right.purpose} | ${right.loss} |`,
		),
	];
}

const objectsOf = ({ group, resource, names }: Right) =>
	`\`${resource}\`${group && ` of ${group}`}${names ? ` named ${names.join(', ')}` : ''}`;

const refusedTable = (refused: readonly Refused[]) => [
	'| not given | why |',
	'| --- | --- |',
	...refused.map(({ what, why }) => `| ${what} | ${why} |`),
];
