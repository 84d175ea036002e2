// What the node agent sees of its node, and why; test/chart/host.test.ts holds the chart to it.

export type HostPath = {
	/** With the default values. */
	readonly path: string;
	/** `none`: it is mounted where the agent may not enter. */
	readonly access: 'read' | 'write' | 'none';
	readonly purpose: string;
	readonly loss: string;
	/** The value that decides on it. */
	readonly by: string;
};

export const hostPaths: readonly HostPath[] = [
	{
		...{ path: '/var/lib/milvus-coredump-agent', access: 'write', by: '' },
		purpose: 'journal (SQLite) and scratch: what it has in hand survives a restart of the pod, and a core that is unpacked takes no memory',
		loss: 'it does not start',
	},
	{
		...{ path: '/data/coredumps', access: 'write', by: '`config.storage.localPath`; not mounted for another `storage.backend`' },
		purpose: 'cores that are kept',
		loss: 'no core is kept',
	},
	{
		...{
			path: '/var/lib/systemd/coredump',
			access: 'read',
			by: '`config.collector.coredumpPath`; writable only with `config.collector.removeOriginal: afterStored`',
		},
		purpose: 'the cores of the node',
		loss: 'no core is found; crashes are told by restarts and logs alone',
	},
	{
		...{ path: '/var/log', access: 'read', by: '`config.discovery.podLogsPath`, `config.collector.journaldPath`' },
		purpose:
			"pods/ is what containers wrote last, journal/ the node's journal: in which cgroup a process died, which cores were lost and why. The folder above them is mounted, because to make an empty /var/log/journal would change how journald works",
		loss: 'logs are asked of the API server, which has less; cores are associated by name and time at best; lost cores are not told',
	},
	{
		...{ path: '/run/log', access: 'read', by: '`config.collector.journaldPath`' },
		purpose: 'journal/ is the journal of a node that keeps it in memory only (Storage=volatile)',
		loss: 'as for /var/log, on such nodes',
	},
	{
		...{ path: '/etc/systemd', access: 'read', by: '`nodeAgent.systemdFiles`' },
		purpose: 'coredump.conf and units: which limits cores meet',
		loss: 'doctor does not warn before cores are lost',
	},
	{
		...{ path: '/usr/lib/systemd', access: 'read', by: '`nodeAgent.systemdFiles`' },
		purpose: "the same, as the distribution has it, and systemd's version",
		loss: 'doctor does not warn before cores are lost',
	},
	{
		...{
			path: '/run/containerd/io.containerd.runtime.v2.task',
			access: 'none',
			by: '`nodeAgent.containerFiles`, `config.discovery.containerdTasksPath`',
		},
		purpose:
			'the roots of running containers are mounted below it, and /proc/self/mountinfo then tells what they are made of; those that come later follow (mountPropagation: HostToContainer)',
		loss: 'stacks have no names from executables and libraries that are in the image only',
	},
	{
		...{
			path: '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
			access: 'read',
			by: '`nodeAgent.containerFiles.containerdRoot`',
		},
		purpose: 'the layers of images and containers, still there when the container is gone',
		loss: 'the same',
	},
	{
		...{ path: '/var/lib/containers/storage', access: 'read', by: '`nodeAgent.containerFiles`, `config.discovery.crioStoragePath`' },
		purpose: 'both of it for CRI-O, whose files tell which layers a container has',
		loss: 'the same, on nodes with CRI-O',
	},
];

export type Capability = {
	readonly name: string;
	readonly by: string;
	readonly purpose: string;
	readonly loss: string;
	readonly price: string;
};

export const capabilities: readonly Capability[] = [
	{
		name: 'DAC_READ_SEARCH',
		by: '`nodeAgent.readForeignCores` (default: false)',
		purpose:
			"to read cores that are for another user only: where kernel.core_pattern is a path, the core of a Milvus that does not run as root is that user's, mode 0600. systemd-coredump's are root's, and need no capability",
		loss: 'such cores are found and can not be read; the report says so',
		price:
			'with it every file of the node can be opened, also outside of what is mounted (open_by_handle_at(2)), and the roots of other containers can be entered and written to',
	},
];
