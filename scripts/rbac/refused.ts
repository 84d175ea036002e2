// What the agent is deliberately not given. test/kubernetes/rights.test.ts tries what can be asked of the API server.

export type Refused = { readonly what: string; readonly why: string };

export const refusedByKubernetes: readonly Refused[] = [
	{
		what: 'to delete, evict or change pods, workloads, namespaces, volumes, or custom resources of Milvus; but for what is above, where it enforces',
		why: 'it reports, and names instances that do nothing but crash. Pods are deleted, evicted or changed nowhere, and nothing of Milvus is changed',
	},
	{
		what: 'to read Secrets or ConfigMaps; but for the one ConfigMap above, and for what is above where it enforces',
		why: 'its own configuration comes as a file. Nothing that it reports on is in them, but of what a release or a Milvus consists: without that an InstanceCleanup says `contents unknown`, and which right is missing',
	},
	{ what: 'pods/exec, pods/attach, pods/portforward, nodes/proxy', why: 'each is a way to run something in a pod or on a node' },
	{
		what: 'to create ConfigMaps',
		why: 'the one that the agents write is made with their rights, empty. Whoever takes over one agent can write it: have models asked not at all or too often, and put words into opinions, by which nothing is decided',
	},
	{ what: 'to look at nodes', why: 'the name of its own comes by the downward API' },
	{ what: 'to create pods, to write roles and bindings, to impersonate, to make tokens', why: 'each is a way to other rights' },
	{
		what: 'for the node agent of the chart: to delete CrashReports, and Leases',
		why: 'that is the work of the controller, which sees no file of a node',
	},
];

export const refusedOnNode: readonly Refused[] = [
	{
		what: '/run/containerd and /run/crio as a whole, /run/containerd/containerd.sock',
		why: 'who connects to the socket of the container runtime is root on the node, and a read-only mount does not hinder connecting. So only the folders below it are mounted that hold no socket',
	},
	{ what: '/run/systemd', why: "it holds systemd's private socket: the same" },
	{ what: '/, /proc and /sys of the node', why: 'not needed' },
	{
		what: 'privileged, hostPID, hostIPC, hostNetwork',
		why: 'what it must know of a dead process is in the core, the journal and the logs',
	},
	{
		what: 'all capabilities, but for the one above; new privileges',
		why: 'it is root (uid 0) without them: what belongs to root on the node can be read as its owner, and nothing else',
	},
	{ what: 'a seccomp or AppArmor profile of its own', why: 'that of the runtime is enough' },
];
