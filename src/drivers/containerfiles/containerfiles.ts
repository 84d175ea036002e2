import { join } from 'node:path';
import type { Layers } from '../../domain/layers.ts';
import { kubeletsNamespace, runningLayers } from './containerd.ts';
import { storedLayers } from './crio.ts';

export { type ContainerRoot, type OpenFile, openRoot } from './root.ts';

/** Where the runtimes of a node keep what is of their containers. */
export type RuntimePlaces = {
	/** containerd's, `/run/containerd/io.containerd.runtime.v2.task`, as it is seen from here. */
	readonly tasksPath: string;
	/** CRI-O's, `/var/lib/containers/storage`. */
	readonly storagePath: string;
	/** What stands before the paths of the machine. */
	readonly root: string;
};

/** The containers of a node, of either runtime. */
export function nodeContainers({ tasksPath, storagePath, root }: RuntimePlaces) {
	return {
		/** The folder in which each container of containerd has one of its own, from shortly before it runs until it has ended. */
		tasksFolder: join(tasksPath, kubeletsNamespace),
		/** Those whose layers can be had only while they run: containerd's. */
		running: (): Promise<ReadonlyMap<string, Layers>> => runningLayers(tasksPath, root),
		/** Those of a container that is kept, also when it has ended: CRI-O's. */
		kept: (id: string): Promise<Layers | undefined> => storedLayers(storagePath, id),
	};
}

export type NodeContainers = ReturnType<typeof nodeContainers>;
