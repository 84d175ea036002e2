import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exec, temporaryFolder } from '../crash.ts';
import { describeUnless, type Missing, missingOf } from '../needed.ts';
import { type ControlPlane, controlPlaneOf } from './control-plane.ts';
import { type Door, openDoor } from './door.ts';
import { keeper } from './keeper.ts';
import { whatIsMissing } from './programs.ts';

/** A Kubernetes with one node whose pods truly run: kubelet, containerd, runc, a network of pods. No DNS, and no images but those imported. */
export type RealNode = ControlPlane & {
	/** The node's name. */
	readonly nodeName: string;
	/** Where the logs of containers are: NAMESPACE_POD_UID/CONTAINER/N.log; on a real machine /var/log/pods. */
	readonly podLogs: string;
	/** Where containerd has a folder for each running container; seen from inside. */
	readonly containerdTasks: string;
	/** What a command is put behind to see the node's files as its processes do: those of containers are mounted there alone. */
	readonly inside: readonly string[];
	/** Asks containerd, in the namespace of the kubelet. */
	ctr(...args: readonly string[]): Promise<string>;
	/** Opens a port of the node to its pods. */
	door(port: number): Promise<Door>;
	/** What is /var/log on the node, which has nothing of the machine's. */
	readonly logs: string;
	/**
	 * Makes an image of files, for pods with `imagePullPolicy: Never`.
	 *
	 * @param name with its host and tag: `localhost/crash:1`
	 * @param files from path in the image to file on this machine; programs must be linked statically, or their libraries come along
	 */
	importImage(name: string, files: Readonly<Record<string, string>>, entrypoint?: readonly string[]): Promise<void>;
};

const missing = whyNoNode() ?? (await whatIsMissing());

function whyNoNode(): Missing {
	if (process.getuid?.() !== 0) return 'a real node takes root';
	if (!existsSync('/sys/fs/cgroup/pids/cgroup.procs')) return 'a real node takes cgroups of version 1';
	return missingOf(['containerd', 'runc', 'iptables', 'ip', 'unshare', 'nsenter']);
}

/** Tests that need a real node: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export const describeRealNode = (name: string, tests: () => void): void => describeUnless(name, missing, { timeout: 180_000 }, tests);

/**
 * Starts it, in 10 s, or more where there is much to do. It ends when this process ends; if that is killed, the containers end when the next is started.
 *
 * @param hostPaths folders of the machine by the path at which pods of the node find them as hostPath. What they write elsewhere goes with the node,
 * the folder of temporary files excepted.
 */
export async function realNode(hostPaths: Readonly<Record<string, string>> = {}): Promise<RealNode> {
	const lines = Object.entries(hostPaths).map(([path, source]) => `${path}=${source}`);
	const kept = await keeper('real-node.sh', { HOST_PATHS: lines.join('\n') });
	const ctr = async (...args: readonly string[]) =>
		(await exec('ctr', ['-a', join(kept.folder, 'containerd.sock'), '-n', 'k8s.io', ...args])).stdout;
	const namespace = readFileSync(join(kept.folder, 'namespace'), 'utf8').trim();
	return {
		...controlPlaneOf(kept, join(kept.folder, 'control-plane')),
		nodeName: 'node-1',
		podLogs: join(kept.folder, 'var-log/pods'),
		logs: join(kept.folder, 'var-log'),
		containerdTasks: '/run/containerd/io.containerd.runtime.v2.task',
		inside: ['nsenter', '--mount', '--target', namespace],
		door: (port) => openDoor(namespace, `10.250.0.1:${port}`, join(kept.folder, `door-${port}.sock`)),
		ctr,
		async importImage(name, files, entrypoint = []) {
			await using image = await temporaryFolder();
			const content = join(image.path, 'content');
			for (const [path, source] of Object.entries(files)) {
				mkdirSync(dirname(join(content, path)), { recursive: true });
				copyFileSync(source, join(content, path));
			}
			const archive = join(image.path, 'image.tar');
			await exec(join(import.meta.dirname, 'node/image.sh'), [name, content, archive, ...entrypoint]);
			await ctr('images', 'import', archive);
		},
	};
}
