import { readFile } from 'node:fs/promises';
import type { Layers } from '../../domain/layers.ts';
import { overlayDirectories, readMounts } from '../../readers/mountinfo/mountinfo.ts';

/** Where containerd keeps what is of the kubelet's containers. */
export const kubeletsNamespace = 'k8s.io';

/**
 * The layers of the containers that run now, by their ids: containerd mounts the root of each at `TASKS/NAMESPACE/ID/rootfs`, and unmounts it at
 * its end.
 *
 * @param tasksPath as it is seen from here
 * @param root what stands before the paths of the machine, which are what a mount names
 */
export async function runningLayers(tasksPath: string, root: string): Promise<ReadonlyMap<string, Layers>> {
	const found = new Map<string, Layers>();
	const below = `${tasksPath}/${kubeletsNamespace}/`;
	for (const mount of readMounts(await readFile('/proc/self/mountinfo', 'utf8'))) {
		if (!mount.mountPoint.startsWith(below)) continue;
		const [id = '', rest] = mount.mountPoint.slice(below.length).split(/\/(.*)/s, 2);
		const directories = rest === 'rootfs' ? overlayDirectories(mount) : undefined;
		if (!directories) continue;
		const { upper, lowers } = directories;
		found.set(id, { ...(upper !== undefined && { upper: root + upper }), lowers: lowers.map((path) => root + path) });
	}
	return found;
}
