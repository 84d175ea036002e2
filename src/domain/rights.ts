/** What a role of the agent must be allowed in Kubernetes. Doctor, the chart and docs/reference/rbac.md are made of this. */
export type Right = {
	readonly group: string;
	/** With its subresource: `pods/log`. */
	readonly resource: string;
	readonly verbs: readonly string[];
	/** Only objects of these names. */
	readonly names?: readonly string[];
	/** Only in the agent's own namespace; else in all. */
	readonly isOfOwn?: true;
	/** Why. */
	readonly purpose: string;
	/** What there is not without it. */
	readonly loss: string;
	/** Asked of all namespaces, whichever are looked at. */
	readonly isOfAll?: true;
	/** The agent can do nothing for the cluster without it. */
	readonly isVital?: true;
};

/** Of whoever leads the controllers. */
export const leaseName = 'milvus-coredump-agent-controller';

/** The ConfigMap of what asking models has cost. */
export const opinionsName = 'milvus-coredump-agent-opinions';

const crashReports = 'diagnostics.milvus.io';

/** Of the agent on a node. */
export const nodeAgentRights: readonly Right[] = [
	{
		...{ group: '', resource: 'pods', verbs: ['list', 'watch'], isOfAll: true, isVital: true },
		purpose: 'it follows the pods of its node: which are Milvus, and how their containers end',
		loss: 'no pod of this node is known: no restart is seen, and no core is associated with its pod',
	},
	{
		...{ group: '', resource: 'pods', verbs: ['get'] },
		purpose: 'a pod is looked at again after its log was read, lest the words of another run are taken for those of the one that crashed',
		loss: noLog(),
	},
	{
		...{ group: '', resource: 'pods/log', verbs: ['get'] },
		purpose: "what a container wrote last, where the node's own logs do not have it any more",
		loss: noLog(),
	},
	{ group: 'apps', resource: 'replicasets', verbs: ['get'], purpose: owner('a Deployment'), loss: noOwner('a Deployment') },
	{ group: 'apps', resource: 'deployments', verbs: ['get'], purpose: owner('a Deployment'), loss: noOwner('a Deployment') },
	{ group: 'apps', resource: 'statefulsets', verbs: ['get'], purpose: owner('a StatefulSet'), loss: noOwner('a StatefulSet') },
	{ group: 'milvus.io', resource: 'milvuses', verbs: ['get'], purpose: owner('the operator'), loss: noOwner('the operator') },
	{ group: 'milvus.io', resource: 'milvusclusters', verbs: ['get'], purpose: owner('a MilvusCluster'), loss: noOwner('a MilvusCluster') },
	{
		...{ group: '', resource: 'events', verbs: ['list'] },
		purpose: 'the Event of the kubelet says why it killed a container',
		loss: 'why the kubelet killed a container (liveness probe) is not known',
	},
	{
		...{ group: '', resource: 'events', verbs: ['create', 'patch'] },
		purpose: 'it tells of a crash at the pod and at the instance, and counts on when it comes again',
		loss: 'kubectl describe shows no Events of crashes',
	},
	{
		...{ group: crashReports, resource: 'crashreports', verbs: ['get', 'list', 'create', 'patch'] },
		purpose: 'it shows the crashes of its node in the cluster, and compares what is there with what it knows',
		loss: noReports('is empty'),
	},
	{
		...{ group: crashReports, resource: 'crashreports/status', verbs: ['patch'] },
		purpose: 'what the analysis found, and where the core is, comes after the crash itself',
		loss: noReports('shows no results'),
	},
	{
		...{ group: '', resource: 'configmaps', verbs: ['get', 'update'], names: [opinionsName], isOfOwn: true },
		purpose:
			'all nodes share one budget for asking language models, and what was answered (aiAnalysis); the chart and the manifests make it, empty',
		loss: 'no model is asked',
	},
];

/** Of the controller. */
export const controllerRights: readonly Right[] = [
	{
		...{ group: crashReports, resource: 'crashreports', verbs: ['list', 'watch'], isOfAll: true, isVital: true },
		purpose: 'it follows the crashes of all nodes',
		loss: 'it does nothing',
	},
	{
		...{ group: crashReports, resource: 'crashreports', verbs: ['delete'], isOfAll: true },
		purpose: 'CrashReports expire by age and number (monitor.crashReports)',
		loss: 'they stay for ever, and fill etcd',
	},
	{
		...{ group: '', resource: 'pods', verbs: ['list'] },
		purpose: 'before an instance is said to do nothing but crash, its pods must show it, as they are at that moment',
		loss: noCleanups(),
	},
	{
		...{ group: '', resource: 'namespaces', verbs: ['get'] },
		purpose: 'an instance is kept by an annotation of its namespace, or because that is being deleted',
		loss: noCleanups(),
	},
	...(['replicasets', 'deployments', 'statefulsets'] as const).map((resource) => ({
		...{ group: 'apps', resource, verbs: ['get'] },
		purpose: 'what an instance consists of, and whether an annotation or label there keeps it',
		loss: noCleanups(),
	})),
	...(['milvuses', 'milvusclusters'] as const).map((resource) => ({
		...{ group: 'milvus.io', resource, verbs: ['get'] },
		purpose: 'the same of an instance of the operator, and whether its reconciliation is paused',
		loss: noCleanups('of the operator'),
	})),
	{
		...{ group: 'milvus.io', resource: 'milvusupgrades', verbs: ['list'], isOfAll: true },
		purpose: 'an instance that is being upgraded is kept',
		loss: noCleanups('of the operator'),
	},
	{
		...{ group: crashReports, resource: 'instancecleanups', verbs: ['list', 'create', 'patch', 'delete'], isOfAll: true },
		purpose: 'it says there which instances do nothing but crash, remembers what it decided, and deletes what is settled for a week',
		loss: noCleanups(),
	},
	{
		...{ group: crashReports, resource: 'instancecleanups/status', verbs: ['patch'], isOfAll: true },
		purpose: 'what has become of such a decision',
		loss: noCleanups(),
	},
	{
		...{ group: '', resource: 'events', verbs: ['create'] },
		purpose: 'it tells of such a decision at the custom resource or workload',
		loss: 'kubectl describe shows no Events of cleanups',
	},
	{
		...{ group: 'coordination.k8s.io', resource: 'leases', verbs: ['get', 'update'], names: [leaseName], isOfOwn: true, isVital: true },
		purpose: 'the replicas agree by this Lease which of them works',
		loss: 'it does nothing',
	},
	{
		...{ group: 'coordination.k8s.io', resource: 'leases', verbs: ['create'], isOfOwn: true, isVital: true },
		purpose: 'the first to come makes that Lease (a right to create cannot be bound to a name)',
		loss: 'it does nothing',
	},
];

function noLog(): string {
	return "what a container wrote is had only while the node's own logs keep it";
}

function owner(who: string): string {
	return `whose a pod is: owner, labels and annotations of what stands behind pods of ${who}`;
}

function noOwner(who: string): string {
	return `pods of ${who} are told by their own labels only, and may be taken for another instance or for none`;
}

function noCleanups(whose = ''): string {
	return `instances ${whose && `${whose} `}that do nothing but crash are not told of`;
}

function noReports(how: string): string {
	return `kubectl get crashreports ${how}`;
}
